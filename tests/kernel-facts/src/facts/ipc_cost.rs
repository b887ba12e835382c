//! What the crate `sel4` costs beside the bare system call.

use alloc::format;

use core::hint::black_box;

use sel4::{MessageInfo, Word, cap_type};

use crate::console::say;
use crate::tester::{MAIN, Outcome, Tester};
use crate::threads::Shared;

/// Instructions that the crate may cost beyond the bare system call.
const LIMIT: Word = 10;
const LABEL: Word = 0x1000;
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
        (
            least(|| call(target, words::<0>())),
            least(|| bare(target, words::<0>())),
        ),
        (
            least(|| call(target, words::<1>())),
            least(|| bare(target, words::<1>())),
        ),
        (
            least(|| call(target, words::<2>())),
            least(|| bare(target, words::<2>())),
        ),
        (
            least(|| call(target, words::<3>())),
            least(|| bare(target, words::<3>())),
        ),
        (
            least(|| call(target, words::<4>())),
            least(|| bare(target, words::<4>())),
        ),
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

/// Words that the compiler does not know.
#[inline(always)]
fn words<const N: usize>() -> [Word; N] {
    core::array::from_fn(|index| black_box(index as Word))
}

/// A call through the crate. The answer's header and words are looked at, as a caller would.
#[inline(always)]
fn call<const N: usize>(target: Word, words: [Word; N]) {
    let endpoint = sel4::cap::Endpoint::from_bits(target);
    let answer = endpoint.call_with_mrs(MessageInfo::new(LABEL, 0, 0, N), words);
    black_box(answer.info.into_word());
    for word in answer.msg.into_iter().take(N) {
        black_box(word);
    }
}

/// The bare system call with as many message registers filled and looked at, and nothing else.
#[inline(always)]
fn bare<const N: usize>(target: Word, words: [Word; N]) {
    macro_rules! system_call {
        ($([$register:tt = $index:literal])* $(, $lost:tt)*) => {{
            let info_out: Word;
            #[allow(unused_mut, reason = "without words there is nothing to change")]
            let mut answer = words;
            // SAFETY: a call, with all registers named that it changes; the stack pointer, where the kernel loses it, is kept.
            unsafe {
                #[cfg(target_arch = "x86_64")]
                core::arch::asm!(
                    "mov r12, rsp",
                    "syscall",
                    "mov rsp, r12",
                    out("r12") _,
                    in("rdx") sel4::sys::seL4_SysCall,
                    inlateout("rdi") target => _,
                    inlateout("rsi") MessageInfo::new(LABEL, 0, 0, N).into_word() => info_out,
                    $(inlateout($register) answer[$index],)*
                    $(lateout($lost) _,)*
                    lateout("rcx") _,
                    lateout("r11") _,
                    options(nostack),
                );
                #[cfg(target_arch = "aarch64")]
                core::arch::asm!(
                    "svc #0",
                    in("x7") sel4::sys::seL4_SysCall,
                    inlateout("x0") target => _,
                    inlateout("x1") MessageInfo::new(LABEL, 0, 0, N).into_word() => info_out,
                    $(inlateout($register) answer[$index],)*
                    $(lateout($lost) _,)*
                    options(nostack),
                );
            }
            black_box(info_out);
            for word in answer {
                black_box(word);
            }
        }};
    }
    #[cfg(target_arch = "x86_64")]
    match N {
        0 => system_call!(, "r10", "r8", "r9", "r15"),
        1 => system_call!(["r10" = 0], "r8", "r9", "r15"),
        2 => system_call!(["r10" = 0]["r8" = 1], "r9", "r15"),
        3 => system_call!(["r10" = 0]["r8" = 1]["r9" = 2], "r15"),
        _ => system_call!(["r10" = 0]["r8" = 1]["r9" = 2]["r15" = 3]),
    }
    #[cfg(target_arch = "aarch64")]
    match N {
        0 => system_call!(, "x2", "x3", "x4", "x5"),
        1 => system_call!(["x2" = 0], "x3", "x4", "x5"),
        2 => system_call!(["x2" = 0]["x3" = 1], "x4", "x5"),
        3 => system_call!(["x2" = 0]["x3" = 1]["x4" = 2], "x5"),
        _ => system_call!(["x2" = 0]["x3" = 1]["x4" = 2]["x5" = 3]),
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
