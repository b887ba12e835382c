//! What the switch counts.

use std::fmt;

/// What became of the frames, counted for each way (a flooded frame counts once for each port).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames that entered.
    pub received: u64,
    /// Copies that left.
    pub delivered: u64,
    /// Lost by the dice.
    pub dropped: u64,
    /// Doubled by the dice.
    pub duplicated: u64,
    /// Made to be overtaken by the dice.
    pub reordered: u64,
    /// A bit turned by the dice.
    pub corrupted: u64,
    /// Lost on a cut link.
    pub cut: u64,
    /// Lost by the observer's word.
    pub refused: u64,
    /// Lost because too many were kept.
    pub overflowed: u64,
    /// Lost because no machine was at the port.
    pub unplugged: u64,
    /// Too short or too long to be a frame.
    pub malformed: u64,
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            received,
            delivered,
            dropped,
            duplicated,
            reordered,
            corrupted,
            cut,
            refused,
            overflowed,
            unplugged,
            malformed,
        } = self;
        write!(f, "{received} frames in, {delivered} out")?;
        for (count, what) in [
            (dropped, "dropped"),
            (duplicated, "duplicated"),
            (reordered, "reordered"),
            (corrupted, "corrupted"),
            (cut, "lost on cut links"),
            (refused, "refused by the observer"),
            (overflowed, "lost in full queues"),
            (unplugged, "to ports without a machine"),
            (malformed, "malformed"),
        ] {
            if *count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}
