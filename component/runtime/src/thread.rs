//! Extra threads: made by the root task, with a stack above an unmapped page, an IPC buffer, thread-locals and a log ring
//! each; started here.

use core::cell::Cell;

use isthmus_abi::startup;
use isthmus_abi::{EventBit, slots::NULL};
use sel4::{Word, cap};

use crate::{arch, log, slots};

#[thread_local]
static INDEX: Cell<usize> = Cell::new(0);

/// What a thread runs. It never returns.
pub type Main = fn(argument: usize) -> !;

/// An extra thread of this component.
#[derive(Clone, Copy, Debug)]
pub struct Thread {
    index: usize,
    place: &'static startup::Thread,
}

/// Why a thread could not be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The description gives no thread of this number.
    NoSuchThread,
    /// The kernel refused; a broken invariant of the root task's.
    Kernel(sel4::Error),
}

impl From<sel4::Error> for Error {
    fn from(error: sel4::Error) -> Self {
        Self::Kernel(error)
    }
}

/// Extra threads that the description gives: numbers 1 to this.
#[must_use]
pub fn count() -> usize {
    crate::startup().threads.len().saturating_sub(1)
}

/// This thread's number; 0 is the main thread.
#[must_use]
pub fn current() -> usize {
    INDEX.get()
}

impl Thread {
    /// Extra thread `index`, from 1.
    pub fn get(index: usize) -> Result<Self, Error> {
        let place = crate::startup()
            .threads
            .get(index)
            .ok_or(Error::NoSuchThread)?;
        if index == 0 || place.tcb == NULL {
            return Err(Error::NoSuchThread);
        }
        Ok(Self { index, place })
    }

    /// Starts extra thread `index` (from 1) at `main`.
    pub fn spawn(index: usize, main: Main, argument: usize) -> Result<Self, Error> {
        let thread = Self::get(index)?;
        thread.restart(main, argument)?;
        Ok(thread)
    }

    /// Stops the thread, wherever it is, and starts it anew at `main`. If it was waiting for an answer, the answer goes nowhere; it is
    /// never resumed where it was, for that would issue its system call again. Thread-locals keep their values. A lock that it
    /// held (the heap's) stays held: only threads that do not allocate may be restarted.
    pub fn restart(self, main: Main, argument: usize) -> Result<(), Error> {
        let tcb = self.tcb();
        tcb.tcb_suspend()?;
        let (mut context, count) = arch::thread_context(
            arch::thread_start as *const () as Word,
            self.place.stack_top,
            [self.index as Word, main as usize as Word, argument as Word],
        );
        tcb.tcb_write_registers(true, count, &mut context)?;
        Ok(())
    }

    /// Stops the thread. It can only be started anew.
    pub fn stop(self) -> Result<(), Error> {
        Ok(self.tcb().tcb_suspend()?)
    }

    /// Gives the thread another priority, 0 to 255, at most what the component itself may have.
    ///
    /// # Errors
    /// `Kernel`: it is more than that.
    pub fn set_priority(self, priority: u8) -> Result<(), Error> {
        let tcb = self.tcb();
        Ok(tcb.tcb_set_priority(tcb, priority.into())?)
    }

    /// Its number.
    #[must_use]
    pub const fn index(self) -> usize {
        self.index
    }

    /// The bit by which the main thread hears of its signals.
    #[must_use]
    pub const fn event(self) -> EventBit {
        self.place.event
    }

    /// The notification on which it waits ([`wait`]); signal it to wake the thread.
    #[must_use]
    pub const fn notification(self) -> cap::Notification {
        slots::cap(self.place.notification)
    }

    /// Its TCB.
    #[must_use]
    pub const fn tcb(self) -> cap::Tcb {
        slots::cap(self.place.tcb)
    }
}

/// Waits until another thread signals this thread's [`Thread::notification`]. For extra threads; the main thread
/// has its receive.
pub fn wait() {
    let place = &crate::startup().threads[current()];
    slots::cap::<sel4::cap_type::Notification>(place.notification).wait();
}

/// Signals the main thread, which hears of it by [`Thread::event`]. From the main thread itself, nothing happens.
pub fn signal_main() {
    let place = &crate::startup().threads[current()];
    if place.signal_main != NULL {
        slots::cap::<sel4::cap_type::Notification>(place.signal_main).signal();
    }
}

/// Makes the calling thread ready for the rest of the runtime.
pub(crate) fn enter(index: usize) {
    let place = &crate::startup().threads[index];
    // SAFETY: the root task mapped this thread's IPC buffer there, and no other thread uses it.
    unsafe { arch::set_ipc_buffer(place.ipc_buffer) };
    INDEX.set(index);
    slots::open_receive_slot(index);
}

/// The first Rust code of an extra thread.
pub(crate) extern "C" fn run(index: usize, main: *const (), argument: usize) -> ! {
    // SAFETY: `restart` put a `Main` there.
    let main = unsafe { core::mem::transmute::<*const (), Main>(main) };
    enter(index);
    log::attach(crate::startup(), index);
    main(argument)
}
