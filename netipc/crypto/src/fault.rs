//! Deliberate faults, which fuzzer and simulator must find.
//!
//! Without the feature `planted-faults` every question is answered `false` at compile time, and no trace is left.

/// A deliberate fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(not(feature = "planted-faults"), allow(dead_code))]
pub enum PlantedFault {
    /// The newest number of a window counts as one that has not come.
    WindowOffByOne,
    /// The header of a frame is not authenticated.
    HeaderUnbound,
    /// The code of a handshake frame is not looked at.
    HandshakeUnsigned,
}

impl PlantedFault {
    /// Every fault.
    #[cfg(feature = "planted-faults")]
    pub const ALL: &'static [Self] = &[
        Self::WindowOffByOne,
        Self::HeaderUnbound,
        Self::HandshakeUnsigned,
    ];
}

/// Which fault is planted, if any.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    #[cfg(feature = "planted-faults")]
    pub(crate) planted: Option<PlantedFault>,
}

impl Faults {
    pub(crate) const NONE: Self = Self {
        #[cfg(feature = "planted-faults")]
        planted: None,
    };

    #[cfg(feature = "planted-faults")]
    pub(crate) fn has(self, fault: PlantedFault) -> bool {
        self.planted == Some(fault)
    }

    #[cfg(not(feature = "planted-faults"))]
    pub(crate) const fn has(self, _fault: PlantedFault) -> bool {
        false
    }
}
