//! Deliberate mistakes, which must be found.

use std::fmt;

use netipc_protocol::PlantedFault;

use crate::{Checker, Options, Protection};

/// Where it is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// In the protocol.
    Protocol(PlantedFault),
    /// In the keys.
    Keys(netipc_crypto::PlantedFault),
    /// In the view of the cluster.
    View(netipc_view::PlantedFault),
}

impl fmt::Debug for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(fault) => fault.fmt(f),
            Self::Keys(fault) => fault.fmt(f),
            Self::View(fault) => fault.fmt(f),
        }
    }
}

/// A mistake, the seeds within which it must be found, and who may find it: another checker would mean that the mistake is not
/// what its name says.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// Which.
    pub mistake: Mistake,
    /// So many seeds at most.
    pub within: u64,
    /// Who may notice it first.
    pub checkers: &'static [Checker],
    /// Which cipher it takes.
    pub protection: Protection,
}

impl Mutant {
    /// What a history that it is looked for in is asked for.
    #[must_use]
    pub fn options(&self, options: &Options) -> Options {
        Options {
            mistake: Some(self.mistake),
            protection: self.protection,
            ..*options
        }
    }
}

/// Every mistake that the protocol of today can make.
#[must_use]
pub fn all() -> Vec<Mutant> {
    let protocol = PlantedFault::ALL.iter().map(|fault| {
        let (within, checkers) = found(*fault);
        Mutant {
            mistake: Mistake::Protocol(*fault),
            within,
            checkers,
            protection: match fault {
                // Without keys there is no rekeying.
                PlantedFault::RekeyResetsNumbers => Protection::Real,
                _ => Protection::Sum,
            },
        }
    });
    // What else may be wrong with the keys an attacker finds, and not the weather: `netipc-fuzz`.
    let keys = Mutant {
        mistake: Mistake::Keys(netipc_crypto::PlantedFault::WindowOffByOne),
        within: 20,
        checkers: &[Checker::Numbers],
        protection: Protection::Real,
    };
    // [N47] The view's own simulator looks for the others, too.
    let views = [
        (netipc_view::PlantedFault::TwoHomesInOneEpoch, 50),
        (netipc_view::PlantedFault::LeaseWithoutDrift, 1000),
    ];
    let views = views.map(|(fault, within)| Mutant {
        mistake: Mistake::View(fault),
        within,
        checkers: &[Checker::Owners],
        protection: Protection::Sum,
    });
    protocol.chain([keys]).chain(views).collect()
}

/// Mistakes in mechanisms that this simulator does not run, and where they are looked for, if anywhere.
pub const MISSING: &[(&str, &str)] = &[
    (
        "a signal is lost",
        "no frame carries a signal: what wakes a client on another machine is an answer, and one that is lost is LostWakeUp",
    ),
    (
        "index reused without revoke, in the proxy's capability space",
        "netipc-proxy-logic's tests; of the protocol's rows it is GenerationReused",
    ),
];

fn found(fault: PlantedFault) -> (u64, &'static [Checker]) {
    use Checker::{
        Bulk, Memory, Order, Progress, Replies, Revocation, Sessions, Tables, Truth, WakeUps,
        Wiretap,
    };
    match fault {
        PlantedFault::SlotReusedEarly => (50, &[Progress, Tables, WakeUps, Wiretap]),
        PlantedFault::TombstoneForgotten => (50, &[Wiretap, Tables, Progress, WakeUps]),
        PlantedFault::NotExecutedOnTimeout => (50, &[Truth]),
        PlantedFault::ReplyNotCached => (50, &[Truth, Wiretap]),
        PlantedFault::OldSessionAccepted => (50, &[Sessions, Truth, Wiretap]),
        PlantedFault::HealReusesSession => (50, &[Sessions, Wiretap]),
        PlantedFault::OldBootFences => (200, &[Sessions]),
        PlantedFault::ReplyOfAnySession => (30_000, &[Sessions, Truth, Wiretap]),
        PlantedFault::DuplicateReplyImports => (50, &[Tables]),
        // [N28]
        PlantedFault::GenerationReused => (200, &[Truth, Tables, Order, Wiretap, Revocation]),
        // [N31]
        PlantedFault::ReleaseIgnoresGeneration => (50, &[Tables]),
        PlantedFault::RevokedRequestsRun => (2_000, &[Revocation, Tables]),
        // [N35]
        PlantedFault::RevokeAckedTooEarly => (50, &[Revocation, Tables]),
        // [N36]
        PlantedFault::HandOffDropsImport => (500, &[Tables]),
        // [N37]
        PlantedFault::SubtreeSurvives => (3_000, &[Revocation, Tables]),
        PlantedFault::OrderIgnored => (50, &[Order]),
        PlantedFault::LostWakeUp => (50, &[WakeUps, Progress, Tables]),
        // [N21]
        PlantedFault::RunningSaidNever => (50, &[Wiretap]),
        // [N17]
        PlantedFault::RetriedInNewSession => (50, &[Wiretap, Truth]),
        // [N3]
        PlantedFault::RekeyResetsNumbers => (20, &[Checker::Numbers]),
        PlantedFault::CreditCountedTwice => (50, &[Memory]),
        PlantedFault::ReplyForgesOutcome => (50, &[Replies, Truth]),
        // [N39]
        PlantedFault::LateWriteAccepted => (500, &[Bulk, Tables]),
        // [N42]
        PlantedFault::CompleteTooEarly => (50, &[Bulk]),
        // [N40]
        PlantedFault::WantIgnored => (50, &[Bulk]),
        // [N43]
        PlantedFault::WantsUnbounded => (50, &[Bulk]),
    }
}
