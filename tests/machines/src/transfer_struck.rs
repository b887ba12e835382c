//! A machine is killed, stopped or cut off while a capability goes from one machine to the other, or home, in a request and in a reply; and while one is revoked. Every call ends in
//! time and truly, what was revoked never runs, and once all is well capabilities go across as before.

use std::time::{Duration, Instant};

use holder_interface::{Holder, HolderError, Tell};
use isthmus_abi::Outcome;
use isthmus_interface::{CallError, Cap};
use isthmus_testkit::Failure;

use crate::blow::Blow;
use crate::lab::Lab;
use crate::sites::{Way, hop};
use crate::strike::{Role, Scene, Step, play};

/// A revocation is complete when the session with a lost importer has ended; and on a busy host machines stand still for some time.
const COMPLETE_WITHIN: Duration = Duration::from_secs(10);

/// How a capability crosses, between the introducer, which calls, and the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Crossing {
    ExportInRequest,
    ExportInReply,
    HomeInRequest,
    HomeInReply,
}

impl Crossing {
    const ALL: [Self; 4] = [
        Self::ExportInRequest,
        Self::ExportInReply,
        Self::HomeInRequest,
        Self::HomeInReply,
    ];
}

pub(crate) fn struck(lab: &Lab, blow: Blow) -> Result<(), Failure> {
    play(lab, blow, at_every_step)
}

fn at_every_step(scene: &mut Scene<'_>) -> Result<(), Failure> {
    // Each case has a place of its own.
    let mut place = 0;
    for crossing in Crossing::ALL {
        for step in [Step::Message, Step::Reply] {
            for victim in [Role::Introducer, Role::Receiver] {
                cross(scene, crossing, (step, victim), place)?;
                place += 1;
            }
        }
    }
    for step in [Step::Revoke, Step::RevokeAck] {
        for victim in Role::ALL {
            revoke(scene, step, victim)?;
        }
    }
    Ok(())
}

fn cross(
    scene: &mut Scene<'_>,
    crossing: Crossing,
    plan: (Step, Role),
    place: u8,
) -> Result<(), Failure> {
    let (step, victim) = plan;
    let number = scene.number();
    let introducer = scene.site(Role::Introducer);
    let own = introducer.holder(Role::Introducer as u8)?;
    let there = introducer.holder(Role::Receiver as u8)?;
    let given = match crossing {
        Crossing::ExportInRequest => Some(introducer.right("make", own.make(number))?),
        Crossing::HomeInRequest => Some(introducer.right("make", there.make(number))?),
        Crossing::HomeInReply => {
            let made = introducer.right("make", own.make(number))?;
            introducer.right("keep", there.keep(place, &made))?;
            None
        }
        Crossing::ExportInReply => None,
    };
    let parties = (Role::Introducer, Role::Receiver);
    let struck = scene.strike(plan, parties, |holder| match (&given, crossing) {
        (Some(given), _) => holder.keep(place, given).map(drop),
        (None, Crossing::HomeInReply) => holder.show(place).map(drop),
        (None, _) => holder.make(number).map(drop),
    })?;
    // Request or reply was lost, and with it the machine, or the way to it.
    let lost = matches!(struck.outcome, Err(CallError::Outcome(Outcome::Unknown(_))));
    if !lost || !struck.left {
        return struck.wrong(scene.cluster, &format!("{crossing:?}: that cannot be"));
    }
    scene.heal(victim)?;
    // Where the reply was seen it has run.
    if step == Step::Reply && victim == Role::Introducer {
        let receiver = scene.site(Role::Receiver);
        let holder = receiver.holder(receiver.node)?;
        let ran = match crossing {
            Crossing::ExportInReply => holder.ran(number).map(drop),
            _ => holder.show(place).map(drop),
        };
        receiver.right(&struck.what, ran)?;
    }
    scene.is_well()
}

/// The exporter's server takes back what the introducer has imported and handed on.
fn revoke(scene: &mut Scene<'_>, step: Step, victim: Role) -> Result<(), Failure> {
    let lent = scene.lend()?;
    let introducer = scene.site(Role::Introducer);
    let (object, first) = introducer.right("make", lent)?;
    introducer.right("keep", introducer.holder(introducer.node)?.keep(0, &first))?;
    let (second, _) = hop(&scene.sites, 1, 2, Way::Call)?;
    let struck = scene.strike((step, victim), (Role::Exporter, Role::Exporter), |holder| {
        holder.revoke(object, Tell::Netipc)
    })?;
    let what = struck.what.clone();
    if victim != Role::Exporter && struck.outcome.is_err() {
        return struck.wrong(scene.cluster, "nobody is waited for");
    }
    let importers = [(Role::Introducer, &first), (Role::Receiver, &second)];
    let well = |importer: Role| victim != importer && victim != Role::Exporter;
    for (importer, capability) in importers {
        if well(importer) {
            is_gone(scene, &what, importer, capability)?;
        }
    }
    if let (Ok(number), true) = (&struck.outcome, victim != Role::Exporter) {
        completes(scene, &what, *number)?;
    }
    scene.heal(victim)?;
    for (importer, capability) in importers {
        // What a new start of a machine has in that slot is something else.
        if !(scene.blow == Blow::Kill && victim == importer) {
            is_gone(scene, &what, importer, capability)?;
        }
    }
    let exporter = scene.site(Role::Exporter);
    match exporter.holder(exporter.node)?.ran(object) {
        Ok(0) => {}
        Err(CallError::Interface(HolderError::BadObject))
            if scene.blow == Blow::Kill && victim == Role::Exporter => {}
        other => return Err(exporter.failure(format!("{what}: it has run: {other:?}"))),
    }
    scene.is_well()
}

/// Nothing comes of a call; a machine may have to find out that its session has ended.
fn is_gone(
    scene: &Scene<'_>,
    what: &str,
    importer: Role,
    capability: &Cap<dyn Holder>,
) -> Result<(), Failure> {
    let site = scene.site(importer);
    match site.run(capability, 0) {
        Err(CallError::Outcome(_)) => Ok(()),
        other => Err(site.failure(format!("{what}: {other:?}"))),
    }
}

fn completes(scene: &Scene<'_>, what: &str, number: u64) -> Result<(), Failure> {
    let exporter = scene.site(Role::Exporter);
    let holder = exporter.holder(exporter.node)?;
    let end = Instant::now() + COMPLETE_WITHIN;
    loop {
        match exporter.right(what, holder.unconfirmed(number))? {
            0 => return Ok(()),
            left if Instant::now() > end => {
                return Err(exporter.failure(format!("{what}: {left} importers do not confirm")));
            }
            _ => {}
        }
    }
}
