//! How a thread ends its component by itself: with a system call that the kernel does not have. The kernel makes a fault of
//! it, so that the supervisor learns that the component ended, and why, in one message and without another capability.

/// Why a thread ended its component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// `main` returned.
    Returned,
    /// It panicked; the message is in its log.
    Panicked,
    /// It could not read its start-up block.
    BadStartup,
}

/// Far from every number that a kernel uses ("Isth").
const FIRST: u64 = 0x4973_7468_0000;

impl Ending {
    /// The number of the system call.
    #[must_use]
    pub const fn system_call(self) -> u64 {
        match self {
            Self::Returned => FIRST,
            Self::Panicked => FIRST + 1,
            Self::BadStartup => FIRST + 2,
        }
    }

    /// Reads the number of a system call that the kernel does not have.
    #[must_use]
    pub const fn from_system_call(number: u64) -> Option<Self> {
        const PANICKED: u64 = FIRST + 1;
        const BAD_STARTUP: u64 = FIRST + 2;
        match number {
            FIRST => Some(Self::Returned),
            PANICKED => Some(Self::Panicked),
            BAD_STARTUP => Some(Self::BadStartup),
            _ => None,
        }
    }

    /// In words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Returned => "its main function returned",
            Self::Panicked => "it panicked (its log says why)",
            Self::BadStartup => "it could not read its start-up block",
        }
    }
}
