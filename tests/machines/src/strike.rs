//! Striking a machine at the sight of a frame: what the switch looks for, what the machine suffers, and how all is made well again.
//!
//! The switch reads frames, so encryption is off. A frame of which the machine that is struck is an end is lost.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use holder_interface::{FIRST_OBJECT, Holder, HolderClient, PLACES, holder};
use isthmus_interface::{Cap, Method};
use isthmus_testkit::{Agent, Cluster, Encryption, Failure, Killer, Machine, Verdict};
use netipc_protocol::limits::OUTCOME_WITHIN;
use netipc_wire::{Message, Sequence, SlotIndex, Way};
use qemu_switch::{PortId, Sighting};

use crate::blow::Blow;
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
pub(crate) enum Role {
    Exporter = 1,
    Introducer = 2,
    Receiver = 3,
}

/// The methods whose calls are struck.
const LABELS: [u64; 3] = [
    holder::keep::LABEL.bits(),
    holder::make::LABEL.bits(),
    holder::show::LABEL.bits(),
];

/// An object and the introducer's capability to it.
pub(crate) type Lent = (u16, Cap<dyn Holder>);

/// Frames about capabilities; first those of a hand-off, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    GrantAsk,
    Offer,
    OfferAck,
    Grant,
    /// The introducer's request to the receiver, as to `keep` a capability.
    Message,
    Reply,
    Revoke,
    RevokeAck,
}

/// What is done, and what the switch has seen of it.
#[derive(Debug)]
pub(crate) struct Seen {
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
    pub(crate) const ALL: [Self; 3] = [Self::Exporter, Self::Introducer, Self::Receiver];

    const fn port(self) -> PortId {
        PortId(self as u8 - 1)
    }
}

pub(crate) fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
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
            Message::Request(Way::Call, request)
                if sighting.from == Role::Introducer.port()
                    && sighting.to == Role::Receiver.port()
                    && LABELS.contains(&request.label) =>
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
            Message::Revoke(_) => Some(Step::Revoke),
            Message::RevokeAck(_) => Some(Step::RevokeAck),
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
            // Of revocations there are two at once.
            Some((planned, victim))
                if step == Some(planned)
                    && !self.struck
                    && (planned < Step::Revoke || is_end(victim)) =>
            {
                self.struck = true;
                if self.blow.strike(&killers[victim as usize - 1]) {
                    self.cut = Some(victim);
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

/// Three machines, and an eye on their frames.
pub(crate) struct Scene<'c> {
    pub(crate) cluster: &'c Cluster,
    pub(crate) sites: Vec<Site<'c>>,
    seen: &'c Mutex<Seen>,
    pub(crate) blow: Blow,
    made: u16,
}

/// A call around which a machine was struck.
pub(crate) struct Struck<T> {
    pub(crate) outcome: Called<T>,
    pub(crate) took: Duration,
    /// Whether the introducer's message has left.
    pub(crate) left: bool,
    pub(crate) what: String,
}

impl<T: std::fmt::Debug> Struck<T> {
    /// Why that cannot be.
    pub(crate) fn wrong<R>(&self, cluster: &Cluster, why: &str) -> Result<R, Failure> {
        let Self {
            outcome,
            took,
            left,
            what,
        } = self;
        Err(cluster.failure(format!(
            "{what}: {why}: {outcome:?} after {took:?}; the message left: {left}"
        )))
    }
}

/// Runs a scene on three new machines.
pub(crate) fn play(
    lab: &Lab,
    blow: Blow,
    scene: impl FnOnce(&mut Scene<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
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
    let mut started = Scene {
        cluster: &cluster,
        sites: Site::all(&cluster)?,
        seen: &seen,
        blow,
        made: 0,
    };
    started.is_well()?;
    scene(&mut started)
}

impl<'c> Scene<'c> {
    /// The machine of a role.
    pub(crate) fn site(&self, role: Role) -> &Site<'c> {
        &self.sites[role as usize - 1]
    }

    /// The number of a new object.
    pub(crate) fn number(&mut self) -> u16 {
        self.made += 1;
        FIRST_OBJECT + self.made - 1
    }

    /// Makes a call as one of the machines, and strikes another, or itself, at the sight of a frame. What is said of it must have been said in time.
    pub(crate) fn strike<T: std::fmt::Debug>(
        &self,
        (step, victim): (Step, Role),
        (caller, target): (Role, Role),
        call: impl FnOnce(&HolderClient<&Agent<'_>>) -> Called<T>,
    ) -> Result<Struck<T>, Failure> {
        let site = self.site(caller);
        let target = site.holder(target as u8)?;
        let impatient = site.machine().agent()?.patience(IMPATIENCE);
        {
            let mut seen = lock(self.seen);
            seen.plan = Some((step, victim));
            seen.struck = false;
            seen.message = None;
        }
        let start = Instant::now();
        let outcome = call(&HolderClient::new(&impatient, target.endpoint().alias()));
        let took = start.elapsed();
        if step >= Step::Revoke {
            // Nobody waits for these frames.
            let end = Instant::now() + IMPATIENCE;
            while !lock(self.seen).struck && Instant::now() < end {
                std::thread::yield_now();
            }
        }
        let mut seen = lock(self.seen);
        seen.plan = None;
        let struck = Struck {
            outcome,
            took,
            left: seen.message.is_some(),
            what: format!("{victim:?} at {step:?}"),
        };
        if !seen.struck {
            return struck.wrong(self.cluster, "the frame was not seen");
        }
        if (victim != caller || self.blow == Blow::Cut) && struck.took > OUTCOME_WITHIN + STALL {
            return struck.wrong(self.cluster, "that took too long");
        }
        Ok(struck)
    }

    /// The introducer's import of a new object of the exporter.
    pub(crate) fn lend(&mut self) -> Result<Called<Lent>, Failure> {
        let number = self.number();
        let introducer = self.site(Role::Introducer);
        let exporter = introducer.holder(Role::Exporter as u8)?;
        Ok(exporter.make(number).map(|made| (number, made)))
    }

    /// What was struck goes on.
    pub(crate) fn heal(&mut self, victim: Role) -> Result<(), Failure> {
        let machine = self.cluster.machine(victim as usize);
        lock(self.seen).cut = None;
        self.blow.heal(machine)?;
        if self.blow == Blow::Kill {
            machine.wait_until_up()?;
            self.sites[victim as usize - 1] = Site::of(self.cluster, machine)?;
        }
        Ok(())
    }

    /// A capability can be handed on, and works. Sessions may have to end first.
    pub(crate) fn is_well(&mut self) -> Result<(), Failure> {
        /// No case has it.
        const PLACE: u8 = PLACES as u8 - 1;
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
