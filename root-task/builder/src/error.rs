//! Why a process cannot be made.

use core::fmt;

use isthmus_abi::Name;
use isthmus_plan::startup::NoRoom;

/// Why a process cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// No untyped memory is left that holds an object of 2 to the power of this many bytes, this often.
    OutOfMemory {
        /// The object's size.
        bits: usize,
        /// How many.
        count: usize,
    },
    /// The builder's CNode is full.
    OutOfSlots,
    /// A program's ELF cannot be loaded.
    BadProgram {
        /// Which one.
        program: Name,
        /// What is wrong.
        why: BadElf,
    },
    /// The start-up block.
    Startup(NoRoom),
    /// The start-up block is longer than its pages.
    StartupTooLong,
    /// The kernel refused; a broken invariant of the builder's.
    Kernel {
        /// What was being done.
        doing: &'static str,
        /// What the kernel said.
        error: sel4::Error,
    },
}

/// What is wrong with a program's ELF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadElf {
    /// No ELF, or not for this machine.
    NotForThisMachine,
    /// A header points outside the file.
    CutOff,
    /// A segment lies where no program may lie.
    OutOfPlace {
        /// Its first address.
        start: u64,
        /// One past its last.
        end: u64,
    },
    /// Two segments share a page.
    Overlap(u64),
    /// Its thread-locals do not fit the thread block.
    ThreadLocals {
        /// Bytes that they need.
        needed: u64,
        /// Bytes that there are.
        room: u64,
    },
}

/// The result of making something.
pub type Result<T> = core::result::Result<T, Error>;

/// Says what was being done when the kernel refused.
pub trait Doing<T> {
    /// With `what` as the thing that was being done.
    ///
    /// # Errors
    /// [`Error::Kernel`]
    fn doing(self, what: &'static str) -> Result<T>;
}

impl<T> Doing<T> for sel4::Result<T> {
    fn doing(self, doing: &'static str) -> Result<T> {
        self.map_err(|error| Error::Kernel { doing, error })
    }
}

impl From<NoRoom> for Error {
    fn from(why: NoRoom) -> Self {
        Self::Startup(why)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfMemory { bits, count } => write!(
                f,
                "no untyped memory is left for {count} objects of 2^{bits} bytes"
            ),
            Self::OutOfSlots => f.write_str("no slot is left for another capability"),
            Self::BadProgram { program, why } => {
                write!(f, "program `{program}` cannot be loaded: {why}")
            }
            Self::Startup(error) => error.fmt(f),
            Self::StartupTooLong => f.write_str("the start-up block is longer than its pages"),
            Self::Kernel { doing, error } => write!(f, "the kernel refused {doing}: {error:?}"),
        }
    }
}

impl fmt::Display for BadElf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotForThisMachine => f.write_str("it is no 64-bit ELF for this processor"),
            Self::CutOff => f.write_str("its headers point outside the file"),
            Self::OutOfPlace { start, end } => write!(
                f,
                "a segment at {start:#x}..{end:#x} lies where no program may lie"
            ),
            Self::Overlap(page) => write!(
                f,
                "two segments share the page at {page:#x}: link it with the runtime's script"
            ),
            Self::ThreadLocals { needed, room } => {
                write!(f, "its thread-locals need {needed} bytes and have {room}")
            }
        }
    }
}

impl core::error::Error for Error {}
impl core::error::Error for BadElf {}
