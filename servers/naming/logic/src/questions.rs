//! Questions to other machines, and the workers that ask them.

use heapless::Vec;

use crate::limits::{QUESTIONS, WORKERS};

/// What waits for a worker, and which worker asks whom. `T` is a question.
#[derive(Debug)]
pub struct Questions<T> {
    waiting: Vec<(u8, T), QUESTIONS>,
    /// By worker: the machine that it asks.
    asking: Vec<Option<u8>, WORKERS>,
}

impl<T> Questions<T> {
    /// Without workers.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            waiting: Vec::new(),
            asking: Vec::new(),
        }
    }

    /// There are this many workers, at most [`WORKERS`].
    pub fn begin(&mut self, workers: usize) {
        self.asking.clear();
        // A vector that is too short for them has room for as many as may be.
        let _ = self.asking.resize(workers.min(WORKERS), None);
    }

    /// Puts a question to machine `node` in the queue. It comes back if there is no room, or no worker at all.
    ///
    /// # Errors
    /// The question.
    pub fn push(&mut self, node: u8, question: T) -> Result<(), T> {
        if self.asking.is_empty() {
            return Err(question);
        }
        self.waiting
            .push((node, question))
            .map_err(|(_, question)| question)
    }

    /// Those that wait for a worker.
    pub fn waiting(&self) -> impl Iterator<Item = &T> {
        self.waiting.iter().map(|(_, question)| question)
    }

    /// The next question that can be asked, and the worker that is to ask it. Half of the workers ask one machine at most, so that one
    /// that does not answer cannot take them all.
    pub fn next_job(&mut self) -> Option<(usize, u8, T)> {
        let worker = self.asking.iter().position(Option::is_none)?;
        let most = self.asking.len().div_ceil(2);
        let may = |node: u8| {
            self.asking
                .iter()
                .filter(|asked| **asked == Some(node))
                .count()
                < most
        };
        let at = self.waiting.iter().position(|(node, _)| may(*node))?;
        let (node, question) = self.waiting.remove(at);
        self.asking[worker] = Some(node);
        Some((worker, node, question))
    }

    /// The worker has its answer.
    pub fn finish(&mut self, worker: usize) {
        if let Some(asking) = self.asking.get_mut(worker) {
            *asking = None;
        }
    }
}

impl<T> Default for Questions<T> {
    fn default() -> Self {
        Self::new()
    }
}
