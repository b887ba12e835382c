//! A transport for host tests: the servers are functions, a capability is a number, and a ledger knows what became of each.
//!
//! The ledger is the thread's, as each test has a thread of its own.

use core::cell::RefCell;
use std::collections::BTreeMap;
use std::vec::Vec;

use isthmus_abi::{Label, Outcome, Slot, Unknown};

use crate::capability::{Capability, Exhausted, System};
use crate::client::{Incoming, Outgoing, ShortAnswer, Transport};
use crate::server::{Answer, Disposition, Request};
use crate::{LONG, SHORT};

/// A function that serves: it is told which capability was called.
pub trait Handler {
    /// Handles a message as a server's loop would.
    fn handle(&self, to: Slot, request: &mut Request<'_>, answer: &mut Answer) -> Disposition;
}

impl<F> Handler for F
where
    F: Fn(Slot, &mut Request<'_>, &mut Answer) -> Disposition,
{
    fn handle(&self, to: Slot, request: &mut Request<'_>, answer: &mut Answer) -> Disposition {
        self(to, request, answer)
    }
}

#[derive(Default)]
struct Books {
    discarded: Vec<Slot>,
    /// Callers that wait, by the number of their slot; with their answers.
    waiting: BTreeMap<u32, Option<Message>>,
    saved: u32,
    room: Option<usize>,
    /// What was staged, by ticket: for which badge.
    staged: BTreeMap<u64, (u64, Capability)>,
    tickets: u64,
}

std::thread_local! {
    static BOOKS: RefCell<Books> = RefCell::default();
}

/// Keeps this thread's capabilities and callers.
#[derive(Clone, Copy, Debug)]
pub struct Ledger;

impl System for Ledger {
    fn discard(&self, slot: Slot) {
        BOOKS.with_borrow_mut(|books| books.discarded.push(slot));
    }

    fn save_caller(&self) -> Result<Slot, Exhausted> {
        BOOKS.with_borrow_mut(|books| {
            let open = books.waiting.values().filter(|a| a.is_none()).count();
            if books.room.is_some_and(|room| open >= room) {
                return Err(Exhausted);
            }
            books.saved += 1;
            books.waiting.insert(books.saved, None);
            Ok(Slot(books.saved))
        })
    }

    fn answer(&self, waiting: Slot, answer: &Answer) {
        let message = Message::of(answer);
        BOOKS.with_borrow_mut(|books| {
            let place = books.waiting.get_mut(&waiting.0);
            let place = place.expect("only saved callers are answered");
            assert!(place.is_none(), "a caller is answered once");
            *place = Some(message);
        });
    }

    fn stage(&self, badge: u64, capability: Capability) -> Result<u64, Exhausted> {
        BOOKS.with_borrow_mut(|books| {
            books.tickets += 1;
            books.staged.insert(books.tickets, (badge, capability));
            Ok(books.tickets)
        })
    }

    fn unstage(&self, badge: u64, ticket: u64) -> Option<Capability> {
        BOOKS.with_borrow_mut(|books| match books.staged.get(&ticket) {
            Some((of, _)) if *of == badge => books.staged.remove(&ticket).map(|(_, kept)| kept),
            _ => None,
        })
    }
}

impl Ledger {
    /// A capability that its receiver owns: dropping it is noted.
    #[must_use]
    pub fn owned(slot: Slot) -> Capability {
        Capability::owned(slot, &Self)
    }

    /// What was deleted since the last time this was asked.
    #[must_use]
    pub fn take_discarded() -> Vec<Slot> {
        BOOKS.with_borrow_mut(|books| core::mem::take(&mut books.discarded))
    }

    /// Forgets what was staged and never asked for.
    pub fn forget_staged() {
        let staged = BOOKS.with_borrow_mut(|books| core::mem::take(&mut books.staged));
        drop(staged);
    }

    /// How many callers may wait at once, from now on.
    pub fn limit_waiting(room: usize) {
        BOOKS.with_borrow_mut(|books| books.room = Some(room));
    }
}

/// A message that was carried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its label.
    pub label: Label,
    /// Its words.
    pub words: Vec<u64>,
    /// Where the sender's capability lies.
    pub capability: Option<Slot>,
}

impl Message {
    fn of(answer: &Answer) -> Self {
        Self {
            label: answer.label(),
            words: answer.words().to_vec(),
            capability: answer.capability().map(Capability::slot),
        }
    }

    /// What is read of it as the answer to a method.
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming {
            label: self.label,
            words: &self.words,
            capability: self.capability.map(Ledger::owned),
        }
    }
}

/// A call that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// It was answered.
    Answered(Message),
    /// Its caller waits: [`Made::settled`] looks whether it has been answered.
    Waits(Slot),
    /// Nobody waits: it was one-way.
    OneWay,
}

impl Made {
    /// The answer, if there is one by now.
    #[must_use]
    pub fn settled(&self) -> Option<Message> {
        match self {
            Self::Answered(message) => Some(message.clone()),
            Self::Waits(slot) => {
                BOOKS.with_borrow(|books| books.waiting.get(&slot.0).cloned().flatten())
            }
            Self::OneWay => None,
        }
    }
}

/// Carries calls to a handler in the same process.
#[derive(Clone, Copy, Debug)]
pub struct Loopback<H>(pub H);

impl<H: Handler> Loopback<H> {
    /// Makes a call, and does not wait for its answer. A handler that keeps more than its own caller waiting confuses it.
    pub fn make(&self, to: Slot, message: Outgoing<'_>) -> Made {
        let saved = BOOKS.with_borrow(|books| books.saved);
        let mut request = Request {
            label: message.label,
            words: message.words,
            badge: to.bits(),
            capability: message.capability.map(Ledger::owned),
            system: &Ledger,
        };
        let mut answer = Answer::new();
        let disposition = self.0.handle(to, &mut request, &mut answer);
        let last = BOOKS.with_borrow(|books| books.saved);
        match disposition {
            Disposition::Reply => Made::Answered(Message::of(&answer)),
            Disposition::Nothing if last > saved => Made::Waits(Slot(last)),
            Disposition::Nothing => Made::OneWay,
        }
    }
}

impl<H: Handler> Transport for Loopback<H> {
    fn call<'a>(
        &self,
        to: Slot,
        request: Outgoing<'_>,
        buffer: &'a mut [u64; LONG],
    ) -> Incoming<'a> {
        // On the target a caller whom nobody answers would wait for ever.
        let answer = self.make(to, request).settled().unwrap_or_else(|| {
            let (label, word) = Outcome::Unknown(Unknown::ReplyLost).encode();
            Message {
                label,
                words: std::vec![word],
                capability: None,
            }
        });
        let length = answer.words.len();
        buffer[..length].copy_from_slice(&answer.words);
        Incoming {
            label: answer.label,
            words: &buffer[..length],
            capability: answer.capability.map(Ledger::owned),
        }
    }

    fn call_short(
        &self,
        to: Slot,
        label: Label,
        words: [u64; SHORT],
        length: usize,
    ) -> ShortAnswer {
        let mut buffer = [0; LONG];
        let request = Outgoing {
            label,
            words: &words[..length],
            capability: None,
        };
        let answer = self.call(to, request, &mut buffer);
        let (label, length) = (answer.label, answer.words.len());
        drop(answer);
        let words = core::array::from_fn(|i| if i < length { buffer[i] } else { 0 });
        ShortAnswer {
            label,
            words,
            length,
        }
    }

    fn send(&self, to: Slot, message: Outgoing<'_>) {
        let _ = self.make(to, message);
    }
}
