//! A machine is killed, stopped or cut off at each frame of a hand-off: the exporter, the introducer, or the receiver. The call that hands the capability on ends in time, with
//! an outcome that is true; what had arrived works if its exporter lives; and once all is well, capabilities are handed on as before.
//!
//! The switch strikes at the sight of a frame, so encryption is off. A frame of which the machine that is struck is an end is lost.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use holder_interface::{FIRST_OBJECT, Holder, HolderClient, HolderError};
use isthmus_abi::Outcome;
use isthmus_interface::{CallError, Cap};
use isthmus_testkit::{Cluster, Encryption, Failure, Killer, Machine, Verdict};
use netipc_protocol::limits::OUTCOME_WITHIN;
use netipc_wire::{Capability, Message, Sequence, SlotIndex};
use qemu_switch::{PortId, Sighting};

use crate::frames;
use crate::lab::Lab;
use crate::sites::{Called, Site};

/// How long a busy host may stop a machine, or keep its word from us, within one call.
const STALL: Duration = Duration::from_secs(2);
/// For the call of a machine that is stopped.
const IMPATIENCE: Duration = Duration::from_secs(3);
/// Attempts until all is well again: a session may have to end first.
const ATTEMPTS: usize = 20;

/// Whose machine is struck. The discriminant is its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Exporter = 1,
    Introducer = 2,
    Receiver = 3,
}

/// An object and the introducer's capability to it.
type Lent = (u16, Cap<dyn Holder>);

/// The frames of a hand-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    GrantAsk,
    Offer,
    OfferAck,
    Grant,
    Message,
    Reply,
}

/// What the machine suffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blow {
    Kill,
    Pause,
    Cut,
}

/// What is done, and what the switch has seen of it.
#[derive(Debug)]
struct Seen {
    blow: Blow,
    /// What to do; nothing when there is no hand-off to strike.
    plan: Option<(Step, Role)>,
    struck: bool,
    /// Who is cut off.
    cut: Option<Role>,
    /// The request that names the capability, when it has left.
    message: Option<(SlotIndex, Sequence)>,
}

impl Role {
    const ALL: [Self; 3] = [Self::Exporter, Self::Introducer, Self::Receiver];

    const fn port(self) -> PortId {
        PortId(self as u8 - 1)
    }
}

impl Step {
    const ALL: [Self; 6] = [
        Self::GrantAsk,
        Self::Offer,
        Self::OfferAck,
        Self::Grant,
        Self::Message,
        Self::Reply,
    ];
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seen {
    /// Which frame of the hand-off this is, if it is one.
    fn step(&mut self, sighting: &Sighting<'_>) -> Option<Step> {
        let packet = frames::netipc(sighting.frame)?;
        match Message::parse(packet.header().kind, packet.body()).ok()? {
            Message::GrantAsk(_) => Some(Step::GrantAsk),
            Message::Offer(_) => Some(Step::Offer),
            Message::OfferAck(_) => Some(Step::OfferAck),
            Message::Grant(..) => Some(Step::Grant),
            Message::Request(_, request)
                if matches!(request.capability, Some(Capability::Granted(..))) =>
            {
                self.message = Some((request.slot, request.sequence));
                Some(Step::Message)
            }
            Message::Reply(reply)
                if sighting.from == Role::Receiver.port()
                    && sighting.to == Role::Introducer.port()
                    && self.message == Some((reply.slot, reply.sequence)) =>
            {
                Some(Step::Reply)
            }
            _ => None,
        }
    }

    fn look(&mut self, sighting: &Sighting<'_>, killers: &[Killer]) -> Verdict {
        let is_end = |role: Role| [sighting.from, sighting.to].contains(&role.port());
        let step = self.step(sighting);
        if self.cut.is_some_and(is_end) {
            return Verdict::Drop;
        }
        match self.plan {
            Some((planned, victim)) if step == Some(planned) && !self.struck => {
                self.struck = true;
                let killer = &killers[victim as usize - 1];
                match self.blow {
                    Blow::Kill => killer.kill(),
                    Blow::Pause => killer.pause(),
                    Blow::Cut => self.cut = Some(victim),
                }
                if is_end(victim) {
                    Verdict::Drop
                } else {
                    Verdict::Pass
                }
            }
            _ => Verdict::Pass,
        }
    }
}

pub(crate) fn killed(lab: &Lab) -> Result<(), Failure> {
    at_every_step(lab, Blow::Kill)
}

pub(crate) fn paused(lab: &Lab) -> Result<(), Failure> {
    at_every_step(lab, Blow::Pause)
}

pub(crate) fn cut_off(lab: &Lab) -> Result<(), Failure> {
    at_every_step(lab, Blow::Cut)
}

fn at_every_step(lab: &Lab, blow: Blow) -> Result<(), Failure> {
    let cluster = lab
        .machines(3)?
        .encryption(Encryption::OffForTests)
        .prepare()?;
    let seen = Arc::new(Mutex::new(Seen {
        blow,
        plan: None,
        struck: false,
        cut: None,
        message: None,
    }));
    let killers: Vec<Killer> = cluster.machines().iter().map(Machine::killer).collect();
    let eyes = Arc::clone(&seen);
    cluster.observe(move |sighting| lock(&eyes).look(sighting, &killers));
    cluster.machines().iter().try_for_each(Machine::start)?;
    let mut scene = Scene {
        cluster: &cluster,
        sites: Site::all(&cluster)?,
        seen: &seen,
        made: 0,
    };
    scene.is_well()?;
    for step in Step::ALL {
        for victim in Role::ALL {
            scene.strike(step, victim)?;
        }
    }
    Ok(())
}

struct Scene<'c> {
    cluster: &'c Cluster,
    sites: Vec<Site<'c>>,
    seen: &'c Mutex<Seen>,
    made: u16,
}

