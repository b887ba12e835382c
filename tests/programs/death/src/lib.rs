//! What the server that dies and its clients say to each other. Bare labels, without the typed calls of `isthmus-interface`: the test is
//! about what the kernel and the supervisor do. See `docs/death.md`.
#![no_std]
#![forbid(unsafe_code)]

use isthmus_runtime::abi::Label;
use isthmus_runtime::abi::label::Way;

/// The interface's name.
pub const MORTAL: &str = "mortal";
/// Save my reply, and never answer.
pub const SAVE: Label = Label::method("mortal.save()", 0, Way::Call);
/// Take the call, wait until others queue up, and die.
pub const DIE: Label = Label::method("mortal.die()", 1, Way::Call);
/// Answer.
pub const GREET: Label = Label::method("mortal.greet()", 2, Way::Call);
