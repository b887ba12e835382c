//! Deliberate faults. Each is one that an implementer might make; the simulator must find each of them.
//!
//! Without the feature `planted-faults` every question is answered `false` at compile time, and no trace is left.

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A deliberate fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(not(feature = "planted-faults"), allow(dead_code))]
        pub enum PlantedFault { $($(#[$doc])* $name,)* }

        impl PlantedFault {
            /// Every fault.
            #[cfg(feature = "planted-faults")]
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

faults! {
    /// A cancelled call's slot is used again before the callee has said what became of it.
    SlotReusedEarly,
    /// A cancel that overtakes its request is answered *never ran*, and then forgotten.
    TombstoneForgotten,
    /// A call that was sent ends as `NotExecuted` when its deadline passes.
    NotExecutedOnTimeout,
    /// A reply is sent once and not kept, nor that there was one.
    ReplyNotCached,
    /// The session of a frame is not compared.
    OldSessionAccepted,
    /// A peer that was declared dead is heard again, and the session goes on.
    HealReusesSession,
    /// A HELLO of another boot ends the session before anything has confirmed it.
    OldBootFences,
    /// A reply is taken whatever session it belongs to.
    ReplyOfAnySession,
    /// A reply that comes twice makes an import twice.
    DuplicateReplyImports,
    /// A row of exports is used again with the same generation.
    GenerationReused,
    /// A RELEASE ends whatever is in the row now.
    ReleaseIgnoresGeneration,
    /// A revoked export's waiting requests still run.
    RevokedRequestsRun,
    /// A REVOKE is acknowledged, and the import stays.
    RevokeAckedTooEarly,
    /// An import that is handed on is not kept until its exporter has confirmed that.
    HandOffDropsImport,
    /// Revoking an export leaves those that were handed on from it.
    SubtreeSurvives,
    /// Requests to one export run in the order in which they come.
    OrderIgnored,
    /// A request that is turned away leaves those behind it waiting.
    LostWakeUp,
    /// A request that a worker has is said never to have run when it is cancelled.
    RunningSaidNever,
    /// A call that was sent goes on in the next session.
    RetriedInNewSession,
    /// A one-way message's credit comes back when it is given up, and again at the callee's word.
    CreditCountedTwice,
    /// Numbers begin again when another key is asked for, while the present one is still in use.
    RekeyResetsNumbers,
    /// A reply whose label is an outcome's is taken for the outcome.
    ReplyForgesOutcome,
    /// Data are written whether the loan is over or not.
    LateWriteAccepted,
    /// A transfer is complete when its last chunk was wanted.
    CompleteTooEarly,
    /// A sender goes on when it has sent what was wanted.
    WantIgnored,
    /// A receiver wants whatever it lacks.
    WantsUnbounded,
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
    pub(crate) const fn has(self, fault: PlantedFault) -> bool {
        match self.planted {
            Some(planted) => planted as u8 == fault as u8,
            None => false,
        }
    }

    #[cfg(not(feature = "planted-faults"))]
    pub(crate) const fn has(self, _fault: PlantedFault) -> bool {
        false
    }
}
