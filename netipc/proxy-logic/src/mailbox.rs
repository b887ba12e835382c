//! What the main thread and one worker hand to each other: a message and its answer, in one address space.
//!
//! Every field is an atomic, so that nothing here is unsafe; the state's release and acquire order the rest. The states are in
//! `docs/proxy.md`.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use isthmus_abi::Slot;
use netipc_protocol::{WORDS_MAX, Way};

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Main's: there is nothing to do.
    Empty,
    /// The worker's: it has not looked yet.
    Posted,
    /// The worker's: it has taken the message, and is in its call, or about to enter it.
    Calling,
    /// The worker's: the answer is there, and it shows main the capability that came with it.
    Showing,
    /// Main's: the answer is there.
    Done,
}

const EMPTY: u32 = 0;
const POSTED: u32 = 1;
const CALLING: u32 = 2;
const DONE: u32 = 3;
const SHOWING: u32 = 4;

/// A message's label, number of words and capabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The label.
    pub label: u64,
    /// Words, at most [`WORDS_MAX`].
    pub length: usize,
    /// Where the capability lies that goes with the message, or has arrived with the answer.
    pub capability: Option<Slot>,
}

/// What a worker is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// Where the capability to be called lies.
    pub target: Slot,
    /// Whether an answer comes.
    pub way: Way,
    /// The message.
    pub head: Head,
}

/// One worker's mailbox.
#[derive(Debug)]
pub struct Mailbox {
    state: AtomicU32,
    target: AtomicU32,
    way: AtomicU32,
    capability: AtomicU32,
    length: AtomicU32,
    label: AtomicU64,
    words: [AtomicU64; WORDS_MAX],
    /// Where the worker's capabilities arrive.
    arrivals: AtomicU32,
}

const CALL: u32 = 0;
const ONE_WAY: u32 = 1;

impl Mailbox {
    /// Empty.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            state: AtomicU32::new(EMPTY),
            target: AtomicU32::new(0),
            way: AtomicU32::new(CALL),
            capability: AtomicU32::new(0),
            length: AtomicU32::new(0),
            label: AtomicU64::new(0),
            words: [const { AtomicU64::new(0) }; WORDS_MAX],
            arrivals: AtomicU32::new(0),
        }
    }

    /// The worker, at its start: where its capabilities arrive.
    pub fn open(&self, arrivals: Slot) {
        self.arrivals.store(arrivals.0, Ordering::Relaxed);
    }

    /// Where the worker's capabilities arrive; null before its start.
    #[must_use]
    pub fn arrivals(&self) -> Slot {
        Slot(self.arrivals.load(Ordering::Relaxed))
    }

    /// Whose turn it is.
    #[must_use]
    pub fn state(&self) -> State {
        match self.state.load(Ordering::Acquire) {
            POSTED => State::Posted,
            CALLING => State::Calling,
            DONE => State::Done,
            SHOWING => State::Showing,
            _ => State::Empty,
        }
    }

    /// Main: posts a job. Only when it is empty.
    pub fn post(&self, job: &Job, words: &[u64]) {
        debug_assert!(self.state() == State::Empty, "the worker is free");
        self.target.store(job.target.0, Ordering::Relaxed);
        let way = if job.way == Way::OneWay {
            ONE_WAY
        } else {
            CALL
        };
        self.way.store(way, Ordering::Relaxed);
        self.write(&job.head, words.iter().copied());
        self.state.store(POSTED, Ordering::Release);
    }

    /// The worker: takes the job, if there is one, and hands each of its words to `word`. From now on it is about to call.
    pub fn take(&self, word: impl FnMut(usize, u64)) -> Option<Job> {
        if self.state() != State::Posted {
            return None;
        }
        let job = Job {
            target: Slot(self.target.load(Ordering::Relaxed)),
            way: match self.way.load(Ordering::Relaxed) {
                ONE_WAY => Way::OneWay,
                _ => Way::Call,
            },
            head: self.read(word),
        };
        self.state.store(CALLING, Ordering::Release);
        Some(job)
    }

    /// The worker: hands in the answer. If a capability came with it, the worker has yet to show it.
    pub fn answer(&self, head: &Head, words: impl IntoIterator<Item = u64>) {
        self.write(head, words);
        let state = match head.capability {
            Some(_) => SHOWING,
            None => DONE,
        };
        self.state.store(state, Ordering::Release);
    }

    /// Main: takes the answer, if there is one, with its words; one with a capability when that was shown. The mailbox is empty then.
    pub fn collect(&self, words: &mut [u64; WORDS_MAX]) -> Option<Head> {
        if !matches!(self.state(), State::Done | State::Showing) {
            return None;
        }
        let head = self.read(|index, word| words[index] = word);
        self.state.store(EMPTY, Ordering::Relaxed);
        Some(head)
    }

    /// Main: forgets what is in it. Only when the worker is stopped.
    pub fn clear(&self) {
        self.state.store(EMPTY, Ordering::Relaxed);
    }

    fn write(&self, head: &Head, words: impl IntoIterator<Item = u64>) {
        let length = head.length.min(WORDS_MAX);
        self.label.store(head.label, Ordering::Relaxed);
        self.length.store(length as u32, Ordering::Relaxed);
        let capability = head.capability.unwrap_or(isthmus_abi::slots::NULL);
        self.capability.store(capability.0, Ordering::Relaxed);
        for (to, word) in self.words.iter().zip(words).take(length) {
            to.store(word, Ordering::Relaxed);
        }
    }

    fn read(&self, mut word: impl FnMut(usize, u64)) -> Head {
        let length = (self.length.load(Ordering::Relaxed) as usize).min(WORDS_MAX);
        for (index, from) in self.words[..length].iter().enumerate() {
            word(index, from.load(Ordering::Relaxed));
        }
        let capability = Slot(self.capability.load(Ordering::Relaxed));
        Head {
            label: self.label.load(Ordering::Relaxed),
            length,
            capability: (capability != isthmus_abi::slots::NULL).then_some(capability),
        }
    }
}

