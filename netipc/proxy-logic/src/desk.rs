//! The calls of one ring: from the submission to the completion. The states are in `docs/async.md`.
//!
//! | state | leaves it |
//! |---|---|
//! | *waiting* | started; deadline passed (`NotExecuted`); forgotten |
//! | *started* | answered; deadline passed (`Unknown`, of a local call); forgotten, and then its end is awaited without telling anybody |
//! | *done* | the completion has found room in the ring |

use isthmus_abi::limits::MESSAGE_WORDS;
use isthmus_abi::{NotExecuted, Outcome};
use netipc_protocol::Instant;

/// What a started call is to whoever carries it: a protocol's call, a worker.
pub trait Carrier: Copy {}

impl<T: Copy> Carrier for T {}

/// Where a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State<C> {
    Free,
    Waiting,
    Started(C),
    /// Started, and nobody wants to know.
    Forgotten(C),
    Done,
}

/// A place for a call, with its message: the request's, and then the answer's.
#[derive(Clone, Debug)]
pub struct Entry<C> {
    state: State<C>,
    token: u64,
    target: u16,
    deadline: Option<Instant>,
    /// Of the submissions.
    order: u64,
    label: u64,
    length: usize,
    words: [u64; MESSAGE_WORDS],
}

impl<C> Entry<C> {
    /// Nobody's.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            state: State::Free,
            token: 0,
            target: 0,
            deadline: None,
            order: 0,
            label: 0,
            length: 0,
            words: [0; MESSAGE_WORDS],
        }
    }
}

impl<C> Default for Entry<C> {
    fn default() -> Self {
        Self::new()
    }
}

/// A call that waits to be started.
#[derive(Clone, Copy, Debug)]
pub struct Waiting<'d> {
    /// Its place.
    pub place: usize,
    /// What is called.
    pub target: u16,
    /// When its time is over.
    pub deadline: Option<Instant>,
    /// The message's label.
    pub label: u64,
    /// The message's words.
    pub words: &'d [u64],
}

/// The calls of one ring.
#[derive(Debug)]
pub struct Desk<'e, C> {
    entries: &'e mut [Entry<C>],
    submitted: u64,
    /// No deadline is earlier; it may be long gone.
    earliest: Option<Instant>,
    waiting: usize,
    done: usize,
}

impl<'e, C: Carrier + PartialEq> Desk<'e, C> {
    /// With places for as many calls as there are entries.
    #[must_use]
    pub fn new(entries: &'e mut [Entry<C>]) -> Self {
        Self {
            entries,
            submitted: 0,
            earliest: None,
            waiting: 0,
            done: 0,
        }
    }

    /// Takes a call in.
    ///
    /// # Errors
    /// [`NotExecuted::Overload`] if every place is taken; [`NotExecuted::TooLong`].
    pub fn submit(
        &mut self,
        token: u64,
        target: u16,
        deadline: Option<Instant>,
        label: u64,
        words: &[u64],
    ) -> Result<(), NotExecuted> {
        let free = |entry: &&mut Entry<C>| entry.state == State::Free;
        let mut entries = self.entries.iter_mut();
        let entry = entries.find(free).ok_or(NotExecuted::Overload)?;
        entry
            .words
            .get_mut(..words.len())
            .ok_or(NotExecuted::TooLong)?
            .copy_from_slice(words);
        entry.length = words.len();
        entry.state = State::Waiting;
        entry.token = token;
        entry.target = target;
        entry.deadline = deadline;
        entry.label = label;
        entry.order = self.submitted;
        self.submitted += 1;
        self.waiting += 1;
        self.note(deadline);
        Ok(())
    }

    fn note(&mut self, deadline: Option<Instant>) {
        self.earliest = [self.earliest, deadline].into_iter().flatten().min();
    }

