//! What can be wrong with the parts of an image, and what to do.

use isthmus_abi::{Name, layout, limits};
use isthmus_plan::archive::CannotAdd;

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A component's program was not given.
    #[error(
        "component `{component}` needs the program `{program}`, which was not built: check its `program` in the system description"
    )]
    NoProgram {
        /// The program.
        program: String,
        /// A component that needs it.
        component: String,
    },
    /// A program cannot run as a component.
    #[error("program `{program}` cannot run as a component: {problem}")]
    Program {
        /// The program.
        program: String,
        /// Why.
        problem: Problem,
    },
    /// The root task's ELF cannot be used.
    #[error("the root task cannot be used: {0}")]
    RootTask(Problem),
    /// The archive does not take the program.
    #[error("program `{program}` does not go into the boot archive: {reason}")]
    CannotAdd {
        /// The program.
        program: String,
        /// Why.
        reason: CannotAdd,
    },
    /// All components together do not fit the machine.
    #[error(
        "the system needs {needed_mib} MiB on machine {node} of {nodes}, and a machine has {memory_mib} MiB: the largest is `{largest}` with {largest_kib} KiB, see its `heap`, `dma`, `stack` and `threads`"
    )]
    NoMemory {
        /// A machine on which they do not fit.
        node: u8,
        /// Of so many.
        nodes: u8,
        /// What they need.
        needed_mib: u64,
        /// What there is.
        memory_mib: u64,
        /// The component that needs most.
        largest: String,
        /// How much it needs.
        largest_kib: u64,
    },
    /// Loader, kernel and root task do not go together.
    #[error(transparent)]
    Assemble(microkernel_config::Error),
    /// A file cannot be written.
    #[error("cannot write {file}: {reason}")]
    Write {
        /// Which.
        file: String,
        /// Why.
        reason: std::io::Error,
    },
}

impl Error {
    pub(crate) fn program(name: &Name, problem: Problem) -> Self {
        Self::Program {
            program: name.to_string(),
            problem,
        }
    }

    pub(crate) fn root_task(problem: Problem) -> Self {
        Self::RootTask(problem)
    }
}

/// What is wrong with an ELF file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It is no ELF file, or a damaged one.
    #[error("it is not a whole 64-bit ELF file ({0})")]
    NotElf(String),
    /// It is for another machine.
    #[error("it is not built for {0}")]
    WrongArch(&'static str),
    /// It is position-independent, or needs a dynamic linker.
    #[error(
        "it is not a static program at a fixed address: link it with the linker script of the runtime"
    )]
    NotStatic,
    /// It has no segment to load.
    #[error("it has nothing to load")]
    Empty,
    /// A segment lies where a program may not be.
    #[error(
        "a segment at {0:#x} lies outside {start:#x} to {end:#x}: link it with the linker script of the runtime",
        start = layout::PROGRAM,
        end = layout::PROGRAM_END
    )]
    OutOfPlace(u64),
    /// Two segments share a page but not their rights.
    #[error(
        "the segments on the page {0:#x} have different rights: align them to pages in the linker script"
    )]
    SharedPage(u64),
    /// A segment is writable and executable.
    #[error("the segment at {0:#x} is writable and executable")]
    WritableCode(u64),
    /// It takes more memory than a program may.
    #[error("it takes {0} KiB of memory, and the limit is {limit} KiB: make it smaller, or raise `limits::PROGRAM_BYTES`", limit = limits::PROGRAM_BYTES >> 10)]
    TooLarge(u64),
    /// Its entry point is not in its code.
    #[error("its entry point {0:#x} is not in an executable segment")]
    NoEntry(u64),
    /// Its thread-local storage does not fit a thread block.
    #[error("its thread-local storage of {0} bytes (aligned to {1}) does not fit a thread's block")]
    ThreadLocals(u64, u64),
    /// It has no build id.
    #[error(
        "it has no build id, without which its logs cannot be told from another build's: link it with --build-id=sha1"
    )]
    NoBuildId,
    /// There is no empty archive segment.
    #[error(
        "its last segment is not an empty boot archive: link it with the linker script of sel4-root-task"
    )]
    NoArchiveSegment,
}
