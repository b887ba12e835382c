//! The thread that has memory objects mapped and unmapped: the memory server does not make it wait for anybody, but mapping takes time, and the main
//! thread has none. It is never stopped.

use heapless::mpmc::Queue;
use isthmus_abi::Slot;
use isthmus_runtime::interface::Capability;
use isthmus_runtime::memory::{self, Access, Mapping, ObjectCap};
use isthmus_runtime::thread;
use netipc_proxy_logic::limits::{LOANS, TRANSFERS};

/// Twice as much as there can be, so that an errand that is just being taken out is no obstacle. A queue's room is a power of two.
const ROOM: usize = 2 * (LOANS + TRANSFERS).next_power_of_two();

/// Whose memory it is. Each has one errand at a time, so the queues are never full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// A loan's, by its row.
    Loan(usize),
    /// A transfer's, by its row.
    Transfer(usize),
}

/// What main wants.
pub enum Errand {
    /// Map the object that the capability in the slot leads to.
    Map(Whose, Slot),
    /// Take a mapping back.
    Unmap(Whose, Mapping),
}

/// What has become of it.
pub enum Done {
    /// It is mapped, or the memory server has refused.
    Mapped(Whose, Option<Mapping>),
    /// It is not mapped any more.
    Unmapped(Whose),
}

#[expect(
    deprecated,
    reason = "one puts in and one takes out: what is not seen yet is followed by a signal"
)]
static ERRANDS: Queue<Errand, ROOM> = Queue::new();
#[expect(
    deprecated,
    reason = "one puts in and one takes out: what is not seen yet is followed by a signal"
)]
static DONE: Queue<Done, ROOM> = Queue::new();

/// Main: has something done. The mapper is to be signalled.
pub fn post(errand: Errand) {
    let posted = ERRANDS.enqueue(errand);
    debug_assert!(posted.is_ok(), "each row has one errand");
}

/// Main: what was done.
pub fn next_done() -> Option<Done> {
    DONE.dequeue()
}

/// The body of the thread.
pub fn run(_: usize) -> ! {
    loop {
        thread::wait();
        while let Some(errand) = ERRANDS.dequeue() {
            let done = match errand {
                Errand::Map(whose, object) => Done::Mapped(whose, map(object)),
                Errand::Unmap(whose, mapping) => {
                    drop(mapping);
                    Done::Unmapped(whose)
                }
            };
            let told = DONE.enqueue(done);
            debug_assert!(told.is_ok(), "each row has one errand");
            thread::signal_main();
        }
    }
}

fn map(object: Slot) -> Option<Mapping> {
    let object = ObjectCap::new(Capability::in_slot(object));
    // For writing in any case: what a peer may do with it the protocol knows.
    let mapped = memory::map(&object, Access::Write);
    if mapped.is_err() {
        defmt::debug!("netipc: a memory object could not be mapped");
    }
    mapped.ok()
}
