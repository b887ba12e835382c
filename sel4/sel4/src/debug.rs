//! Output and inspection that only debug kernels offer.

use core::fmt;

use crate::sel4_cfg_if;

/// Writes a byte to the kernel's serial line. Corresponds to `seL4_DebugPutChar`. Does nothing on a kernel without it.
#[inline]
pub fn debug_put_char(byte: u8) {
    sel4_cfg_if! {
        if #[sel4_cfg(PRINTING)] {
            crate::arch::syscalls::debug(crate::sys::seL4_SysDebugPutChar, byte.into());
        } else {
            let _ = byte;
        }
    }
}

/// Writes text to the kernel's serial line.
#[derive(Debug, Clone, Copy)]
pub struct DebugWrite;

impl fmt::Write for DebugWrite {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(debug_put_char);
        Ok(())
    }
}

/// What the macros expand to.
#[doc(hidden)]
pub fn debug_print_helper(arguments: fmt::Arguments<'_>) {
    // `DebugWrite` never fails; an error could only come from a `Display` of the caller's, and what it wrote is out.
    let _ = fmt::Write::write_fmt(&mut DebugWrite, arguments);
}

/// Prints to the kernel's serial line, on a debug kernel.
#[macro_export]
macro_rules! debug_print {
    ($($argument:tt)*) => { $crate::debug_print_helper(::core::format_args!($($argument)*)) };
}

/// Prints a line to the kernel's serial line, on a debug kernel.
#[macro_export]
macro_rules! debug_println {
    () => { $crate::debug_print!("\n") };
    ($($argument:tt)*) => { $crate::debug_print_helper(::core::format_args!("{}\n", ::core::format_args!($($argument)*))) };
}

sel4_cfg_if! {
    if #[sel4_cfg(DEBUG_BUILD)] {
        /// The kernel's number for the type of a capability. Corresponds to `seL4_DebugCapIdentify`.
        pub fn debug_cap_identify(cptr: crate::CPtr) -> u64 {
            crate::arch::syscalls::debug(crate::sys::seL4_SysDebugCapIdentify, cptr.bits())
        }

        /// Prints the kernel's state. Corresponds to `seL4_DebugSnapshot`.
        pub fn debug_snapshot() {
            crate::arch::syscalls::debug(crate::sys::seL4_SysDebugSnapshot, 0);
        }

        /// Stops the machine. Corresponds to `seL4_DebugHalt`.
        pub fn debug_halt() -> ! {
            loop {
                crate::arch::syscalls::debug(crate::sys::seL4_SysDebugHalt, 0);
            }
        }
    }
}
