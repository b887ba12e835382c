//! What a resource keeps to turn away the owners of the past.

use core::fmt;

use crate::fault::{Faults, PlantedFault};
use crate::ids::Epoch;

/// The highest epoch that a resource has seen: one for each name or object, at whoever acts for its owner.
#[derive(Clone, Copy, Debug)]
pub struct Fence {
    seen: Epoch,
    faults: Faults,
}

/// The epoch is over: another owner has acted since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fenced {
    /// The epoch of the later owner.
    pub by: Epoch,
}

impl fmt::Display for Fenced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an owner of the later epoch {} has acted since", self.by)
    }
}

impl core::error::Error for Fenced {}

impl Fence {
    /// Takes any epoch.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            seen: Epoch(0),
            faults: Faults::NONE,
        }
    }

    /// Plants a fault.
    #[cfg(feature = "planted-faults")]
    pub fn plant(&mut self, fault: PlantedFault) {
        self.faults = Faults::one(fault);
    }

    /// Whether who owns it in `epoch` may act; from then on no owner of an earlier one may.
    ///
    /// # Errors
    /// There was a later owner.
    // [N47]
    pub fn admit(&mut self, epoch: Epoch) -> Result<(), Fenced> {
        if epoch < self.seen && !self.faults.has(PlantedFault::OldEpochAccepted) {
            return Err(Fenced { by: self.seen });
        }
        self.seen = epoch;
        Ok(())
    }
}

impl Default for Fence {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_epoch_is_refused_for_ever() {
        let mut fence = Fence::new();
        assert_eq!(fence.admit(Epoch(3)), Ok(()));
        assert_eq!(fence.admit(Epoch(3)), Ok(()));
        assert_eq!(fence.admit(Epoch(2)), Err(Fenced { by: Epoch(3) }));
        assert_eq!(fence.admit(Epoch(4)), Ok(()));
        assert_eq!(fence.admit(Epoch(3)), Err(Fenced { by: Epoch(4) }));
    }
}
