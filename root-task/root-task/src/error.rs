//! What can go wrong while the machine is set up, in words for the console.

use core::fmt;

use isthmus_abi::Name;
use isthmus_plan::archive::BadArchive;
use isthmus_plan::check::BadPlan;
use isthmus_plan::startup::NoRoom;

/// Why the system cannot be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The boot archive.
    Archive(BadArchive),
    /// The plan.
    Plan(BadPlan),
    /// A machine fact from `fw_cfg`.
    Fact(&'static str),
    /// No untyped memory is left that holds an object of 2 to the power of this many bytes, this often.
    OutOfMemory {
        /// The object's size.
        bits: usize,
        /// How many.
        count: usize,
    },
    /// The root task's CNode is full.
    OutOfSlots,
    /// No device memory at this physical address.
    NoDeviceMemory(u64),
    /// A device that the description asks for is not in this machine.
    NoDevice(&'static str),
    /// A network card that is there cannot be used.
    #[cfg(target_arch = "x86_64")]
    BadCard(crate::devices::BadCard),
    /// A program that the plan names is not in the archive.
    NoProgram(Name),
    /// A program's contents are not what they were when the archive was made.
    DamagedProgram(Name),
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
    /// No more interrupt vectors.
    #[cfg(target_arch = "x86_64")]
    OutOfVectors,
    /// The counter that the machine should have does not run.
    NoCounter,
    /// The kernel refused; a broken invariant of the root task's.
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

/// The result of setting something up.
pub type Result<T> = core::result::Result<T, Error>;

/// Says what was being done when the kernel refused.
pub trait Doing<T> {
    /// With `what` as the thing that was being done.
    fn doing(self, what: &'static str) -> Result<T>;
}

impl<T> Doing<T> for sel4::Result<T> {
    fn doing(self, doing: &'static str) -> Result<T> {
        self.map_err(|error| Error::Kernel { doing, error })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Archive(error) => error.fmt(f),
            Self::Plan(error) => write!(f, "{error}: build the image again"),
            Self::Fact(what) => write!(
                f,
                "the machine's fact `{what}` cannot be read: see -fw_cfg in docs/architecture.md"
            ),
            Self::OutOfMemory { bits, count } => {
                write!(
                    f,
                    "out of memory: no room for {count} object(s) of 2^{bits} bytes; give the machine more"
                )
            }
            Self::OutOfSlots => {
                f.write_str("the root task's CNode is full: the system has too many objects")
            }
            Self::NoDeviceMemory(address) => {
                write!(f, "no device memory at physical address {address:#x}")
            }
            Self::NoDevice(name) => write!(f, "this machine has no {name}"),
            #[cfg(target_arch = "x86_64")]
            Self::BadCard(why) => write!(f, "the network card cannot be used: {why}"),
            Self::NoProgram(name) => write!(f, "the boot archive has no program `{name}`"),
            Self::DamagedProgram(name) => {
                write!(f, "program `{name}` was damaged on its way into memory")
            }
            Self::BadProgram { program, why } => {
                write!(f, "program `{program}` cannot be loaded: {why}")
            }
            Self::Startup(error) => error.fmt(f),
            Self::StartupTooLong => f.write_str("the start-up block is longer than its pages"),
            #[cfg(target_arch = "x86_64")]
            Self::OutOfVectors => f.write_str("no interrupt vector is left"),
            Self::NoCounter => f.write_str("the machine's counter does not run"),
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
