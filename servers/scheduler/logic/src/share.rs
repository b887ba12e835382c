//! Limits on processor time: who has had more than its share has its priority lowered, until it is even again. Nobody is ever suspended.
//!
//! Time is looked at in periods. What was used beyond the share is a debt, which each period pays off with one period's share. A process with
//! a debt keeps running where nobody else wants the processor.

/// What a process may use, in percent of a period, and what it owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    percent: u8,
    /// The reading of its processor time at the end of the last period.
    reading: u64,
    /// Ticks that it used beyond its share.
    debt: u64,
}

/// At which priority a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// At its own.
    Own,
    /// Below everybody who keeps to the limits.
    Lowered,
}

impl Share {
    /// A share of `percent` of a process that has run for `reading` ticks.
    #[must_use]
    pub const fn new(percent: u8, reading: u64) -> Self {
        Self {
            percent,
            reading,
            debt: 0,
        }
    }

    /// A period of `period` ticks is over, and the process has run for `reading` ticks since it started.
    pub fn period(&mut self, reading: u64, period: u64) -> Standing {
        let used = reading.saturating_sub(self.reading);
        self.reading = reading;
        let share = period / 100 * u64::from(self.percent);
        self.debt = (self.debt + used).saturating_sub(share);
        match self.debt {
            0 => Standing::Own,
            _ => Standing::Lowered,
        }
    }
}
