//! What an answer that a worker got becomes on its way to the peer. The table is in `docs/proxy.md`.

use isthmus_abi::label::Kind;
use isthmus_abi::{Label, NotExecuted, Outcome, Unknown};

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The server's reply: label, words and capability go on as they are.
    Reply,
    /// It did not run.
    NotExecuted(NotExecuted),
    /// It may have run.
    Unknown(Unknown),
}

impl Judgement {
    /// By the label of the answer and its first word (0 if it has none).
    #[must_use]
    pub const fn of(label: Label, word: u64) -> Self {
        match Outcome::of_answer(label, word) {
            Ok(()) => Self::Reply,
            Err(Outcome::NotExecuted(reason)) if may_say_not_executed(label, reason) => {
                Self::NotExecuted(reason)
            }
            Err(Outcome::Unknown(reason @ (Unknown::ComponentDied | Unknown::ReplyLost))) => {
                Self::Unknown(reason)
            }
            Err(_) => Self::Unknown(Unknown::BadReply),
        }
    }
}

/// A server's dispatch, the undertaker, or the kernel.
const fn may_say_not_executed(label: Label, reason: NotExecuted) -> bool {
    reason.may_come_from_server()
        || matches!(reason, NotExecuted::ComponentDied)
        || matches!(label.kind(), Kind::KernelError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_cannot_speak_for_the_system() {
        for &reason in NotExecuted::ALL {
            let (label, word) = Outcome::NotExecuted(reason).encode();
            let expected = if reason.may_come_from_server() || reason == NotExecuted::ComponentDied
            {
                Judgement::NotExecuted(reason)
            } else {
                Judgement::Unknown(Unknown::BadReply)
            };
            assert_eq!(Judgement::of(label, word), expected, "{reason}");
        }
        for &reason in Unknown::ALL {
            let (label, word) = Outcome::Unknown(reason).encode();
            let passes = matches!(reason, Unknown::ComponentDied | Unknown::ReplyLost);
            let expected = if passes { reason } else { Unknown::BadReply };
            assert_eq!(Judgement::of(label, word), Judgement::Unknown(expected));
        }
    }

    #[test]
    fn the_kernels_error_means_that_nobody_was_called() {
        assert_eq!(
            Judgement::of(Label::from_bits(2), 0),
            Judgement::NotExecuted(NotExecuted::NotAnEndpoint)
        );
    }

    #[test]
    fn replies_pass_and_what_is_none_does_not() {
        assert_eq!(Judgement::of(Label::REPLY, 5), Judgement::Reply);
        assert_eq!(Judgement::of(Label::REPLY_ERROR, 5), Judgement::Reply);
        for label in [16, 300, 2000, 1 << 51] {
            assert_eq!(
                Judgement::of(Label::from_bits(label), 0),
                Judgement::Unknown(Unknown::BadReply)
            );
        }
    }
}
