//! Requests of peers that wait for a worker, and who works on what.

use core::time::Duration;

use heapless::Vec;
use netipc_protocol::{Instant, NodeId, Object, Way, limits};

/// Requests that can wait: the protocol has no more.
const WAITING: usize = limits::PEERS * limits::SLOTS;

/// A worker that was sent to an export less than this ago is the only new one there: the server most likely answers before, and what is queued in front of it is in
/// everybody's way. One that takes longer puts answers off, or has several threads, and gets further workers.
pub const PROMPT: Duration = Duration::from_millis(1);

/// A request that waits. `E` is the protocol's execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<E> {
    /// Which.
    pub execution: E,
    /// Who asks.
    pub node: NodeId,
    /// In which of the peer's slots: a later request in the same slot is proof that this one is over.
    pub slot: u16,
    /// What is called: `None` for the bootstrap export.
    pub object: Option<Object>,
    /// Whether the peer waits.
    pub way: Way,
    /// What goes with it, if that is one of this machine's: it is needed until the request is over.
    pub carries: Option<Object>,
}

/// What a worker has, and since when.
#[derive(Clone, Copy, Debug)]
struct Busy<E> {
    request: Request<E>,
    since: Instant,
}

/// The workers, numbered from 0, and the queue before them.
#[derive(Debug)]
pub struct Work<E, const WORKERS: usize> {
    waiting: Vec<Request<E>, WAITING>,
    busy: [Option<Busy<E>>; WORKERS],
    /// Workers that there are.
    count: usize,
}

impl<E: Copy + PartialEq, const WORKERS: usize> Work<E, WORKERS> {
    /// Without workers.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            waiting: Vec::new(),
            busy: [const { None }; WORKERS],
            count: 0,
        }
    }

    /// There are so many workers, all free; at most `WORKERS` are used.
    pub const fn begin(&mut self, count: usize) {
        self.count = if count < WORKERS { count } else { WORKERS };
    }

    /// Workers that there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// A request waits.
    pub fn deliver(&mut self, request: Request<E>) {
        // What waited in the same slot is over, or the peer could not have used the slot again.
        self.waiting
            .retain(|other| (other.node, other.slot) != (request.node, request.slot));
        let pushed = self.waiting.push(request);
        debug_assert!(pushed.is_ok(), "each slot of each peer waits once");
    }

    /// The request that can be started next, and the free worker for it: requests to one export in their order, and none
    /// to an export at which half of the workers are, or one that went there just now ([`PROMPT`]). It waits no longer.
    pub fn next_job(&mut self, now: Instant) -> Option<(usize, Request<E>)> {
        if self.waiting.is_empty() {
            return None;
        }
        let worker = self.vacant()?;
        let free = |request: &Request<E>| self.free_at(request.object).is_some_and(|at| at <= now);
        let index = self.waiting.iter().position(free)?;
        Some((worker, self.waiting.remove(index)))
    }

    /// When a request can be started although no worker is done until then.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        if self.waiting.is_empty() {
            return None;
        }
        self.vacant()?;
        let times = self.waiting.iter();
        times
            .filter_map(|request| self.free_at(request.object))
            .min()
    }

    /// From when on an export can have one more worker; `None`: when one is done.
    fn free_at(&self, object: Option<Object>) -> Option<Instant> {
        let mut free = Instant::from_nanos(0);
        let mut workers = 0;
        for busy in self.hired().iter().flatten() {
            if busy.request.object == object {
                workers += 1;
                free = free.max(busy.since + PROMPT);
            }
        }
        (workers < self.share()).then_some(free)
    }

    /// A worker has a request.
    pub fn start(&mut self, worker: usize, request: Request<E>, now: Instant) {
        self.busy[worker] = Some(Busy {
            request,
            since: now,
        });
    }

    /// A worker is done.
    pub fn finish(&mut self, worker: usize) -> Option<Request<E>> {
        Some(self.busy.get_mut(worker)?.take()?.request)
    }

    /// Whether a worker has a request.
    #[must_use]
    pub fn is_busy(&self, worker: usize) -> bool {
        self.busy.get(worker).is_some_and(Option::is_some)
    }

    /// The worker that has this request.
    #[must_use]
    pub fn worker_of(&self, execution: E) -> Option<usize> {
        self.workers_where(|request| request.execution == execution)
            .next()
    }

    /// The workers that are at an export.
    pub fn at(&self, object: Option<Object>) -> impl Iterator<Item = usize> {
        self.workers_where(move |request| request.object == object)
    }

    /// Whether a worker has a request of this node.
    #[must_use]
    pub fn is_of(&self, worker: usize, node: NodeId) -> bool {
        let busy = self.busy.get(worker).and_then(Option::as_ref);
        busy.is_some_and(|busy| busy.request.node == node)
    }

    /// The session with a node is over: nothing waits for it.
    pub fn forget(&mut self, node: NodeId) {
        self.waiting.retain(|request| request.node != node);
    }

    fn workers_where(&self, which: impl Fn(&Request<E>) -> bool) -> impl Iterator<Item = usize> {
        let busy = self.hired().iter().enumerate();
        busy.filter_map(move |(worker, busy)| {
            busy.as_ref()
                .filter(|busy| which(&busy.request))
                .map(|_| worker)
        })
    }

    /// Workers that may be at one export.
    #[must_use]
    pub fn share(&self) -> usize {
        (self.count / 2).max(1)
    }

    /// A free worker, for work that does not come through the queue.
    #[must_use]
    pub fn vacant(&self) -> Option<usize> {
        self.hired().iter().position(Option::is_none)
    }

    /// The workers that there are: the others' places are memory that a call would touch for nothing.
    fn hired(&self) -> &[Option<Busy<E>>] {
        &self.busy[..self.count]
    }
}

