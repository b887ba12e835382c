//! Which states are passed through: the tables of legal transitions, and counters for the simulator.
//!
//! The tables are the state machines of `docs/netipc.md`. Without the feature `coverage` nothing is counted and no trace is
//! left in the code. The counters are one set for the whole process: they say what a hunt has reached, and decide nothing.

/// A state machine of the protocol. There is one of each for every slot or row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The caller's slot.
    Caller,
    /// The callee's slot.
    Callee,
    /// A row of imports.
    Import,
    /// A row of exports.
    Export,
}

/// A state of one of them, as a number.
pub(crate) trait Observed: Copy {
    /// Whose state it is.
    const PART: Part;
    /// Its place in [`Part::states`].
    fn place(self) -> usize;
}

/// From one state to another.
#[cfg(feature = "coverage")]
pub(crate) fn passed<S: Observed>(from: S, to: S) {
    counters::count(S::PART, from.place(), to.place());
}

/// From one state to another.
#[cfg(not(feature = "coverage"))]
#[inline(always)]
pub(crate) fn passed<S: Observed>(from: S, to: S) {
    let _ = (S::PART, from.place(), to.place());
}

#[cfg(feature = "coverage")]
pub use counters::{Transition, transitions};

#[cfg(feature = "coverage")]
mod counters {
    use core::sync::atomic::{AtomicU64, Ordering};

    use super::Part;

    /// More states than any part has.
    const STATES: usize = 12;
    const PARTS: usize = 4;

    static SEEN: [[[AtomicU64; STATES]; STATES]; PARTS] =
        [const { [const { [const { AtomicU64::new(0) }; STATES] }; STATES] }; PARTS];

    pub(super) fn count(part: Part, from: usize, to: usize) {
        let counter = SEEN
            .get(part as usize)
            .and_then(|froms| froms.get(from)?.get(to));
        if let Some(counter) = counter {
            // Not one atomic step: it is only a count, and several threads may lose some.
            let seen = counter.load(Ordering::Relaxed);
            counter.store(seen + 1, Ordering::Relaxed);
        }
    }

    /// How often one state followed another.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Transition {
        /// Whose.
        pub part: Part,
        /// The state before.
        pub from: &'static str,
        /// The state after.
        pub to: &'static str,
        /// Whether the tables have it.
        pub legal: bool,
        /// How often, in this process.
        pub seen: u64,
    }

    /// Every legal transition, and every other that was seen.
    pub fn transitions() -> impl Iterator<Item = Transition> {
        Part::ALL.into_iter().flat_map(|part| {
            let states = part.states();
            let pairs = states
                .iter()
                .enumerate()
                .flat_map(move |from| states.iter().enumerate().map(move |to| (from, to)));
            pairs.filter_map(move |((from, from_name), (to, to_name))| {
                let counter = SEEN.get(part as usize)?.get(from)?.get(to)?;
                let seen = counter.load(Ordering::Relaxed);
                let legal = part.legal().contains(&(from_name, to_name));
                (legal || seen > 0).then_some(Transition {
                    part,
                    from: from_name,
                    to: to_name,
                    legal,
                    seen,
                })
            })
        })
    }
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 4] = [Self::Caller, Self::Callee, Self::Import, Self::Export];

    /// The names of its states.
    #[must_use]
    pub const fn states(self) -> &'static [&'static str] {
        match self {
            Self::Caller => &["Free", "Queued", "Sent", "Quarantine", "Finished"],
            Self::Callee => &[
                "Idle",
                "Held",
                "Ready",
                "Running",
                "Abandoned",
                "NeverRan",
                "Ran",
                "Replied",
                "Refused",
                "Failed",
                "Granting",
            ],
            Self::Import => &["Free", "Live", "Releasing", "Revoked", "Offered"],
            Self::Export => &["Free", "Live", "Revoking"],
        }
    }

    /// The transitions that there are. The end of a session, which empties everything, is counted in `Caller` only.
    #[must_use]
    pub const fn legal(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Caller => &[
                // Accepted.
                ("Free", "Queued"),
                // Deadline, cancel, or no session: nothing was sent.
                ("Queued", "Free"),
                ("Queued", "Sent"),
                // REPLY.
                ("Sent", "Finished"),
                // REFUSE, FAIL, a one-way message's REPLY, the session's end.
                ("Sent", "Free"),
                // Deadline, cancel, or no room for the reply's capability.
                ("Sent", "Quarantine"),
                // The callee's word, or the session's end.
                ("Quarantine", "Free"),
                // The reply was fetched.
                ("Finished", "Free"),
            ],
            Self::Callee => &[
                // The slot's first request of the session, or the next: it is held until its turn has come.
                ("Idle", "Held"),
                ("NeverRan", "Held"),
                ("Ran", "Held"),
                ("Replied", "Held"),
                ("Refused", "Held"),
                ("Failed", "Held"),
                ("Abandoned", "Held"),
                ("Held", "Ready"),
                ("Ready", "Running"),
                ("Running", "Replied"),
                ("Running", "Failed"),
                // The reply waits for the exporter of the capability that goes with it.
                ("Running", "Granting"),
                ("Granting", "Replied"),
                ("Granting", "Failed"),
                ("Granting", "Ran"),
                // Its server had died before it took the request.
                ("Running", "Refused"),
                // CANCEL.
                ("Running", "Abandoned"),
                ("Replied", "Ran"),
                ("Held", "NeverRan"),
                ("Ready", "NeverRan"),
                // The tombstone of a request that has not come.
                ("Idle", "NeverRan"),
                ("NeverRan", "NeverRan"),
                ("Ran", "NeverRan"),
                ("Replied", "NeverRan"),
                ("Refused", "NeverRan"),
                ("Failed", "NeverRan"),
                ("Abandoned", "NeverRan"),
                // Budget, revocation, no worker.
                ("Held", "Refused"),
                ("Ready", "Refused"),
                // To an export that is gone.
                ("Idle", "Refused"),
                ("NeverRan", "Refused"),
                ("Ran", "Refused"),
                ("Replied", "Refused"),
                ("Refused", "Refused"),
                ("Failed", "Refused"),
                ("Abandoned", "Refused"),
            ],
            Self::Import => &[
                ("Free", "Live"),
                ("Live", "Releasing"),
                // RELEASE-ACK or REVOKE.
                ("Releasing", "Free"),
                // REVOKE.
                ("Live", "Revoked"),
                // Given up before, but kept for what was on its way.
                ("Live", "Free"),
                // The proxy has taken away every copy.
                ("Revoked", "Free"),
                // OFFER; then the message that names it, nothing for too long, or REVOKE.
                ("Live", "Offered"),
                ("Offered", "Live"),
                ("Offered", "Releasing"),
                ("Offered", "Free"),
            ],
            Self::Export => &[
                ("Free", "Live"),
                // RELEASE, or it never arrived, or no frame had named it when it was revoked.
                ("Live", "Free"),
                ("Live", "Revoking"),
                // REVOKE-ACK or RELEASE.
                ("Revoking", "Free"),
            ],
        }
    }
}
