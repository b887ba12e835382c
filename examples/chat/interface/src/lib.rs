//! What a chat room can be asked, and the two ways in which it wakes a listener: an *event* for one on its own machine, an answer that comes *later* for one
//! anywhere.
//!
//! An event has no content and may merge with another; so it only says "look again", and [`Chat::hear`] is what is looked at. On one machine none is lost; across machines a
//! signal is a message that nobody repeats. A call can wait anywhere, but no longer than calls across machines may, and is then made again. The programs are `chat-server`, `chat-listener`, `chat-speaker`.
#![no_std]
#![forbid(unsafe_code)]

use isthmus_interface::{Cap, Later, Notification, error_codes, interface};

/// A line that somebody has said.
pub type Line = heapless::String<120>;
/// Which line it is: they are counted from 1.
pub type Number = u64;

/// Lines that a room keeps; older ones are forgotten.
pub const LINES: usize = 64;
/// Listeners that a room wakes by events.
pub const BELLS: usize = 8;
/// Listeners that a room keeps waiting.
pub const WAITING: usize = 8;

error_codes! {
    /// Why the room refuses.
    pub enum ChatError {
        /// Nobody has said anything after that line.
        Silence = 1, "nobody has said anything more";
        /// As many listen as can.
        Crowded = 2, "there is no room for another listener";
    }
}

/// A room in which lines are said and heard.
#[interface(name = "chat")]
pub trait Chat {
    /// Says a line; answers which one it is.
    #[method(0)]
    fn say(&mut self, line: Line) -> Result<Number, ChatError>;

    /// The first line after `after` that is not forgotten.
    #[method(1)]
    fn hear(&mut self, after: Number) -> Result<(Number, Line), ChatError>;

    /// Has a notification signalled after each line from now on.
    #[method(2)]
    fn ring(&mut self, bell: Cap<Notification>) -> Result<(), ChatError>;

    /// As [`hear`](Chat::hear), but its caller waits until there is one.
    #[method(3)]
    fn wait(&mut self, after: Number, later: Later<(Number, Line), ChatError>);
}