impl<E: Copy + PartialEq, const WORKERS: usize> Default for Work<E, WORKERS> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::vec::Vec;

    fn request(execution: u32, node: u8, slot: u16, object: u64) -> Request<u32> {
        Request {
            execution,
            node: NodeId(node),
            slot,
            object: object.checked_sub(1).map(Object),
            way: Way::Call,
            carries: None,
        }
    }

    /// So many times [`PROMPT`] after the start.
    fn after(times: u32) -> Instant {
        Instant::from_nanos(0) + PROMPT * times
    }

    #[test]
    fn one_export_gets_half_of_the_workers() {
        let mut work = Work::<u32, 8>::new();
        work.begin(4);
        for number in 0..6 {
            work.deliver(request(number, 2, number as u16, u64::from(number / 5)));
        }
        for (time, expected) in [(1, (0, 0)), (2, (1, 1)), (3, (2, 5))] {
            let (worker, request) = work.next_job(after(time)).unwrap();
            assert_eq!((worker, request.execution), expected);
            work.start(worker, request, after(time));
        }
        assert_eq!((work.next_job(after(9)), work.next_at()), (None, None));
        assert_eq!(work.finish(1).unwrap().execution, 1);
        let (worker, next) = work.next_job(after(9)).unwrap();
        assert_eq!((worker, next.execution), (1, 2));
    }

    #[test]
    fn a_prompt_server_has_no_queue_before_it_and_a_slow_one_gets_more_workers() {
        let mut work = Work::<u32, 8>::new();
        work.begin(8);
        for number in 0..4 {
            work.deliver(request(number, 2, number as u16, 1));
        }
        work.deliver(request(4, 2, 4, 2));
        let (first, asked) = work.next_job(after(1)).unwrap();
        work.start(first, asked, after(1));
        // The next one to the same export waits; one to another does not wait behind it.
        let (other, passed) = work.next_job(after(1)).unwrap();
        assert_eq!((other, passed.execution), (1, 4));
        work.start(other, passed, after(1));
        assert_eq!(work.next_job(after(1)), None);
        assert_eq!(work.next_at(), Some(after(2)));
        // The server answers.
        assert_eq!(work.finish(first).unwrap().execution, 0);
        let (again, asked) = work.next_job(after(1)).unwrap();
        assert_eq!(asked.execution, 1);
        work.start(again, asked, after(1));
        // The server does not answer.
        assert_eq!(work.next_job(after(1)), None);
        assert_eq!(work.next_job(after(2)).unwrap().1.execution, 2);
    }

    #[test]
    fn one_worker_serves_everybody() {
        let mut work = Work::<u32, 8>::new();
        work.begin(1);
        work.deliver(request(1, 2, 0, 0));
        work.deliver(request(2, 3, 0, 0));
        let (worker, first) = work.next_job(after(1)).unwrap();
        work.start(worker, first, after(1));
        assert_eq!(work.next_job(after(5)), None);
        assert!(work.is_of(0, NodeId(2)) && !work.is_of(0, NodeId(3)) && !work.is_of(1, NodeId(2)));
        assert_eq!(work.worker_of(1), Some(0));
        work.forget(NodeId(3));
        assert!(work.finish(0).is_some());
        assert_eq!(work.next_job(after(9)), None);
    }

    proptest! {
        /// Peers that repeat and cancel as they like; workers that take their time.
        #[test]
        fn the_queue_is_bounded_and_in_order(steps in prop::collection::vec((0..4_u8, 0..3_u8, 0..5_u16, 0..4_u64), 0..400)) {
            const PEERS: u8 = 2;
            let mut work = Work::<u32, 4>::new();
            work.begin(4);
            let mut now = after(0);
            let mut last_of: BTreeMap<u64, u32> = BTreeMap::new();
            for (execution, (step, node, slot, object)) in (1..).zip(steps) {
                match step {
                    0 | 1 => work.deliver(request(execution, node % PEERS, slot, object)),
                    2 => {
                        now = now + PROMPT * u32::from(slot % 2);
                        if let Some((worker, request)) = work.next_job(now) {
                            let key = request.object.map_or(0, |object| object.0 + 1);
                            // Executions are numbered as they were delivered.
                            prop_assert!(last_of.insert(key, request.execution) < Some(request.execution));
                            work.start(worker, request, now);
                            prop_assert!(work.at(request.object).count() <= 2);
                        }
                    }
                    _ => {
                        let _ = work.finish(usize::from(slot));
                    }
                }
                prop_assert!(work.waiting.len() <= usize::from(PEERS) * 5);
                let slots: Vec<_> = work.waiting.iter().map(|r| (r.node, r.slot)).collect();
                prop_assert!(slots.iter().all(|s| slots.iter().filter(|t| *t == s).count() == 1));
            }
        }
    }
}
