//! To which peers something has happened since they were last looked at.
//!
//! A peer is large, and mostly nothing happens to it: whoever asks all of them (for a frame, an event, a timer) asks only those that were
//! touched since their last "nothing".

use crate::set::Set;

/// What a peer is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// When do you want to be woken?
    Timeout,
    /// Is anything due?
    Due,
    /// Do you have a frame?
    Frame,
    /// Do you have an event?
    Event,
    /// Do you have a chunk to send?
    Chunk,
    /// Have exports ended?
    Ended,
    /// Do you know something that concerns another peer?
    News,
}

/// How many there are.
const QUESTIONS: usize = Question::News as usize + 1;

/// For each question, the peers that must be asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Touched([Set; QUESTIONS]);

impl Touched {
    /// Nobody.
    pub(crate) const NOBODY: Self = Self([Set::EMPTY; QUESTIONS]);

    /// Something happens to a peer.
    pub(crate) const fn touch(&mut self, peer: usize) {
        let mut question = 0;
        while question < QUESTIONS {
            self.0[question].insert(peer);
            question += 1;
        }
    }

    /// The peers that must be asked, rising.
    pub(crate) const fn unasked(&self, question: Question) -> Set {
        self.0[question as usize]
    }

    /// A peer was asked, and there is nothing, until it is touched again.
    pub(crate) const fn answered(&mut self, question: Question, peer: usize) {
        self.0[question as usize].remove(peer);
    }
}