impl Default for Mailbox {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    #[test]
    fn each_answer_belongs_to_its_message() {
        static MAILBOX: Mailbox = Mailbox::new();
        const ROUNDS: u64 = 20_000;
        let worker = std::thread::spawn(|| {
            for _ in 0..ROUNDS {
                let mut words = [0; WORDS_MAX];
                let job = loop {
                    if let Some(job) = MAILBOX.take(|index, word| words[index] = word) {
                        break job;
                    }
                    std::thread::yield_now();
                };
                let head = Head {
                    label: job.head.label + 1,
                    length: job.head.length,
                    capability: Some(job.target),
                };
                let words = words.into_iter().map(|word| word + u64::from(job.target.0));
                MAILBOX.answer(&head, words);
            }
        });
        for round in 0..ROUNDS {
            let length = (round % (WORDS_MAX as u64 + 1)) as usize;
            let target = Slot(round as u32 + 1);
            let job = Job {
                target,
                way: Way::Call,
                head: Head {
                    label: round,
                    length,
                    capability: None,
                },
            };
            MAILBOX.post(&job, &[round; WORDS_MAX][..length]);
            let mut words = [0; WORDS_MAX];
            let head = loop {
                if let Some(head) = MAILBOX.collect(&mut words) {
                    break head;
                }
                std::thread::yield_now();
            };
            assert_eq!(
                head,
                Head {
                    label: round + 1,
                    length,
                    capability: Some(target)
                }
            );
            assert!(
                words[..length]
                    .iter()
                    .all(|&word| word == round + u64::from(target.0))
            );
        }
        worker.join().unwrap();
        assert_eq!(MAILBOX.state(), State::Empty);
    }

    #[test]
    fn a_signal_without_a_job_finds_nothing() {
        let mailbox = Mailbox::new();
        assert_eq!(mailbox.take(|_, _| ()), None);
        assert_eq!(mailbox.collect(&mut [0; WORDS_MAX]), None);
    }
}
