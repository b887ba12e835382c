//! What the crate `sel4` costs beside the bare system call.

use alloc::format;

use sel4::{MessageInfo, Word, cap_type};

use crate::console::say;
use crate::tester::{MAIN, Outcome, Tester};
use crate::threads::Shared;

/// Instructions that the crate may cost beyond the bare system call.
const LIMIT: Word = 10;
/// Calls in a batch, and batches: the least of them counts, since a timer tick may fall into some.
const CALLS: Word = 512;
const BATCHES: usize = 5;

/// Answers everything that comes to argument 0 with as many words.
fn serve(shared: &'static Shared) {
    let endpoint = shared.cap::<cap_type::Endpoint>(0);
    let mut request = endpoint.recv_with_mrs(());
    loop {
        request = endpoint.reply_recv_with_mrs(request.info, request.msg, ());
    }
}

pub fn ipc_cost(tester: &mut Tester) -> Outcome {
    if !counts_instructions() {
        say!("ipc_cost: not counted, for the machine runs without -icount shift=0");
        return Ok(());
    }
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    tester.spawn(MAIN, serve, &[endpoint.bits()])?;
    sel4::r#yield();
    let target = endpoint.bits();
    let costs = [
        (least(|| call::<0>(target)), least(|| bare(target, 0))),
        (least(|| call::<1>(target)), least(|| bare(target, 1))),
        (least(|| call::<2>(target)), least(|| bare(target, 2))),
        (least(|| call::<3>(target)), least(|| bare(target, 3))),
        (least(|| call::<4>(target)), least(|| bare(target, 4))),
    ];
    for (words, (through_crate, bare)) in costs.into_iter().enumerate() {
        say!("ipc_cost: {words} words: {through_crate} instructions a call and reply, {bare} bare");
        if through_crate > bare + LIMIT {
            return Err(format!(
                "{words} words cost {through_crate} instructions, the bare system call {bare}"
            ));
        }
    }
    Ok(())
}

/// The instructions of one call, from the best batch.
fn least(mut call: impl FnMut()) -> Word {
    let batches = (0..BATCHES).map(|_| {
        let start = instructions();
        for _ in 0..CALLS {
            call();
        }
        instructions() - start
    });
    batches.min().unwrap_or(Word::MAX) / CALLS
}

#[inline(always)]
fn call<const N: usize>(target: Word) {
    let endpoint = sel4::cap::Endpoint::from_bits(core::hint::black_box(target));
    let words = core::hint::black_box([7; N]);
    let answer = endpoint.call_with_mrs(MessageInfo::new(0x1000, 0, 0, N), words);
    core::hint::black_box(answer.info);
}

/// The bare system call with its registers filled, and nothing else.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn bare(target: Word, length: usize) {
    // SAFETY: a call, with all registers named that it changes; the stack pointer is kept.
    unsafe {
        core::arch::asm!(
            "mov r12, rsp",
            "syscall",
            "mov rsp, r12",
            out("r12") _,
            in("rdx") sel4::sys::seL4_SysCall,
            inlateout("rdi") target => _,
            inlateout("rsi") MessageInfo::new(0x1000, 0, 0, length).into_word() => _,
            lateout("r10") _,
            lateout("r8") _,
            lateout("r9") _,
            lateout("r15") _,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
}

/// The bare system call with its registers filled, and nothing else.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
fn bare(target: Word, length: usize) {
    // SAFETY: a call, with all registers named that it changes.
    unsafe {
        core::arch::asm!(
            "svc #0",
            in("x7") sel4::sys::seL4_SysCall,
            inlateout("x0") target => _,
            inlateout("x1") MessageInfo::new(0x1000, 0, 0, length).into_word() => _,
            lateout("x2") _,
            lateout("x3") _,
            lateout("x4") _,
            lateout("x5") _,
            options(nostack),
        );
    }
}

/// Instructions so far, if the machine counts them: one a nanosecond of its time.
#[cfg(target_arch = "x86_64")]
fn instructions() -> Word {
    // SAFETY: reads the counter, which the kernel leaves readable.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Instructions so far, if the machine counts them: one a nanosecond of its time, of which the counter shows every sixteenth.
#[cfg(target_arch = "aarch64")]
fn instructions() -> Word {
    const NANOSECONDS_A_TICK: Word = 16;
    let ticks: Word;
    // SAFETY: reads the counter, which the loader made readable.
    unsafe {
        core::arch::asm!("isb", "mrs {}, cntpct_el0", out(reg) ticks, options(nomem, nostack))
    };
    ticks * NANOSECONDS_A_TICK
}

/// Whether a loop of known length takes as many nanoseconds as it has instructions.
fn counts_instructions() -> bool {
    const ROUNDS: Word = 20_000;
    let measured = (0..BATCHES).map(|_| {
        let start = instructions();
        spin(ROUNDS);
        instructions() - start
    });
    let least = measured.min().unwrap_or(0);
    (ROUNDS * 2..ROUNDS * 2 + ROUNDS / 100).contains(&least)
}

/// Two instructions a round.
fn spin(rounds: Word) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: counts a register down.
    unsafe {
        core::arch::asm!("2: dec {0}", "jnz 2b", inout(reg) rounds => _, options(nomem, nostack));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: counts a register down.
    unsafe {
        core::arch::asm!("2: subs {0}, {0}, #1", "b.ne 2b", inout(reg) rounds => _, options(nomem, nostack));
    }
}
