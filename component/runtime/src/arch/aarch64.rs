//! aarch64.

use core::arch::{asm, global_asm};

use sel4::{UserContext, Word};

// The root task sets the stack pointer (aligned to 16 bytes) and puts the start-up block's address into x0.
global_asm!(
    ".pushsection .text.isthmus.entry, \"ax\", @progbits",
    ".globl _start",
    "_start:",
    "mov x29, xzr",
    "mov x30, xzr",
    "bl {start}",
    "udf #0",
    ".popsection",
    start = sym crate::entry::start,
);

/// Where an extra thread starts: the arguments of [`crate::thread::run`] are in x0, x1, x2.
#[unsafe(naked)]
pub(crate) extern "C" fn thread_start() -> ! {
    core::arch::naked_asm!(
        "mov x29, xzr",
        "mov x30, xzr",
        "b {run}",
        run = sym crate::thread::run,
    )
}

/// A context for `TCB_WriteRegisters`, and how many of its registers to write: those up to the third argument.
pub(crate) fn thread_context(pc: Word, sp: Word, arguments: [Word; 3]) -> (UserContext, Word) {
    /// pc, sp, spsr, x0, x1, x2.
    const UP_TO_X2: Word = 6;
    let mut context = UserContext::default();
    *context.pc_mut() = pc;
    *context.sp_mut() = sp;
    for (index, argument) in arguments.into_iter().enumerate() {
        *context.c_param_mut(index) = argument;
    }
    (context, UP_TO_X2)
}

/// The physical counter, which is also the one that the physical timer compares with.
pub(crate) fn counter() -> u64 {
    let ticks: u64;
    // SAFETY: reads the counter; the loader has made it readable to user space. The barrier keeps the read in its place.
    unsafe { asm!("isb", "mrs {}, cntpct_el0", out(reg) ticks, options(nomem, nostack)) };
    ticks
}

/// Makes a system call that the kernel does not have: a fault.
pub(crate) fn unknown_system_call(number: u64, argument: u64) {
    // SAFETY: the thread does not come back from it; the kernel changes no register on a fault.
    unsafe { asm!("svc #0", in("x7") number, in("x0") argument, options(nostack)) };
}
