//! Slots side by side, for processes: first fit, gaps joined when they are given back.

use heapless::Vec;

use crate::limits::RUNS;

/// Numbers side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The first.
    pub first: u32,
    /// How many.
    pub count: u32,
}

impl Run {
    const fn end(self) -> u32 {
        self.first + self.count
    }
}

/// What is free of a run of numbers.
#[derive(Clone, Debug)]
pub struct Runs {
    /// In order, never adjacent, never empty.
    free: Vec<Run, RUNS>,
}

impl Runs {
    /// All of `run` is free.
    #[must_use]
    pub fn new(run: Run) -> Self {
        let mut free = Vec::new();
        if run.count > 0 {
            // An empty list has room.
            let _ = free.push(run);
        }
        Self { free }
    }

    /// Takes `count` numbers side by side.
    pub fn take(&mut self, count: u32) -> Option<Run> {
        let index = self.free.iter().position(|run| run.count >= count)?;
        let run = &mut self.free[index];
        let taken = Run {
            first: run.first,
            count,
        };
        run.first += count;
        run.count -= count;
        if run.count == 0 {
            self.free.remove(index);
        }
        Some(taken)
    }

    /// Gives a run back that [`take`](Self::take) gave.
    ///
    /// # Panics
    /// If there are more gaps than processes can leave: what was given back was never taken.
    pub fn give(&mut self, run: Run) {
        if run.count == 0 {
            return;
        }
        let index = self.free.partition_point(|free| free.first < run.first);
        let mut run = run;
        if self
            .free
            .get(index)
            .is_some_and(|next| run.end() == next.first)
        {
            run.count += self.free.remove(index).count;
        }
        match index
            .checked_sub(1)
            .and_then(|before| self.free.get_mut(before))
        {
            Some(before) if before.end() == run.first => before.count += run.count,
            _ => self
                .free
                .insert(index, run)
                .expect("there are at most as many gaps as processes, and one"),
        }
    }

    /// How many numbers are free.
    #[must_use]
    pub fn free(&self) -> u32 {
        self.free.iter().map(|run| run.count).sum()
    }
}
