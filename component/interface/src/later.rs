//! Answering later.

use core::fmt;

use isthmus_abi::{Outcome, Slot, Unknown};

use crate::server::Answer;
use crate::staging::Keeper;

/// A caller that waits for a method's result. Dropped unanswered, it answers `Unknown(ReplyLost)`, so that nobody waits for ever.
///
/// A handler has one as an argument in place of a return type, and keeps it as long as it likes; if the server dies in the meantime, the
/// caller gets an outcome.
#[must_use = "dropping it tells the caller that its answer is lost"]
pub struct Later<T, E> {
    waiting: Option<Slot>,
    keeper: Keeper,
    encode: fn(Result<T, E>, &mut Answer, Keeper),
}

impl<T, E> Later<T, E> {
    pub(crate) fn new(
        waiting: Slot,
        keeper: Keeper,
        encode: fn(Result<T, E>, &mut Answer, Keeper),
    ) -> Self {
        Self {
            waiting: Some(waiting),
            keeper,
            encode,
        }
    }

    /// Answers. A capability in the result is copied to the caller, and deleted here if it was owned.
    pub fn answer(mut self, result: Result<T, E>) {
        let mut answer = Answer::new();
        (self.encode)(result, &mut answer, self.keeper);
        self.send(&answer);
    }

    /// Answers that it has not run, and why.
    pub fn refuse(mut self, outcome: Outcome) {
        let mut answer = Answer::new();
        answer.outcome(outcome);
        self.send(&answer);
    }

    fn send(&mut self, answer: &Answer) {
        if let Some(waiting) = self.waiting.take() {
            self.keeper.system.answer(waiting, answer);
        }
    }
}

impl<T, E> Drop for Later<T, E> {
    fn drop(&mut self) {
        if self.waiting.is_some() {
            let mut answer = Answer::new();
            answer.outcome(Unknown::ReplyLost.into());
            self.send(&answer);
        }
    }
}

impl<T, E> fmt::Debug for Later<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Later").field(&self.waiting).finish()
    }
}
