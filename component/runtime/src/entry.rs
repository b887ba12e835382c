//! From the first instruction to `main`, and what happens when `main` ends.

use core::cell::UnsafeCell;
use core::fmt::Debug;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicBool, Ordering};

use isthmus_abi::layout::STARTUP_BYTES;
use isthmus_abi::{ExitCode, Startup};

use crate::{arch, heap, log, thread};

/// Makes `main` the program's entry: `fn main(startup: &'static Startup) -> T`, where `T` is [`Termination`].
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        #[unsafe(no_mangle)]
        extern "Rust" fn __isthmus_main(startup: &'static $crate::Startup) -> $crate::Never {
            $crate::entry::run($main, startup)
        }
    };
}

/// What a function returns, as a type: the way to name `!` in a stable compiler.
pub trait Returns {
    /// The type.
    type Output;
}

impl<T> Returns for fn() -> T {
    type Output = T;
}

/// The type of what never is: what a server's `main` returns.
pub type Never = <fn() -> ! as Returns>::Output;

/// What `main` may return.
pub trait Termination {
    /// Ends the component.
    fn report(self) -> Never;
}

impl Termination for Never {
    fn report(self) -> Never {
        self
    }
}

impl Termination for () {
    fn report(self) -> Never {
        arch::returned(ExitCode::SUCCESS)
    }
}

impl Termination for ExitCode {
    fn report(self) -> Never {
        arch::returned(self)
    }
}

impl<T: Termination, E: Debug> Termination for Result<T, E> {
    fn report(self) -> Never {
        match self {
            Ok(value) => value.report(),
            Err(error) => {
                crate::say!("main returned an error: {error:?}");
                ExitCode::FAILURE.report()
            }
        }
    }
}

/// Runs `main`: what [`entry!`](crate::entry!) expands to. A function, so that the type of `main` is what the program wrote down, `!` included.
pub fn run<T: Termination>(main: fn(&'static Startup) -> T, startup: &'static Startup) -> Never {
    main(startup).report()
}

/// Ends the component with all its threads, from any of them: its supervisor answers everybody that it owes an answer, and tells who waits for its
/// end. Another code than 0 is a failure, after which its restart policy is followed.
pub fn exit(code: ExitCode) -> Never {
    arch::exit(code)
}

struct Block(UnsafeCell<MaybeUninit<Startup>>);

// SAFETY: written once, by the main thread, before any other thread runs; only read from then on.
unsafe impl Sync for Block {}

static BLOCK: Block = Block(UnsafeCell::new(MaybeUninit::uninit()));
static READY: AtomicBool = AtomicBool::new(false);

/// What the root task gave this component.
///
/// # Panics
/// Before the runtime has started, which no code of a program can see.
#[must_use]
pub fn startup() -> &'static Startup {
    assert!(
        READY.load(Ordering::Acquire),
        "the runtime sets it before main"
    );
    // SAFETY: READY is set after the block was written, and nobody writes it again.
    unsafe { (*BLOCK.0.get()).assume_init_ref() }
}

unsafe extern "Rust" {
    /// Made by [`entry!`].
    fn __isthmus_main(startup: &'static Startup) -> Never;
}

/// The first Rust code of the main thread.
///
/// # Safety
/// Called once, by `_start`, with the address of the start-up block as the root task made it.
pub(crate) unsafe extern "C" fn start(block: *const u8) -> ! {
    // SAFETY: the root task maps STARTUP_BYTES there, read-only, before the first instruction.
    let bytes = unsafe { core::slice::from_raw_parts(block, STARTUP_BYTES as usize) };
    let Some(startup) = decode(bytes) else {
        // No log yet, nor a way to say more: the supervisor prints the fault.
        arch::abort()
    };
    // SAFETY: this is the only thread, and READY is not set yet.
    unsafe { (*BLOCK.0.get()).write(startup) };
    READY.store(true, Ordering::Release);

    let startup = self::startup();
    thread::enter(0);
    log::attach(startup, 0);
    heap::start(startup);
    // SAFETY: `entry!` defines it with this signature; without it the program does not link.
    unsafe { __isthmus_main(startup) }
}

fn decode(bytes: &[u8]) -> Option<Startup> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let encoded = rest.get(..u32::from_le_bytes(*length) as usize)?;
    postcard::from_bytes(encoded).ok()
}
