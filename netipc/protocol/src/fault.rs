//! Deliberate faults. Each is one that an implementer might make; the simulator must find each of them.
//!
//! Without the feature `planted-faults` every question is answered `false` at compile time, and no trace is left.

/// A deliberate fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(not(feature = "planted-faults"), allow(dead_code))]
pub enum PlantedFault {
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
}

impl PlantedFault {
    /// Every fault.
    #[cfg(feature = "planted-faults")]
    pub const ALL: [Self; 5] = [
        Self::SlotReusedEarly,
        Self::TombstoneForgotten,
        Self::NotExecutedOnTimeout,
        Self::ReplyNotCached,
        Self::OldSessionAccepted,
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
