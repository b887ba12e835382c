//! The few lines that differ between processors.

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "aarch64")]
use aarch64 as imp;
#[cfg(target_arch = "x86_64")]
use x86_64 as imp;

pub(crate) use imp::{counter, thread_context, thread_start};

use isthmus_abi::{Ending, ExitCode};

use crate::entry::Never;

/// Ends the component in the way of `ending`.
fn end(ending: Ending) -> Never {
    loop {
        imp::unknown_system_call(ending.system_call(), ending.argument());
    }
}

/// `main` returned.
pub(crate) fn returned(code: ExitCode) -> Never {
    end(Ending::Returned(code))
}

/// The component has asked for its end.
pub(crate) fn exit(code: ExitCode) -> Never {
    end(Ending::Exited(code))
}

/// Something panicked.
pub(crate) fn panicked() -> Never {
    end(Ending::Panicked)
}

/// The start-up block cannot be read.
pub(crate) fn abort() -> Never {
    end(Ending::BadStartup)
}

/// Tells `sel4` where this thread's IPC buffer is.
///
/// # Safety
/// `address` is the calling thread's IPC buffer, and nothing else refers to it.
pub(crate) unsafe fn set_ipc_buffer(address: u64) {
    // SAFETY: the caller's.
    sel4::set_ipc_buffer(unsafe { sel4::IpcBuffer::from_ptr(address as *mut _) });
}
