//! x86_64.

use core::arch::{asm, global_asm};

use sel4::{UserContext, Word};

// The root task sets the stack pointer (aligned to 16 bytes) and puts the start-up block's address into rdi.
global_asm!(
    ".pushsection .text.isthmus.entry, \"ax\", @progbits",
    ".globl _start",
    "_start:",
    "xor ebp, ebp",
    "call {start}",
    "ud2",
    ".popsection",
    start = sym crate::entry::start,
);

/// Where an extra thread starts: the arguments of [`crate::thread::run`] are in rdi, rsi, rdx.
#[unsafe(naked)]
pub(crate) extern "C" fn thread_start() -> ! {
    core::arch::naked_asm!("xor ebp, ebp", "call {run}", "ud2", run = sym crate::thread::run)
}

/// A context for `TCB_WriteRegisters`, and how many of its registers to write: those up to the third argument, and not
/// FS, which is last and holds the thread-locals' base that the root task has set.
pub(crate) fn thread_context(pc: Word, sp: Word, arguments: [Word; 3]) -> (UserContext, Word) {
    /// rip, rsp, rflags, rax, rbx, rcx, rdx, rsi, rdi.
    const UP_TO_RDI: Word = 9;
    let mut context = UserContext::default();
    *context.pc_mut() = pc;
    *context.sp_mut() = sp;
    for (index, argument) in arguments.into_iter().enumerate() {
        *context.c_param_mut(index) = argument;
    }
    (context, UP_TO_RDI)
}

/// The time-stamp counter.
pub(crate) fn counter() -> u64 {
    // SAFETY: reads the counter; the kernel leaves it readable to user space.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Makes a system call that the kernel does not have: a fault.
pub(crate) fn unknown_system_call(number: u64, argument: u64) {
    // SAFETY: the thread does not come back from it; were it resumed, the registers that the kernel changes are named, and rsp is
    // kept in one that it preserves.
    unsafe {
        asm!(
            "mov r12, rsp",
            "syscall",
            "mov rsp, r12",
            in("rdx") number,
            in("rdi") argument,
            out("rcx") _,
            out("r11") _,
            out("r12") _,
        );
    }
}
