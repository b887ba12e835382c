//! The ring as it is: no interleaving tears, loses or repeats a record, or leaves a side asleep. And with one fault in its *user*: the second
//! look before sleeping forgotten, which must be found.
#![allow(dead_code)]

mod atomic {
    pub use loom::sync::atomic::{AtomicU64, Ordering, fence};
}
mod model;
#[path = "../src/ring.rs"]
mod ring;

#[test]
fn no_record_torn_and_no_wake_up_lost() {
    model::explore(model::SecondLook::Heeded);
}

#[test]
#[should_panic(expected = "deadlock")]
fn forgetting_the_second_look_is_found() {
    model::explore(model::SecondLook::Forgotten);
}
