//! The bare system calls.
//!
//! `x7` number, `x0` capability and badge, `x1` header, `x2` to `x5` message words. The kernel keeps all other registers.

use core::arch::asm;

use crate::Word;

/// Sends a header and four words.
#[inline(always)]
pub(crate) fn send(number: i64, destination: Word, info: Word, words: [Word; 4]) {
    // SAFETY: a system call changes nothing of this program's memory but the IPC buffer, which is only accessed by volatile operations, and
    // all registers that it changes are named.
    unsafe {
        asm!(
            "svc #0",
            in("x7") number,
            inlateout("x0") destination => _,
            inlateout("x1") info => _,
            inlateout("x2") words[0] => _,
            inlateout("x3") words[1] => _,
            inlateout("x4") words[2] => _,
            inlateout("x5") words[3] => _,
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
            "svc #0",
            in("x7") number,
            inlateout("x0") destination => _,
            inlateout("x1") info => _,
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
            "svc #0",
            in("x7") number,
            inlateout("x0") source => badge,
            lateout("x1") info,
            lateout("x2") mr0,
            lateout("x3") mr1,
            lateout("x4") mr2,
            lateout("x5") mr3,
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
            "svc #0",
            in("x7") number,
            inlateout("x0") destination => badge,
            inlateout("x1") info => info_out,
            inlateout("x2") words[0] => mr0,
            inlateout("x3") words[1] => mr1,
            inlateout("x4") words[2] => mr2,
            inlateout("x5") words[3] => mr3,
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
            "svc #0",
            in("x7") number,
            inlateout("x0") argument => result,
            lateout("x1") _,
            lateout("x2") _,
            lateout("x3") _,
            lateout("x4") _,
            lateout("x5") _,
            options(nostack),
        );
    }
    result
}
