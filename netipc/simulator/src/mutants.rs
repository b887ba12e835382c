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
    PlantedFault::ALL
        .iter()
        .map(|fault| {
            let (within, checkers) = found(*fault);
            Mutant {
                fault: *fault,
                within,
                checkers,
            }
        })
        .collect()
}

/// Mistakes in mechanisms that this simulator does not run, and where they are looked for, if anywhere.
pub const MISSING: &[(&str, &str)] = &[
    (
        "rekey resets sequence numbers",
        "there are no keys here: netipc-crypto's tests",
    ),
    (
        "replay window off by one",
        "there are no keys here: netipc-crypto's tests",
    ),
    (
        "two homes in one epoch",
        "netipc-view has a simulator of its own",
    ),
    (
        "lease granted without drift",
        "netipc-view has a simulator of its own",
    ),
    ("a signal is lost", "there are no signals yet"),
    (
        "index reused without revoke, in the proxy's capability space",
        "netipc-proxy-logic's tests; of the protocol's rows it is GenerationReused",
    ),
];

fn found(fault: PlantedFault) -> (u64, &'static [Checker]) {
    use Checker::{
        Memory, Order, Progress, Replies, Revocation, Sessions, Tables, Truth, WakeUps, Wiretap,
    };
    match fault {
        PlantedFault::SlotReusedEarly => (50, &[Progress, Tables, WakeUps, Wiretap]),
        PlantedFault::TombstoneForgotten => (50, &[Wiretap, Tables, Progress, WakeUps]),
        PlantedFault::NotExecutedOnTimeout => (50, &[Truth]),
        PlantedFault::ReplyNotCached => (50, &[Truth, Wiretap]),
        PlantedFault::OldSessionAccepted => (50, &[Sessions, Truth, Wiretap]),
        PlantedFault::HealReusesSession => (50, &[Sessions, Wiretap]),
        PlantedFault::OldBootFences => (200, &[Sessions]),
        PlantedFault::ReplyOfAnySession => (3000, &[Sessions, Truth, Wiretap]),
        PlantedFault::DuplicateReplyImports => (50, &[Tables]),
        PlantedFault::GenerationReused => (200, &[Truth, Tables, Order, Wiretap, Revocation]),
        PlantedFault::ReleaseIgnoresGeneration => (50, &[Tables]),
        PlantedFault::RevokedRequestsRun => (500, &[Revocation, Tables]),
        PlantedFault::RevokeAckedTooEarly => (50, &[Revocation, Tables]),
        PlantedFault::HandOffDropsImport => (500, &[Tables]),
        PlantedFault::SubtreeSurvives => (1000, &[Revocation, Tables]),
        PlantedFault::OrderIgnored => (50, &[Order]),
        PlantedFault::LostWakeUp => (50, &[WakeUps, Progress, Tables]),
        PlantedFault::RunningSaidNever => (50, &[Wiretap]),
        PlantedFault::RetriedInNewSession => (50, &[Wiretap, Truth]),
        PlantedFault::CreditCountedTwice => (50, &[Memory]),
        PlantedFault::ReplyForgesOutcome => (50, &[Replies, Truth]),
    }
}
