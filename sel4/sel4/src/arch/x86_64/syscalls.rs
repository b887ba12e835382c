//! The bare system calls.
//!
//! `rdx` number, `rdi` capability and badge, `rsi` header, `r10 r8 r9 r15` message words. The kernel loses `rcx` and `r11`, and returns with
//! `rsp` 0: it is kept in a register that the compiler chooses.

use core::arch::asm;

use crate::Word;

/// Sends a header and four words.
#[inline(always)]
pub(crate) fn send(number: i64, destination: Word, info: Word, words: [Word; 4]) {
    // SAFETY: a system call changes nothing of this program's memory but the IPC buffer, which is only accessed by volatile operations; all
    // registers that it changes are named, and the stack pointer is put back before anything uses it.
    unsafe {
        asm!(
            "mov {stack}, rsp",
            "syscall",
            "mov rsp, {stack}",
            stack = out(reg) _,
            in("rdx") number,
            inlateout("rdi") destination => _,
            inlateout("rsi") info => _,
            inlateout("r10") words[0] => _,
            inlateout("r8") words[1] => _,
            inlateout("r9") words[2] => _,
            inlateout("r15") words[3] => _,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
}

/// Sends a header without words.
#[inline(always)]
pub(crate) fn send_null(number: i64, destination: Word, info: Word) {
    // SAFETY: as in `send`.
    unsafe {
        asm!(
            "mov {stack}, rsp",
            "syscall",
            "mov rsp, {stack}",
            stack = out(reg) _,
            in("rdx") number,
            inlateout("rdi") destination => _,
            inlateout("rsi") info => _,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
}

/// Receives: badge, header, four words.
#[inline(always)]
pub(crate) fn recv(number: i64, source: Word) -> (Word, Word, [Word; 4]) {
    let (badge, info, mr0, mr1, mr2, mr3);
    // SAFETY: as in `send`.
    unsafe {
        asm!(
            "mov {stack}, rsp",
            "syscall",
            "mov rsp, {stack}",
            stack = out(reg) _,
            in("rdx") number,
            inlateout("rdi") source => badge,
            lateout("rsi") info,
            lateout("r10") mr0,
            lateout("r8") mr1,
            lateout("r9") mr2,
            lateout("r15") mr3,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    (badge, info, [mr0, mr1, mr2, mr3])
}

/// Sends a header and four words, and receives: badge, header, four words.
#[inline(always)]
pub(crate) fn send_recv(
    number: i64,
    destination: Word,
    info: Word,
    words: [Word; 4],
) -> (Word, Word, [Word; 4]) {
    let (badge, info_out, mr0, mr1, mr2, mr3);
    // SAFETY: as in `send`.
    unsafe {
        asm!(
            "mov {stack}, rsp",
            "syscall",
            "mov rsp, {stack}",
            stack = out(reg) _,
            in("rdx") number,
            inlateout("rdi") destination => badge,
            inlateout("rsi") info => info_out,
            inlateout("r10") words[0] => mr0,
            inlateout("r8") words[1] => mr1,
            inlateout("r9") words[2] => mr2,
            inlateout("r15") words[3] => mr3,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    (badge, info_out, [mr0, mr1, mr2, mr3])
}

/// A debugging call with one argument and one result.
#[inline(always)]
#[allow(dead_code, reason = "only debug kernels have debugging calls")]
pub(crate) fn debug(number: i64, argument: Word) -> Word {
    let result;
    // SAFETY: as in `send`.
    unsafe {
        asm!(
            "mov {stack}, rsp",
            "syscall",
            "mov rsp, {stack}",
            stack = out(reg) _,
            in("rdx") number,
            inlateout("rdi") argument => result,
            lateout("rsi") _,
            lateout("r10") _,
            lateout("r8") _,
            lateout("r9") _,
            lateout("r15") _,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result
}
