//! A deliberate fault, which the fuzzer must find.
//!
//! Without the feature `planted-faults` the question is answered `false` at compile time, and no trace is left.

#[cfg(feature = "planted-faults")]
static PLANTED: core::sync::atomic::AtomicBool = core::sync::atomic::AtomicBool::new(false);

/// Plants it, in the whole program: a message's count of words is not compared with the length of its frame.
#[cfg(feature = "planted-faults")]
pub fn plant() {
    PLANTED.store(true, core::sync::atomic::Ordering::Relaxed);
}

/// Whether it is planted.
#[cfg(feature = "planted-faults")]
pub(crate) fn is_planted() -> bool {
    PLANTED.load(core::sync::atomic::Ordering::Relaxed)
}

/// Whether it is planted.
#[cfg(not(feature = "planted-faults"))]
pub(crate) const fn is_planted() -> bool {
    false
}
