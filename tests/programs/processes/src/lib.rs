//! What a server that is killed and its clients say to each other, and where each finds the scheduler. Bare labels, without typed calls: the
//! test is about what the kernel and the scheduler do. See `docs/processes.md`.
#![no_std]
#![forbid(unsafe_code)]

use isthmus_runtime::abi::label::Way;
use isthmus_runtime::abi::startup::Missing;
use isthmus_runtime::abi::{Label, Outcome};
use isthmus_runtime::sel4::MessageInfoBuilder;
use isthmus_runtime::{Kernel, Startup, grants, say};
use scheduler_interface::SchedulerClient;

/// The interface's name.
pub const MORTAL: &str = "mortal";
/// Save my reply, and never answer.
pub const SAVE: Label = Label::method("mortal.save()", 0, Way::Call);
/// Take the call, and neither answer nor receive any more.
pub const HANG: Label = Label::method("mortal.hang()", 1, Way::Call);
/// Answer.
pub const GREET: Label = Label::method("mortal.greet()", 2, Way::Call);
/// Fault, with the call unanswered.
pub const FAULT: Label = Label::method("mortal.fault()", 3, Way::Call);

/// The channel in which `runner` counts.
pub const COUNT: &str = "count";

/// The scheduler.
pub fn scheduler(startup: &Startup) -> Result<SchedulerClient<Kernel>, Missing<'static>> {
    let interface = SchedulerClient::<Kernel>::INTERFACE;
    let slot = startup.endpoint(interface)?;
    Ok(SchedulerClient::new(Kernel, slot))
}

/// Calls the mortal server, always through the same capability.
pub fn ask(label: Label) -> Result<(), Outcome> {
    let Ok(server) = grants::endpoint(MORTAL) else {
        say!("the description gives me no `{MORTAL}`");
        return Ok(());
    };
    let info = MessageInfoBuilder::default().label(label.bits()).build();
    let answer = server.call_with_mrs(info, []);
    Outcome::of_answer(Label::from_bits(answer.info.label()), answer.msg[0])
}

/// Calls the mortal server, and says what became of it.
pub fn tell(name: &str, label: Label) {
    match ask(label) {
        Ok(()) => say!("{name}: answered"),
        Err(outcome) => say!("{name}: {outcome}"),
    }
}
