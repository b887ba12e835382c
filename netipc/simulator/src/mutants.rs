//! Deliberate mistakes, which must be found.

use netipc_protocol::PlantedFault;

use crate::Checker;

/// A mistake, the seeds within which it must be found, and who may find it: another checker would mean that the mistake is not
/// what its name says.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// Which.
    pub fault: PlantedFault,
    /// So many seeds at most.
    pub within: u64,
    /// Who may notice it first.
    pub checkers: &'static [Checker],
}

/// Every mistake that the protocol of today can make.
#[must_use]
pub fn all() -> Vec<Mutant> {
    PlantedFault::ALL.into_iter().map(mutant).collect()
}

fn mutant(fault: PlantedFault) -> Mutant {
    use Checker::{Progress, Sessions, Tables, Truth, WakeUps, Wiretap};
    let (within, checkers): (u64, &'static [Checker]) = match fault {
        PlantedFault::SlotReusedEarly => (50, &[Progress, Tables, WakeUps, Wiretap]),
        PlantedFault::TombstoneForgotten => (50, &[Wiretap, Tables, Progress, WakeUps]),
        PlantedFault::NotExecutedOnTimeout => (50, &[Truth]),
        PlantedFault::ReplyNotCached => (50, &[Truth, Wiretap]),
        PlantedFault::OldSessionAccepted => (50, &[Sessions, Truth, Wiretap]),
    };
    Mutant {
        fault,
        within,
        checkers,
    }
}