    /// The oldest waiting call, but for those of the targets whose bits are set in `blocked`.
    #[must_use]
    pub fn next(&self, blocked: u64) -> Option<Waiting<'_>> {
        if self.waiting == 0 {
            return None;
        }
        let waits = |(_, entry): &(usize, &Entry<C>)| {
            entry.state == State::Waiting && blocked >> (entry.target % 64) & 1 == 0
        };
        let entries = self.entries.iter().enumerate().filter(waits);
        let (place, entry) = entries.min_by_key(|(_, entry)| entry.order)?;
        Some(Waiting {
            place,
            target: entry.target,
            deadline: entry.deadline,
            label: entry.label,
            words: &entry.words[..entry.length],
        })
    }

    /// A waiting call has been started; `deadline` says when it is given up from here, if it is.
    pub fn start(&mut self, place: usize, carrier: C, deadline: Option<Instant>) {
        if let Some(entry) = self.entries.get_mut(place)
            && entry.state == State::Waiting
        {
            entry.state = State::Started(carrier);
            entry.deadline = deadline;
            self.waiting -= 1;
            self.note(deadline);
        }
    }

    /// Started calls of a target.
    #[must_use]
    pub fn started_at(&self, target: u16) -> usize {
        let at = |entry: &&Entry<C>| {
            entry.target == target && matches!(entry.state, State::Started(_) | State::Forgotten(_))
        };
        self.entries.iter().filter(at).count()
    }

    /// Whether anything, waiting or started, is for a target.
    #[must_use]
    pub fn is_used(&self, target: u16) -> bool {
        let mut entries = self.entries.iter();
        entries.any(|entry| {
            entry.target == target && !matches!(entry.state, State::Free | State::Done)
        })
    }

    /// What became of a call, waiting or started. The answer waits for room in the ring. Nothing happens if it is over already.
    pub fn finish(&mut self, place: usize, label: u64, words: &[u64]) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        match entry.state {
            State::Waiting => self.waiting -= 1,
            State::Started(_) => {}
            State::Forgotten(_) => {
                entry.state = State::Free;
                return;
            }
            State::Free | State::Done => return,
        }
        let length = words.len().min(MESSAGE_WORDS);
        entry.words[..length].copy_from_slice(&words[..length]);
        entry.length = length;
        entry.label = label;
        entry.state = State::Done;
        self.done += 1;
    }

    /// [`finish`](Self::finish), with an outcome.
    pub fn end(&mut self, place: usize, outcome: Outcome) {
        let (label, word) = outcome.encode();
        self.finish(place, label.bits(), &[word]);
    }

    /// Hands the answers that wait to `put`, as long as it has room: token, label, words.
    pub fn flush<F>(
        &mut self,
        mut put: impl FnMut(u64, u64, &[u64]) -> Result<(), F>,
    ) -> Result<(), F> {
        for entry in self.entries.iter_mut() {
            if self.done == 0 {
                break;
            }
            if entry.state == State::Done {
                put(entry.token, entry.label, &entry.words[..entry.length])?;
                entry.state = State::Free;
                self.done -= 1;
            }
        }
        Ok(())
    }

    /// When to look for calls whose time is over; it may be too early, never too late.
    #[must_use]
    pub const fn earliest(&self) -> Option<Instant> {
        self.earliest
    }

    /// Ends the calls whose time is over. Those that were started are told to `stop`, which answers whether they may have run.
    pub fn expire(&mut self, now: Instant, mut stop: impl FnMut(C) -> Outcome) {
        if self.earliest.is_none_or(|earliest| now < earliest) {
            return;
        }
        self.earliest = None;
        for place in 0..self.entries.len() {
            let entry = &self.entries[place];
            let over = entry.deadline.is_some_and(|deadline| deadline <= now);
            match entry.state {
                State::Waiting if over => self.end(place, NotExecuted::DeadlinePassed.into()),
                State::Started(carrier) if over => {
                    let outcome = stop(carrier);
                    self.end(place, outcome);
                }
                State::Waiting | State::Started(_) => self.note(entry.deadline),
                State::Free | State::Forgotten(_) | State::Done => {}
            }
        }
    }

    /// The client has begun anew: nobody wants to know what became of its calls. `cancel` is told which were started.
    pub fn forget(&mut self, mut cancel: impl FnMut(C)) {
        for entry in self.entries.iter_mut() {
            entry.state = match entry.state {
                State::Started(carrier) => {
                    cancel(carrier);
                    State::Forgotten(carrier)
                }
                State::Forgotten(carrier) => State::Forgotten(carrier),
                State::Free | State::Waiting | State::Done => State::Free,
            };
        }
        self.waiting = 0;
        self.done = 0;
        self.earliest = None;
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use isthmus_abi::Unknown;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::vec::Vec;

    proptest! {
        /// Clients that submit, begin anew, and do not read; carriers that take their time, and a clock that goes on.
        #[test]
        fn every_call_is_told_its_end_once(
            steps in prop::collection::vec((0..7_u8, 0..4_u16, 0..30_u64), 0..400),
        ) {
            let mut entries = [const { Entry::<u32>::new() }; 6];
            let mut desk = Desk::new(&mut entries);
            let mut now = 0_u64;
            let instant = Instant::from_nanos;
            // Calls that have no answer yet, by token: when they were submitted.
            let mut open = BTreeMap::new();
            let mut started: Vec<(usize, u64)> = Vec::new();
            let mut last = 0;
            for (token, (step, target, value)) in (1..).zip(steps) {
                match step {
                    0 | 1 => {
                        let deadline = (value % 3 != 0).then(|| instant(now + value));
                        match desk.submit(token, target, deadline, 1, &[token]) {
                            Ok(()) => { open.insert(token, deadline); }
                            Err(reason) => {
                                prop_assert_eq!(reason, NotExecuted::Overload);
                            }
                        }
                    }
                    2 => {
                        if let Some(waiting) = desk.next(0) {
                            let (place, deadline, token) = (waiting.place, waiting.deadline, waiting.words[0]);
                            prop_assert!(last < token, "in their order");
                            last = token;
                            desk.start(place, token as u32, deadline);
                            started.push((place, token));
                        }
                    }
                    3 if !started.is_empty() => {
                        let (place, token) = started.remove(value as usize % started.len());
                        desk.finish(place, 512, &[token]);
                    }
                    4 => {
                        now += value;
                        let mut stopped = Vec::new();
                        desk.expire(instant(now), |carrier| {
                            stopped.push(u64::from(carrier));
                            Unknown::DeadlinePassed.into()
                        });
                        started.retain(|(_, token)| !stopped.contains(token));
                    }
                    5 => {
                        let mut room = value as usize % 4;
                        let mut told = Vec::new();
                        let _ = desk.flush(|token, _, _| {
                            if room == 0 { return Err(()); }
                            room -= 1;
                            told.push(token);
                            Ok(())
                        });
                        for token in told {
                            prop_assert!(open.remove(&token).is_some(), "once, and only what was asked");
                        }
                    }
                    _ if value == 0 => {
                        let mut cancelled = Vec::new();
                        desk.forget(|carrier| cancelled.push(u64::from(carrier)));
                        for token in cancelled {
                            prop_assert!(open.contains_key(&token));
                        }
                        open.clear();
                    }
                    _ => {}
                }
            }
            // In the end everybody is told.
            for (place, token) in started {
                desk.finish(place, 512, &[token]);
            }
            while let Some(waiting) = desk.next(0) {
                let place = waiting.place;
                desk.end(place, NotExecuted::Overload.into());
            }
            let _ = desk.flush(|token, _, _| { open.remove(&token); Ok::<_, ()>(()) });
            prop_assert!(open.is_empty());
            for entry in desk.entries.iter() {
                prop_assert!(entry.state == State::Free);
            }
        }
    }

    #[test]
    fn what_is_late_ends_by_its_state() {
        let mut entries = [const { Entry::<u32>::new() }; 3];
        let mut desk = Desk::new(&mut entries);
        let at = Instant::from_nanos;
        desk.submit(1, 0, Some(at(10)), 5, &[]).unwrap();
        desk.submit(2, 0, Some(at(20)), 5, &[]).unwrap();
        desk.submit(3, 0, None, 5, &[]).unwrap();
        assert_eq!(desk.submit(4, 0, None, 5, &[]), Err(NotExecuted::Overload));
        let first = desk.next(0).unwrap().place;
        assert!(desk.next(1).is_none(), "its target is blocked");
        desk.start(first, 77, Some(at(10)));
        assert_eq!(desk.next(0).unwrap().deadline, Some(at(20)));
        assert_eq!(desk.started_at(0), 1);
        assert_eq!(desk.earliest(), Some(at(10)));
        let mut stopped = Vec::new();
        desk.expire(at(20), |carrier| {
            stopped.push(carrier);
            Unknown::DeadlinePassed.into()
        });
        assert_eq!(stopped, [77]);
        assert_eq!(desk.earliest(), None);
        let mut told = Vec::new();
        let _ = desk.flush(|token, label, words| {
            told.push((token, label, words.to_vec()));
            Ok::<_, ()>(())
        });
        let (unknown, late) = Outcome::from(Unknown::DeadlinePassed).encode();
        let (not, never) = Outcome::from(NotExecuted::DeadlinePassed).encode();
        assert_eq!(
            told,
            [
                (1, unknown.bits(), std::vec![late]),
                (2, not.bits(), std::vec![never])
            ]
        );
        assert!(desk.is_used(0), "the third waits");
    }
}
