//! Where the components' random numbers come from. How good it is says `docs/threat-model.md`.

use isthmus_abi::Name;
use isthmus_abi::startup::{Randomness, Seed};
use sha2::{Digest, Sha256};

/// Everything that is known at this start and perhaps not before it, mixed: the time at which things happen, the processor's
/// own generator and the entropy source where there are any, and what the machine was told from outside.
pub struct Entropy {
    mixed: Sha256,
    randomness: Randomness,
}

/// Bytes that are good enough alone, if nobody can foresee them.
pub const DRAWN_BYTES: usize = 32;
/// The same in hexadecimal.
const DRAWN_DIGITS: usize = 2 * DRAWN_BYTES;

impl Entropy {
    /// What the machine itself has.
    pub fn gather() -> Self {
        let mut entropy = Self {
            mixed: Sha256::new(),
            randomness: Randomness::Guessable,
        };
        entropy.add(&counter().to_le_bytes());
        if let Some(words) = generator() {
            entropy.randomness = Randomness::Genuine;
            words
                .iter()
                .for_each(|word| entropy.add(&word.to_le_bytes()));
        }
        entropy
    }

    /// Mixes in what the host has drawn for this start: bytes in hexadecimal.
    pub fn add_told(&mut self, told: &[u8]) {
        if told.len() >= DRAWN_DIGITS {
            self.randomness = Randomness::Genuine;
        }
        self.add(told);
    }

    /// Mixes in what the machine's entropy source has given.
    pub fn add_drawn(&mut self, drawn: &[u8; DRAWN_BYTES]) {
        self.randomness = Randomness::Genuine;
        self.add(drawn);
    }

    /// How good it is.
    pub const fn randomness(&self) -> Randomness {
        self.randomness
    }

    /// Mixes more in. The time at which it comes counts, too.
    fn add(&mut self, bytes: &[u8]) {
        self.mixed.update(bytes);
        self.mixed.update(counter().to_le_bytes());
    }

    /// A component's own seed: says nothing about another's.
    pub fn seed_of(&self, component: &Name) -> Seed {
        let mut hash = self.mixed.clone();
        hash.update(component.as_str());
        Seed(hash.finalize().into())
    }
}

/// Words that are asked of the processor's generator.
const WORDS: usize = 4;

/// The machine's counter, in its own ticks.
#[cfg(target_arch = "x86_64")]
pub fn counter() -> u64 {
    // SAFETY: reads the counter; the kernel leaves it readable to user space.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// The machine's counter, in its own ticks.
#[cfg(target_arch = "aarch64")]
pub fn counter() -> u64 {
    let ticks: u64;
    // SAFETY: reads a counter that the loader has opened to user space.
    unsafe {
        core::arch::asm!("mrs {}, cntvct_el0", out(reg) ticks, options(nomem, nostack, preserves_flags))
    };
    ticks
}

/// RDRAND, if the processor has it and it works.
#[cfg(target_arch = "x86_64")]
fn generator() -> Option<[u64; WORDS]> {
    /// Bit of `ecx` in leaf 1 of CPUID (Intel SDM, volume 2A).
    const RDRAND: u32 = 1 << 30;

    if core::arch::x86_64::__cpuid(1).ecx & RDRAND == 0 {
        return None;
    }
    let mut words = [0; WORDS];
    for word in &mut words {
        let works: u8;
        // SAFETY: the processor has the instruction (checked), which touches the two outputs and flags only.
        unsafe {
            core::arch::asm!("rdrand {}", "setc {}", out(reg) *word, out(reg_byte) works, options(nomem, nostack))
        };
        if works == 0 {
            return None;
        }
    }
    Some(words)
}

/// The processors that this kernel runs on have none.
#[cfg(target_arch = "aarch64")]
fn generator() -> Option<[u64; WORDS]> {
    None
}
