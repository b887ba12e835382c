//! What a server that dies and its clients say to each other. Bare labels, without the typed calls of `isthmus-interface`: the tests, this one and
//! those of the scheduler, are about what the kernel and the supervisors do. See `docs/death.md`, `docs/processes.md`.
#![no_std]
#![forbid(unsafe_code)]

use isthmus_runtime::abi::label::Way;
use isthmus_runtime::abi::{Label, Outcome};
use isthmus_runtime::sel4::MessageInfoBuilder;
use isthmus_runtime::{grants, say};

/// The interface's name.
pub const MORTAL: &str = "mortal";
/// Save my reply, and never answer.
pub const SAVE: Label = Label::method("mortal.save()", 0, Way::Call);
/// Take the call, wait until others queue up, and fault with it unanswered.
pub const DIE: Label = Label::method("mortal.die()", 1, Way::Call);
/// Answer.
pub const GREET: Label = Label::method("mortal.greet()", 2, Way::Call);
/// Take the call, and neither answer nor receive any more.
pub const HANG: Label = Label::method("mortal.hang()", 3, Way::Call);

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
