//! Keeping the processor awake for a short time, while an answer is about to come.
//!
//! A processor that halts must be woken by the interrupt, and on an emulated machine that is a thread of the host that sleeps. So an extra thread spins instead, below the priority of every component ([`LINGER_PRIORITY`]): it runs only when the machine would halt otherwise, and
//! takes nothing from anybody here. The interrupt comes as ever, to a processor that runs. When the time has passed the thread waits, and the processor halts.
//!
//! It looks at nothing but the time and what main asks of it: who lingers is woken as before, and nothing is lost if the thread never runs.
//!
//! Because it runs only when nobody else wants to, it can also tell the main thread that this is so ([`Linger::tell_when_idle`]): that has then time for work that
//! is to hold nobody up.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use isthmus_abi::EventBit;
use isthmus_abi::limits::LINGER_PRIORITY;

use crate::thread::{Error, Thread};
use crate::{arch, thread};

/// Until when to spin: a reading of the machine's counter; 0: not at all.
static UNTIL: AtomicU64 = AtomicU64::new(0);
/// The thread waits, or is about to: it must be signalled.
static ASLEEP: AtomicBool = AtomicBool::new(false);
/// The main thread is to be signalled, once, when the thread runs: when nobody else has anything to do.
static TELL: AtomicBool = AtomicBool::new(false);
/// Looks at [`UNTIL`] between two readings of the counter, which take a lock of the emulator on aarch64.
const LOOKS: u32 = 64;

/// The thread that spins. A component has at most one.
#[derive(Clone, Copy, Debug)]
pub struct Linger {
    thread: Thread,
}

impl Linger {
    /// Gives an extra thread to this. It is lowered, and stays so.
    ///
    /// # Errors
    /// `Kernel`: the kernel refused, which is a broken invariant of the root task's.
    pub fn start(thread: Thread) -> Result<Self, Error> {
        thread.set_priority(LINGER_PRIORITY)?;
        thread.restart(spin, 0)?;
        Ok(Self { thread })
    }

    /// Keeps the processor awake until the machine's counter reads `ticks`. A later word replaces an earlier one.
    pub fn until(self, ticks: u64) {
        UNTIL.store(ticks, SeqCst);
        // The thread says that it is about to wait before it looks at the time for the last time.
        if ASLEEP.swap(false, SeqCst) {
            self.thread.notification().signal();
        }
    }

    /// Lets the processor halt.
    pub fn no_longer(self) {
        UNTIL.store(0, SeqCst);
    }

    /// Signals the main thread, once, as soon as nobody has anything to do on this machine; it hears of it by [`event`](Self::event).
    pub fn tell_when_idle(self) {
        TELL.store(true, SeqCst);
        // As in `until`.
        if ASLEEP.swap(false, SeqCst) {
            self.thread.notification().signal();
        }
    }

    /// The bit by which the main thread hears that the machine is idle.
    #[must_use]
    pub const fn event(self) -> EventBit {
        self.thread.event()
    }
}

/// Signals the main thread if it has asked for that.
fn tell() {
    if TELL.swap(false, SeqCst) {
        thread::signal_main();
    }
}

fn spin(_: usize) -> ! {
    loop {
        while arch::counter() < UNTIL.load(SeqCst) {
            for _ in 0..LOOKS {
                // No `pause`: under emulation it gives up the host's processor.
                if UNTIL.load(SeqCst) == 0 || TELL.load(SeqCst) {
                    break;
                }
            }
            tell();
        }
        tell();
        ASLEEP.store(true, SeqCst);
        if !TELL.load(SeqCst) && arch::counter() >= UNTIL.load(SeqCst) {
            thread::wait();
        }
        // Whoever signalled has said so already; who has not must not signal a thread that runs.
        ASLEEP.store(false, SeqCst);
    }
}
