//! The deadlines of the timer's clients: one each, in a table of fixed size.
//!
//! Pure: the counter's reading is handed in. It never signals and never programs a timer; it says which deadline comes first, and whose
//! have passed. A table of this size is searched faster than a heap is kept in order. The thin shell is `timer-server`; the promises are in
//! `docs/timer.md`.
#![no_std]
#![forbid(unsafe_code)]

/// The deadlines of up to `CLIENTS` clients, in ticks of the machine's counter.
#[derive(Clone, Debug)]
pub struct Deadlines<const CLIENTS: usize> {
    armed: [Option<u64>; CLIENTS],
}

/// There is no client of this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchClient;

impl core::fmt::Display for NoSuchClient {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the timer has no client of this number")
    }
}

impl core::error::Error for NoSuchClient {}

impl<const CLIENTS: usize> Deadlines<CLIENTS> {
    /// Nobody waits.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            armed: [None; CLIENTS],
        }
    }

    /// Sets the client's one deadline, in place of the one before.
    ///
    /// # Errors
    /// [`NoSuchClient`]
    pub fn arm(&mut self, client: usize, deadline: u64) -> Result<(), NoSuchClient> {
        *self.armed.get_mut(client).ok_or(NoSuchClient)? = Some(deadline);
        Ok(())
    }

    /// Takes the client's deadline away, if there is one.
    ///
    /// # Errors
    /// [`NoSuchClient`]
    pub fn disarm(&mut self, client: usize) -> Result<(), NoSuchClient> {
        *self.armed.get_mut(client).ok_or(NoSuchClient)? = None;
        Ok(())
    }

    /// The deadline that comes first: what to set the hardware to. `None`: nobody waits, and the hardware can sleep.
    #[must_use]
    pub fn earliest(&self) -> Option<u64> {
        self.armed.iter().flatten().min().copied()
    }

    /// The clients whose deadline has passed at `now`; each is disarmed as it is answered.
    pub fn expire(&mut self, now: u64) -> impl Iterator<Item = usize> + '_ {
        self.armed
            .iter_mut()
            .enumerate()
            .filter_map(move |(client, armed)| {
                armed.take_if(|deadline| *deadline <= now).map(|_| client)
            })
    }
}

impl<const CLIENTS: usize> Default for Deadlines<CLIENTS> {
    fn default() -> Self {
        Self::new()
    }
}
