//! A machine is killed, stopped or cut off at each frame of a hand-off: the exporter, the introducer, or the receiver. The call that hands the capability on ends in time, with
//! an outcome that is true; what had arrived works if its exporter lives; and once all is well, capabilities are handed on as before.

use holder_interface::HolderError;
use isthmus_abi::Outcome;
use isthmus_interface::CallError;
use isthmus_testkit::Failure;

use crate::blow::Blow;
use crate::lab::Lab;
use crate::sites::Called;
use crate::strike::{Role, Scene, Step, play};

/// The frames of a hand-off.
const STEPS: [Step; 6] = [
    Step::GrantAsk,
    Step::Offer,
    Step::OfferAck,
    Step::Grant,
    Step::Message,
    Step::Reply,
];

pub(crate) fn struck(lab: &Lab, blow: Blow) -> Result<(), Failure> {
    play(lab, blow, at_every_step)
}

fn at_every_step(scene: &mut Scene<'_>) -> Result<(), Failure> {
    // Each case has a place of its own.
    let mut place = 0;
    for step in STEPS {
        for victim in Role::ALL {
            one(scene, step, victim, place)?;
            place += 1;
        }
    }
    Ok(())
}

fn one(scene: &mut Scene<'_>, step: Step, victim: Role, place: u8) -> Result<(), Failure> {
    let lent = scene.lend()?;
    let (object, capability) = scene.site(Role::Introducer).right("make", lent)?;
    let struck = scene.strike(
        (step, victim),
        (Role::Introducer, Role::Receiver),
        |holder| holder.keep(place, &capability).map(drop),
    )?;
    // By itself a machine that is dead or stopped says nothing: the test's agent gave up.
    let says_itself = victim != Role::Introducer || scene.blow == Blow::Cut;
    let as_expected = match &struck.outcome {
        // An exporter is needed until it has granted, and not after that.
        Ok(()) => victim == Role::Exporter && step >= Step::Message,
        Err(CallError::Outcome(Outcome::NotExecuted(_))) => step < Step::Message && !struck.left,
        Err(CallError::Outcome(Outcome::Unknown(_))) => struck.left || !says_itself,
        Err(_) => false,
    };
    if !as_expected {
        return struck.wrong(scene.cluster, "that cannot be");
    }
    scene.heal(victim)?;
    if !(scene.blow == Blow::Kill && victim == Role::Receiver) {
        is_true(scene, &struck.what, &struck.outcome, place)?;
    }
    if victim == Role::Introducer {
        lives(scene, &struck.what, object, place)?;
    }
    scene.is_well()
}

/// What the receiver keeps agrees with what its caller was told.
fn is_true(scene: &Scene<'_>, what: &str, outcome: &Called<()>, place: u8) -> Result<(), Failure> {
    let receiver = scene.site(Role::Receiver);
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
fn lives(scene: &Scene<'_>, what: &str, object: u16, place: u8) -> Result<(), Failure> {
    let receiver = scene.site(Role::Receiver);
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
