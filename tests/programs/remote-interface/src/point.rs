//! The points of a call's way at which its server's machine is killed, and the calls that are made around each.

use crate::Hold;

/// When the server's machine is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// Before the request leaves the client, which does not know it: its session still stands.
    BeforeItLeaves,
    /// The request has left the client's machine, and does not reach the server's.
    BeforeItArrives,
    /// The server has the request, and has not run it.
    AfterItArrived,
    /// The server has run the request, and has not answered.
    AfterItRan,
    /// The answer is under way, and does not leave the network.
    BeforeTheReplyLeaves,
}

/// A call of the client at a point. The discriminant is its place in the number of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Call {
    /// All is well: it opens the session.
    Before = 0,
    /// The one that the machine dies at.
    Struck = 1,
    /// Right after that, through the same capability: the machine is still dead.
    After = 2,
    /// When the machine may be back, until one is answered: this one and all further numbers.
    Again = 3,
}

impl Point {
    /// All, in the order in which the client goes through them.
    pub const ALL: [Self; 5] = [
        Self::BeforeItLeaves,
        Self::BeforeItArrives,
        Self::AfterItArrived,
        Self::AfterItRan,
        Self::BeforeTheReplyLeaves,
    ];

    /// As in what client and server say.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeforeItLeaves => "before-it-leaves",
            Self::BeforeItArrives => "before-it-arrives",
            Self::AfterItArrived => "after-it-arrived",
            Self::AfterItRan => "after-it-ran",
            Self::BeforeTheReplyLeaves => "before-the-reply-leaves",
        }
    }

    /// Where the server holds the call that is struck.
    #[must_use]
    pub const fn hold(self) -> Hold {
        match self {
            Self::BeforeItLeaves | Self::BeforeItArrives | Self::BeforeTheReplyLeaves => {
                Hold::Nowhere
            }
            Self::AfterItArrived => Hold::BeforeRunning,
            Self::AfterItRan => Hold::BeforeAnswering,
        }
    }

    /// The number of the request of a call here, the `turn`th of its kind. No two are the same.
    #[must_use]
    pub const fn request(self, call: Call, turn: u64) -> u64 {
        const TURNS_BITS: u32 = 32;
        ((self as u64 + 1) << TURNS_BITS) + call as u64 + turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer_to;

    #[test]
    fn no_two_requests_and_answers_are_the_same() {
        let mut numbers: heapless::Vec<u64, 64> = heapless::Vec::new();
        for point in Point::ALL {
            for call in [Call::Before, Call::Struck, Call::After, Call::Again] {
                let request = point.request(call, 0);
                for number in [request, answer_to(request)] {
                    assert!(!numbers.contains(&number), "{point:?} {call:?}");
                    numbers.push(number).expect("there are few");
                }
            }
        }
    }
}
