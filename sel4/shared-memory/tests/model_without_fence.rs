//! Planted fault: the fence between publishing an index and looking at the other side's flag is missing. The model must find the lost wake-up.
#![allow(dead_code)]

mod atomic {
    pub use loom::sync::atomic::{AtomicU64, Ordering};
    pub fn fence(_: Ordering) {}
}
mod model;
#[path = "../src/ring.rs"]
mod ring;

#[test]
#[should_panic(expected = "deadlock")]
fn a_lost_wake_up_is_found() {
    model::explore(model::SecondLook::Heeded);
}
