//! Planted fault: indices are published without release. The model must find a torn or stale record.
#![allow(dead_code)]

mod atomic {
    pub use loom::sync::atomic::{AtomicU64, fence};

    /// The orderings that `ring.rs` names, with `Release` weakened.
    pub struct Ordering;

    #[allow(non_upper_case_globals)]
    impl Ordering {
        pub const Relaxed: loom::sync::atomic::Ordering = loom::sync::atomic::Ordering::Relaxed;
        pub const Acquire: loom::sync::atomic::Ordering = loom::sync::atomic::Ordering::Acquire;
        pub const Release: loom::sync::atomic::Ordering = loom::sync::atomic::Ordering::Relaxed;
        pub const SeqCst: loom::sync::atomic::Ordering = loom::sync::atomic::Ordering::SeqCst;
    }
}
mod model;
#[path = "../src/ring.rs"]
mod ring;

#[test]
#[should_panic(expected = "a record is torn, lost or repeated")]
fn a_torn_record_is_found() {
    model::explore(model::SecondLook::Heeded);
}
