//! How a thread ends its component by itself: with a system call that the kernel does not have. The kernel makes a fault of
//! it, so that the supervisor learns that the component ended, and why, in one message and without another capability. The code, if it ends
//! with one, is in the register of a function's first argument, which the message holds too.

use core::fmt;

/// What a component ends with: 0 when it has done its work, everything else is a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExitCode(pub u32);

impl ExitCode {
    /// It has done what it is for.
    pub const SUCCESS: Self = Self(0);
    /// It has not; its log says why.
    pub const FAILURE: Self = Self(1);

    /// Whether it is [`SUCCESS`](Self::SUCCESS).
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 == Self::SUCCESS.0
    }
}

impl fmt::Display for ExitCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "code {}", self.0)
    }
}

/// Why a thread ended its component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// `main` returned.
    Returned(ExitCode),
    /// It asked for its end.
    Exited(ExitCode),
    /// It panicked; the message is in its log.
    Panicked,
    /// It could not read its start-up block.
    BadStartup,
}

/// Far from every number that a kernel uses ("Isth").
const FIRST: u64 = 0x4973_7468_0000;
const RETURNED: u64 = FIRST;
const PANICKED: u64 = FIRST + 1;
const BAD_STARTUP: u64 = FIRST + 2;
const EXITED: u64 = FIRST + 3;

impl Ending {
    /// The number of the system call.
    #[must_use]
    pub const fn system_call(self) -> u64 {
        match self {
            Self::Returned(_) => RETURNED,
            Self::Exited(_) => EXITED,
            Self::Panicked => PANICKED,
            Self::BadStartup => BAD_STARTUP,
        }
    }

    /// The system call's argument: the code.
    #[must_use]
    pub const fn argument(self) -> u64 {
        match self {
            Self::Returned(code) | Self::Exited(code) => code.0 as u64,
            Self::Panicked | Self::BadStartup => 0,
        }
    }

    /// Reads the number and the argument of a system call that the kernel does not have.
    #[must_use]
    pub const fn from_system_call(number: u64, argument: u64) -> Option<Self> {
        if argument > u32::MAX as u64 {
            return None;
        }
        let code = ExitCode(argument as u32);
        match number {
            RETURNED => Some(Self::Returned(code)),
            EXITED => Some(Self::Exited(code)),
            PANICKED => Some(Self::Panicked),
            BAD_STARTUP => Some(Self::BadStartup),
            _ => None,
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Returned(code) => write!(f, "its main function returned with {code}"),
            Self::Exited(code) => write!(f, "it exited with {code}"),
            Self::Panicked => f.write_str("it panicked (its log says why)"),
            Self::BadStartup => f.write_str("it could not read its start-up block"),
        }
    }
}