impl<'c> Scene<'c> {
    fn site(&self, role: Role) -> &Site<'c> {
        &self.sites[role as usize - 1]
    }

    /// The introducer's import of a new object of the exporter.
    fn lend(&mut self) -> Result<Called<Lent>, Failure> {
        let number = FIRST_OBJECT + self.made;
        self.made += 1;
        let introducer = self.site(Role::Introducer);
        let exporter = introducer.holder(Role::Exporter as u8)?;
        Ok(exporter.make(number).map(|made| (number, made)))
    }

    fn strike(&mut self, step: Step, victim: Role) -> Result<(), Failure> {
        let what = format!("{victim:?} at {step:?}");
        let lent = self.lend()?;
        let (object, capability) = self.site(Role::Introducer).right(&what, lent)?;
        // Each case has a place of its own.
        let place = (step as usize * Role::ALL.len() + victim as usize - 1) as u8;
        let blow = {
            let mut seen = lock(self.seen);
            seen.plan = Some((step, victim));
            seen.struck = false;
            seen.message = None;
            seen.blow
        };
        let introducer = self.site(Role::Introducer);
        let target = introducer.holder(Role::Receiver as u8)?;
        let impatient = introducer.machine().agent()?.patience(IMPATIENCE);
        let start = Instant::now();
        let outcome = HolderClient::new(&impatient, target.endpoint().alias())
            .keep(place, &capability)
            .map(drop);
        let took = start.elapsed();
        let (struck, left) = {
            let mut seen = lock(self.seen);
            seen.plan = None;
            (seen.struck, seen.message.is_some())
        };
        let fail = |why: &str| {
            Err(self.cluster.failure(format!(
                "{what}: {why}: {outcome:?} after {took:?}; the message left: {left}"
            )))
        };
        if !struck {
            return fail("the frame was not seen");
        }
        // By itself a machine that is dead or stopped says nothing: the test's agent gave up.
        let says_itself = victim != Role::Introducer || blow == Blow::Cut;
        if says_itself && took > OUTCOME_WITHIN + STALL {
            return fail("that took too long");
        }
        let as_expected = match &outcome {
            // An exporter is needed until it has granted, and not after that.
            Ok(()) => {
                step == Step::Reply && victim == Role::Introducer && !says_itself
                    || victim == Role::Exporter && step >= Step::Message
            }
            Err(CallError::Outcome(Outcome::NotExecuted(_))) => step < Step::Message && !left,
            Err(CallError::Outcome(Outcome::Unknown(_))) => left || !says_itself,
            Err(_) => false,
        };
        if !as_expected {
            return fail("that cannot be");
        }
        self.heal(blow, victim)?;
        self.is_true(&what, &outcome, place, blow, victim)?;
        self.lives(&what, object, place, victim)?;
        self.is_well()
    }

    fn heal(&mut self, blow: Blow, victim: Role) -> Result<(), Failure> {
        let machine = self.cluster.machine(victim as usize);
        match blow {
            Blow::Kill => {
                machine.restart()?;
                machine.wait_until_up()?;
                self.sites[victim as usize - 1] = Site::of(self.cluster, machine)?;
            }
            Blow::Pause => machine.resume(),
            Blow::Cut => lock(self.seen).cut = None,
        }
        Ok(())
    }

    /// What the receiver keeps agrees with what its caller was told.
    fn is_true(
        &self,
        what: &str,
        outcome: &Called<()>,
        place: u8,
        blow: Blow,
        victim: Role,
    ) -> Result<(), Failure> {
        if blow == Blow::Kill && victim == Role::Receiver {
            return Ok(());
        }
        let receiver = self.site(Role::Receiver);
        let kept = match receiver.holder(receiver.node)?.show(place) {
            Ok(_) => true,
            Err(CallError::Interface(HolderError::Empty)) => false,
            Err(error) => return Err(receiver.failure(format!("{what}: show: {error:?}"))),
        };
        let wanted = match outcome {
            Ok(()) => true,
            Err(CallError::Outcome(Outcome::NotExecuted(_))) => false,
            Err(_) => return Ok(()),
        };
        if kept == wanted {
            Ok(())
        } else {
            Err(receiver.failure(format!("{what}: {outcome:?}, and it keeps it: {kept}")))
        }
    }

    /// What has arrived does not need its introducer.
    fn lives(&self, what: &str, object: u16, place: u8, victim: Role) -> Result<(), Failure> {
        if victim != Role::Introducer {
            return Ok(());
        }
        let receiver = self.site(Role::Receiver);
        let Ok(capability) = receiver.holder(receiver.node)?.show(place) else {
            return Ok(());
        };
        let ran = receiver.right(what, receiver.run(&capability, 0))?;
        if ran.object == object {
            Ok(())
        } else {
            Err(receiver.failure(format!("{what}: {ran:?}")))
        }
    }

    /// A capability can be handed on, and works. Sessions may have to end first.
    fn is_well(&mut self) -> Result<(), Failure> {
        /// No case has it.
        const PLACE: u8 = holder_interface::PLACES as u8 - 1;
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let lent = self.lend()?;
            let (introducer, receiver) = (self.site(Role::Introducer), self.site(Role::Receiver));
            let holder = introducer.holder(receiver.node)?;
            let own = receiver.holder(receiver.node)?;
            let done = lent.and_then(|(object, capability)| {
                holder.keep(PLACE, &capability)?;
                let ran = receiver.run(&own.show(PLACE)?, 0)?;
                Ok(ran.object == object)
            });
            match done {
                Ok(true) => return Ok(()),
                other => last = Some(other),
            }
        }
        Err(self
            .cluster
            .failure(format!("it is not well again: {last:?}")))
    }
}
