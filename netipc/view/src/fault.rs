//! Deliberate faults. Each is one that an implementer might make; the simulator in the tests must find each of them.
//!
//! Without the feature `planted-faults` every question is answered `false` at compile time, and no trace is left.

/// A deliberate fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(not(feature = "planted-faults"), allow(dead_code))]
pub enum PlantedFault {
    /// A claim takes a home whose owner is still a member, and the epoch stays.
    TwoHomesInOneEpoch,
    /// The holder acts until the lease's end, the granter waits until its end, each by its own clock.
    LeaseWithoutDrift,
    /// Votes are counted, not voters.
    VoteCountedTwice,
    /// A voter that restarts keeps its seat, and so votes and acknowledges without a memory.
    RestartedVoterVotes,
    /// An entry is committed when half of the seats have it.
    CommitWithoutMajority,
    /// A resource takes any epoch.
    OldEpochAccepted,
    /// A voter does not remember whom it gave its vote in a term.
    VoteForgotten,
    /// A vote is given to a candidate whose log is behind.
    StaleLogElected,
    /// The leader grants leases without asking whether it still leads.
    LeaseWithoutQuorum,
    /// A new leader removes members at once.
    TakeoverWithoutWaiting,
    /// An empty voter founds while leases of the dead history may run.
    FoundedWithoutWaiting,
    /// Who gives a home back acts on until that is agreed.
    ReleaseWithoutStopping,
}

impl PlantedFault {
    /// Every fault.
    #[cfg(feature = "planted-faults")]
    pub const ALL: [Self; 12] = [
        Self::TwoHomesInOneEpoch,
        Self::LeaseWithoutDrift,
        Self::VoteCountedTwice,
        Self::RestartedVoterVotes,
        Self::CommitWithoutMajority,
        Self::OldEpochAccepted,
        Self::VoteForgotten,
        Self::StaleLogElected,
        Self::LeaseWithoutQuorum,
        Self::TakeoverWithoutWaiting,
        Self::FoundedWithoutWaiting,
        Self::ReleaseWithoutStopping,
    ];
}

/// Which fault is planted, if any.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    #[cfg(feature = "planted-faults")]
    planted: Option<PlantedFault>,
}

impl Faults {
    pub(crate) const NONE: Self = Self {
        #[cfg(feature = "planted-faults")]
        planted: None,
    };

    #[cfg(feature = "planted-faults")]
    pub(crate) const fn one(fault: PlantedFault) -> Self {
        Self {
            planted: Some(fault),
        }
    }

    #[cfg(feature = "planted-faults")]
    pub(crate) fn has(self, fault: PlantedFault) -> bool {
        self.planted == Some(fault)
    }

    #[cfg(not(feature = "planted-faults"))]
    pub(crate) const fn has(self, _fault: PlantedFault) -> bool {
        false
    }
}
