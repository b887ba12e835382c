//! Calls go there and back; whatever does not fit gets a clear answer on both sides, and no capability is lost.

#![allow(
    clippy::type_complexity,
    reason = "the attribute reads the tuple itself, an alias would hide it"
)]

use std::cell::RefCell;

use core::convert::Infallible;

use heapless::{String, Vec};
use isthmus_abi::label::Way;
use isthmus_abi::{Label, NotExecuted, Outcome, Slot, Unknown};
use isthmus_interface::loopback::{Handler, Ledger, Loopback, Made};
use isthmus_interface::mistreat::mistreat;
use isthmus_interface::{
    Answer, Anything, CallError, Caller, Cap, Capability, Disposition, Encoded, Later, Malformed,
    Method, Notification, Outgoing, Own, Reader, Request, Transport, Wire, Writer, error_codes,
    interface, read_incoming,
};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

error_codes! {
    /// What can go wrong with a drawer.
    pub enum DrawerError {
        /// There is nothing in it.
        Empty = 1, "there is nothing in it";
        /// No room.
        Full = 2, "there is no room";
    }
}

/// What `serde` carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// How often.
    pub count: u32,
    /// Notes.
    pub notes: Vec<u16, 8>,
}

/// A drawer for a number, a text and a capability.
#[interface(name = "drawer")]
pub trait Drawer {
    /// Puts a number in; returns the old one.
    #[method(0)]
    fn put(&mut self, caller: Caller, number: u64) -> Result<u64, DrawerError>;
    /// Puts a text in.
    #[method(1)]
    fn write(&mut self, text: String<800>, at: u16) -> Result<(), DrawerError>;
    /// The text.
    #[method(2)]
    fn read(&mut self) -> Result<String<800>, DrawerError>;
    /// Puts a capability in.
    #[method(3)]
    fn hide(&mut self, capability: Cap<Anything>) -> Result<(), DrawerError>;
    /// Takes the capability out; returns the number.
    #[method(4)]
    fn find(&mut self, minimum: u64) -> Result<(u64, Cap<Anything>), DrawerError>;
    /// Swaps it.
    #[method(5)]
    fn swap(
        &mut self,
        number: u64,
        capability: Cap<Anything>,
    ) -> Result<Cap<Anything>, DrawerError>;
    /// Empties it.
    #[method(6)]
    #[one_way]
    fn clear(&mut self, reason: u8);
    /// Tells about it.
    #[method(7)]
    fn report(&mut self, of: Report) -> Result<Report, DrawerError>;
    /// Waits until it is cleared; the capability, if one was in it, and the reason.
    #[method(8)]
    fn cleared(&mut self, at_least: u8, later: Later<(Option<Cap<Anything>>, u8), DrawerError>);
    /// To be signalled, if at all, when it is emptied.
    #[method(9)]
    fn watch(&mut self, bell: Option<Cap<Notification>>) -> Result<bool, DrawerError>;
    /// Another drawer that this server has given out.
    #[method(10)]
    fn merge(&mut self, other: Cap<Own>) -> Result<u64, DrawerError>;
    /// Names that the generated code uses itself.
    #[method(11)]
    fn names(&mut self, request: u8, answer: u8, label: u8, server: u8) -> Result<u8, DrawerError>;
    /// Turns capabilities round.
    #[method(12)]
    fn rotate(
        &mut self,
        first: Cap<Anything>,
        number: u8,
        second: Cap<Anything>,
        third: Cap<Notification>,
    ) -> Result<(Cap<Notification>, u8, Cap<Anything>, Cap<Anything>), DrawerError>;
}

/// Whoever waits for the drawer to be cleared.
type Waiting = Later<(Option<Cap<Anything>>, u8), DrawerError>;

#[derive(Debug, Default)]
struct Inside {
    number: u64,
    text: String<800>,
    capability: Option<Cap<Anything>>,
    bell: Option<Cap<Notification>>,
    callers: std::vec::Vec<Caller>,
    cleared: u8,
    waiting: std::vec::Vec<Waiting>,
}

impl Drawer for Inside {
    fn put(&mut self, caller: Caller, number: u64) -> Result<u64, DrawerError> {
        self.callers.push(caller);
        Ok(std::mem::replace(&mut self.number, number))
    }

    fn write(&mut self, text: String<800>, at: u16) -> Result<(), DrawerError> {
        if usize::from(at) != self.text.len() {
            return Err(DrawerError::Full);
        }
        self.text.push_str(&text).map_err(|_| DrawerError::Full)
    }

    fn read(&mut self) -> Result<String<800>, DrawerError> {
        Ok(self.text.clone())
    }

    fn hide(&mut self, capability: Cap<Anything>) -> Result<(), DrawerError> {
        self.capability = Some(capability);
        Ok(())
    }

    fn find(&mut self, minimum: u64) -> Result<(u64, Cap<Anything>), DrawerError> {
        if self.number < minimum {
            return Err(DrawerError::Empty);
        }
        let found = self.capability.as_ref().ok_or(DrawerError::Empty)?;
        Ok((self.number, found.alias()))
    }

    fn swap(
        &mut self,
        number: u64,
        capability: Cap<Anything>,
    ) -> Result<Cap<Anything>, DrawerError> {
        let there = self.capability.as_mut().ok_or(DrawerError::Empty)?;
        self.number = number;
        Ok(std::mem::replace(there, capability))
    }

    fn clear(&mut self, reason: u8) {
        let waiting = std::mem::take(&mut self.waiting);
        let mut capability = self.capability.take();
        *self = Self {
            cleared: reason,
            ..Self::default()
        };
        for later in waiting {
            later.answer(Ok((capability.take(), reason)));
        }
    }

    fn report(&mut self, of: Report) -> Result<Report, DrawerError> {
        Ok(Report {
            count: of.count + self.callers.len() as u32,
            notes: of.notes,
        })
    }

    fn cleared(&mut self, at_least: u8, later: Later<(Option<Cap<Anything>>, u8), DrawerError>) {
        match at_least {
            0 => later.answer(Ok((None, self.cleared))),
            255 => later.answer(Err(DrawerError::Full)),
            254 => drop(later),
            _ => self.waiting.push(later),
        }
    }

    fn watch(&mut self, bell: Option<Cap<Notification>>) -> Result<bool, DrawerError> {
        self.bell = bell;
        Ok(self.bell.is_some())
    }

    fn merge(&mut self, other: Cap<Own>) -> Result<u64, DrawerError> {
        other.own_badge().ok_or(DrawerError::Empty)
    }

    fn rotate(
        &mut self,
        first: Cap<Anything>,
        number: u8,
        second: Cap<Anything>,
        third: Cap<Notification>,
    ) -> Result<(Cap<Notification>, u8, Cap<Anything>, Cap<Anything>), DrawerError> {
        match number {
            0 => Err(DrawerError::Empty),
            _ => Ok((third, number, first, second)),
        }
    }

    fn names(&mut self, request: u8, answer: u8, label: u8, server: u8) -> Result<u8, DrawerError> {
        Ok(request + answer + label + server)
    }
}

#[derive(Default)]
struct Shell(RefCell<Inside>);

impl Handler for Shell {
    fn handle(&self, _: Slot, request: &mut Request<'_>, answer: &mut Answer) -> Disposition {
        drawer::dispatch(&mut *self.0.borrow_mut(), request, answer)
    }
}

fn report(count: u32) -> Report {
    Report {
        count,
        notes: [1, 500].into_iter().collect(),
    }
}

#[test]
fn calls_go_there_and_back() {
    let transport = Loopback(Shell::default());
    let drawer = DrawerClient::new(&transport, Slot(5));
    assert_eq!(drawer.put(42), Ok(0));
    assert_eq!(drawer.put(u64::MAX), Ok(42));
    assert_eq!(transport.0.0.borrow().callers, [Caller::new(5); 2]);
    let text: String<800> = "ü".repeat(400).as_str().try_into().unwrap();
    assert_eq!(drawer.write(text.clone(), 0), Ok(()));
    assert_eq!(drawer.read(), Ok(text.clone()));
    assert_eq!(
        drawer.write(text, 800),
        Err(CallError::Interface(DrawerError::Full))
    );
    assert_eq!(drawer.report(report(5)), Ok(report(7)));
    assert_eq!(drawer.watch(None), Ok(false));
    assert_eq!(drawer.watch(Some(Slot(3).into())), Ok(true));
    assert_eq!(drawer.clear(3), Ok(()));
    assert_eq!(transport.0.0.borrow().cleared, 3);
    assert_eq!(Ledger::take_discarded(), [Slot(3)], "the bell");
    assert_eq!(drawer.names(1, 2, 3, 4), Ok(10));
}

#[test]
fn a_capability_is_deleted_by_whoever_drops_it() {
    let transport = Loopback(Shell::default());
    let drawer = DrawerClient::new(&transport, Slot(5));
    let mine = Ledger::owned(Slot(9));
    assert_eq!(drawer.hide(mine.slot()), Ok(()));
    assert_eq!(drawer.put(10), Ok(0));
    let (number, found) = drawer.find(10).unwrap();
    assert_eq!((number, found.slot()), (10, Slot(9)));
    assert_eq!(Ledger::take_discarded(), []);
    drop(found);
    assert_eq!(Ledger::take_discarded(), [Slot(9)], "the client's");
    let old = drawer.swap(11, Slot(8)).unwrap();
    assert_eq!(old.slot(), Slot(9));
    assert_eq!(
        Ledger::take_discarded(),
        [Slot(9)],
        "the server's, which was given away"
    );
    assert_eq!(old.into_slot(), Slot(9));
    assert_eq!(Ledger::take_discarded(), [], "it was taken over");
    let error = drawer.find(99).unwrap_err();
    assert_eq!(error, CallError::Interface(DrawerError::Empty));
    let mine = Cap::new(mine);
    assert_eq!(drawer.hide(&mine), Ok(()), "sent by reference");
    assert_eq!(Ledger::take_discarded(), [Slot(8)], "the server's old one");
    drop(mine);
    assert_eq!(Ledger::take_discarded(), [Slot(9)], "the client's own");
    drop(transport);
    assert_eq!(Ledger::take_discarded(), [Slot(9)], "with the server");
}

#[test]
fn a_caller_is_kept_waiting_and_answered_once() {
    let transport = Loopback(Shell::default());
    let cleared = |at_least| {
        let words = [at_least];
        let message = Outgoing {
            label: drawer::cleared::LABEL,
            words: &words,
            capability: None,
        };
        transport.make(Slot(1), message)
    };
    let read = |made: &Made| {
        let answer = made.settled().expect("it was answered");
        read_incoming::<drawer::cleared>(answer.incoming())
            .map(|(n, c)| (n, c.map(Capability::into_slot)))
    };
    let drawer = DrawerClient::new(&transport, Slot(1));
    assert_eq!(drawer.hide(Slot(7)), Ok(()));
    let waiting = [cleared(1), cleared(2)];
    assert_eq!(waiting[0].settled(), None);
    assert_eq!(read(&cleared(0)), Ok((0, None)), "at once");
    assert_eq!(
        read(&cleared(255)),
        Err(CallError::Interface(DrawerError::Full))
    );
    let lost = Err(Outcome::Unknown(Unknown::ReplyLost).into());
    assert_eq!(read(&cleared(254)), lost);
    assert_eq!(drawer.clear(9), Ok(()));
    assert_eq!(read(&waiting[0]), Ok((9, Some(Slot(7)))));
    assert_eq!(read(&waiting[1]), Ok((9, None)));

    let waiting = cleared(1);
    Ledger::limit_waiting(1);
    let overload = Err(Outcome::NotExecuted(NotExecuted::Overload).into());
    assert_eq!(read(&cleared(2)), overload, "as many as there is room for");
    drop(transport);
    assert_eq!(read(&waiting), lost, "with its server");
}

/// What a raw message is answered with, and what was deleted.
fn raw(
    label: Label,
    words: &[u64],
    capability: Option<Slot>,
) -> (Option<Outcome>, std::vec::Vec<Slot>) {
    let transport = Loopback(Shell::default());
    let message = Outgoing {
        label,
        words,
        capability,
    };
    let made = transport.make(Slot(1), message);
    let discarded = Ledger::take_discarded();
    let outcome = made.settled().and_then(|answer| {
        Outcome::of_answer(answer.label, answer.words.first().copied().unwrap_or(0)).err()
    });
    (outcome, discarded)
}

#[test]
fn a_server_says_what_is_wrong_with_a_message() {
    let put = drawer::put::LABEL;
    let write = drawer::write::LABEL;
    let hide = drawer::hide::LABEL;
    let nine = Some(Slot(9));
    let not = |reason| Some(Outcome::NotExecuted(reason));
    assert_eq!(raw(put, &[1], None).0, None);
    assert_eq!(raw(put.traced(), &[1], None).0, None);
    let bad = not(NotExecuted::BadArguments);
    assert_eq!(raw(put, &[], None).0, bad, "short");
    assert_eq!(raw(put, &[1, 2], None).0, bad, "long");
    let unexpected = not(NotExecuted::UnexpectedCapability);
    assert_eq!(raw(put, &[1], nine), (unexpected, vec![Slot(9)]));
    assert_eq!(raw(hide, &[], None).0, not(NotExecuted::MissingCapability));
    assert_eq!(raw(hide, &[1], nine), (bad, vec![Slot(9)]));
    let wrong = not(NotExecuted::WrongCapability);
    assert_eq!(raw(drawer::merge::LABEL, &[], nine), (wrong, vec![Slot(9)]));
    let other = Label::method(
        "drawer put(number: u32) -> Result<u64, DrawerError>",
        0,
        Way::Call,
    );
    assert_eq!(raw(other, &[1], None).0, not(NotExecuted::VersionMismatch));
    let unknown = Label::method("drawer burn()", 200, Way::Call);
    let (outcome, deleted) = raw(unknown, &[1], nine);
    assert_eq!(
        (outcome, deleted),
        (not(NotExecuted::UnknownMethod), vec![Slot(9)])
    );
    let called = Label::from_bits(drawer::clear::LABEL.bits() & !(1 << 50));
    assert_eq!(raw(called, &[1], None).0, not(NotExecuted::WrongWay));
    let invocation = Label::from_bits(16);
    assert_eq!(
        raw(invocation, &[1], None).0,
        not(NotExecuted::UnknownMethod)
    );
    assert_eq!(raw(write, &[1000, 1], None).0, bad, "length says too much");
    assert_eq!(raw(write, &[1, 0x4100 | 0x41, 0], None).0, bad, "padding");
    assert_eq!(raw(write, &[1, 0xff, 0], None).0, bad, "not UTF-8");
    assert_eq!(raw(write, &[1, 0x41, 1 << 16], None).0, bad, "not 16 bits");
    let report = drawer::report::LABEL;
    assert_eq!(raw(report, &[2, 0x0000], None).0, None, "count 0, no notes");
    assert_eq!(raw(report, &[3, 0x0000], None).0, bad, "a byte too many");
    assert_eq!(raw(report, &[2, 0x0900], None).0, bad, "nine notes");
}

#[test]
fn one_of_the_servers_own_comes_back_as_its_badge() {
    let mut inside = Inside::default();
    let mut ask = |label, badge| {
        let mut request = Request {
            label,
            words: &[],
            badge: 1,
            capability: Some(Capability::own(badge)),
            system: &Ledger,
        };
        let mut answer = Answer::new();
        let _ = drawer::dispatch(&mut inside, &mut request, &mut answer);
        (answer.label(), answer.words()[0])
    };
    assert_eq!(ask(drawer::merge::LABEL, 77), (Label::REPLY, 77));
    let wrong = Outcome::NotExecuted(NotExecuted::WrongCapability).encode();
    assert_eq!(ask(drawer::watch::LABEL, 77), wrong, "no notification");
}

/// A server that answers everything in one way.
fn answering(label: Label, words: &'static [u64], capability: Option<Slot>) -> impl Transport {
    Loopback(move |_: Slot, _: &mut Request<'_>, answer: &mut Answer| {
        answer.raw(label, words, capability.map(Capability::in_slot));
        Disposition::Reply
    })
}

#[test]
fn a_client_reads_answers_with_suspicion() {
    let put = |label, words, capability| {
        let result = DrawerClient::new(answering(label, words, capability), Slot(1)).put(1);
        (result, Ledger::take_discarded())
    };
    let unknown = |reason| Err(CallError::Outcome(Outcome::Unknown(reason)));
    let not = |reason| Err(CallError::Outcome(Outcome::NotExecuted(reason)));
    let bad = unknown(Unknown::BadReply);
    let empty = Err(CallError::Interface(DrawerError::Empty));
    assert_eq!(put(Label::REPLY, &[7], None).0, Ok(7));
    assert_eq!(put(Label::REPLY, &[], None).0, bad);
    assert_eq!(put(Label::REPLY, &[1, 2], None).0, bad);
    assert_eq!(put(Label::REPLY, &[1, 2, 3, 4, 5], None).0, bad);
    assert_eq!(put(Label::REPLY_ERROR, &[1], None).0, empty);
    assert_eq!(put(Label::REPLY_ERROR, &[99], None).0, bad);
    assert_eq!(put(Label::from_bits(600), &[1], None).0, bad);
    let answer = put(Label::from_bits(2), &[], None).0;
    assert_eq!(answer, not(NotExecuted::NotAnEndpoint));
    let answer = put(Label::NOT_EXECUTED, &[8], None).0;
    assert_eq!(answer, not(NotExecuted::ComponentDied));
    let answer = put(Label::UNKNOWN, &[3], None).0;
    assert_eq!(answer, unknown(Unknown::PeerLost));
    assert_eq!(put(Label::REPLY, &[7], Some(Slot(77))).1, [Slot(77)]);

    let lost = |reason| Err(CallError::Outcome(Outcome::Unknown(reason)));
    let find = |label, words, capability| {
        let client = DrawerClient::new(answering(label, words, capability), Slot(1));
        let result = client.find(1).map(|(n, c)| (n, c.into_slot()));
        (result, Ledger::take_discarded())
    };
    let three = Some(Slot(3));
    assert_eq!(find(Label::REPLY, &[7], three), (Ok((7, Slot(3))), vec![]));
    assert_eq!(find(Label::REPLY, &[7], None).0, lost(Unknown::BadReply));
    let bad = (lost(Unknown::BadReply), vec![Slot(3)]);
    assert_eq!(find(Label::REPLY, &[], three), bad);
    let lost = (lost(Unknown::PeerLost), vec![Slot(3)]);
    assert_eq!(find(Label::UNKNOWN, &[3], three), lost);
    let error = Err(CallError::Interface(DrawerError::Empty));
    assert_eq!(
        find(Label::REPLY_ERROR, &[1], three),
        (error, vec![Slot(3)])
    );
}

#[test]
fn what_does_not_fit_a_message_is_not_sent() {
    let nobody = Loopback(|_: Slot, _: &mut Request<'_>, _: &mut Answer| panic!("nothing is sent"));
    let long = LongClient::new(&nobody, Slot(1));
    let too_long = Err(CallError::Outcome(NotExecuted::TooLong.into()));
    assert_eq!(long.put([u64::MAX; 200].into_iter().collect(), 1), too_long);
    let fits = Loopback(|_: Slot, request: &mut Request<'_>, answer: &mut Answer| {
        assert!(request.words.len() <= 120);
        answer.reply::<long::put>(&(), None);
        Disposition::Reply
    });
    let long = LongClient::new(&fits, Slot(1));
    assert_eq!(long.put([u64::MAX; 90].into_iter().collect(), 1), Ok(()));
    assert_eq!(long.put([u64::MAX; 95].into_iter().collect(), 1), too_long);
}

/// What may be longer than a message.
#[interface(name = "long")]
pub trait Long {
    /// Numbers, by `serde`.
    #[method(0)]
    fn put(&mut self, numbers: Vec<u64, 200>, more: u64) -> Result<(), Infallible>;
}

#[test]
fn further_capabilities_are_sent_ahead_and_fetched() {
    let transport = Loopback(Shell::default());
    let drawer = DrawerClient::new(&transport, Slot(5));
    let (third, number, first, second) = drawer.rotate(Slot(1), 7, Slot(2), Slot(3)).unwrap();
    let slots = [first.slot(), second.slot(), third.slot()];
    assert_eq!((slots, number), ([Slot(1), Slot(2), Slot(3)], 7));
    // In the loopback sender and receiver have the same number for a capability: each deletes its own.
    let mut gone = Ledger::take_discarded();
    gone.sort();
    assert_eq!(
        gone,
        [Slot(1), Slot(2), Slot(3)],
        "the server's, which were given away"
    );
    drop((first, second, third));
    assert_eq!(Ledger::take_discarded().len(), 3, "the client's");
    let refused = drawer.rotate(Slot(1), 0, Slot(2), Slot(3)).unwrap_err();
    assert_eq!(refused, CallError::Interface(DrawerError::Empty));
    assert_eq!(
        Ledger::take_discarded().len(),
        3,
        "the server's, which it did not want"
    );
    // A ticket is good once, and for whoever has it by the same capability.
    let staged = isthmus_interface::staging::stage(&&transport, Slot(5), Slot(4)).unwrap();
    for (to, answer) in [(6, true), (5, false), (5, true)] {
        let lost = isthmus_interface::staging::collect(&&transport, Slot(to), staged).is_err();
        assert_eq!(lost, answer, "{to}");
    }
}

#[test]
fn no_mistreatment_stops_a_server() {
    let mut inside = Inside::default();
    Ledger::forget_staged();
    let messages = mistreat(drawer::METHODS, |request, answer| {
        drawer::dispatch(&mut inside, request, answer)
    });
    assert!(messages > 10_000, "{messages}");
}

#[test]
fn an_interface_describes_itself() {
    let find = drawer::METHODS[4];
    assert_eq!(
        (find.name, find.reply, find.error),
        ("find", "u64", "DrawerError")
    );
    assert_eq!(find.parameters, [("minimum", "u64")]);
    assert_eq!(find.label, drawer::find::LABEL);
}

#[test]
fn labels_stay() {
    let all = drawer::LABELS;
    for (i, label) in all.iter().enumerate() {
        assert_eq!(usize::from(label.ordinal()), i);
        assert!(all[..i].iter().all(|other| other.hash() != label.hash()));
        assert!(drawer::knows(*label) && drawer::knows(label.traced()));
    }
    assert!(!drawer::knows(long::put::LABEL));
    assert_eq!(drawer::clear::LABEL.way(), Way::OneWay);
    // The text that is hashed: who asks for a `Caller`, or answers later, is not in it.
    let text = "drawer put(number: u64) -> Result<u64, DrawerError>";
    assert_eq!(drawer::put::LABEL, Label::method(text, 0, Way::Call));
    let text = "drawer cleared(at_least: u8) -> Result<(Option<Cap<Anything>>, u8), DrawerError>";
    assert_eq!(drawer::cleared::LABEL, Label::method(text, 8, Way::Call));
    let text = "drawer one_way clear(reason: u8)";
    assert_eq!(drawer::clear::LABEL, Label::method(text, 6, Way::OneWay));
    assert_eq!(drawer::find::NAME, "drawer.find");
}

/// Numbers that count from zero, and one that does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub enum Colour {
    /// 0.
    Red,
    /// 7.
    Green = 7,
    /// 8.
    Blue,
}

/// Fields in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub struct Point {
    x: i32,
    colour: Colour,
}

/// A number of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub struct Metres(u16);

#[test]
fn words_are_derived() {
    round_trip(&Colour::Blue);
    round_trip(&(
        Point {
            x: -3,
            colour: Colour::Green,
        },
        Metres(3),
    ));
    assert_eq!(
        (Colour::MAX_WORDS, Point::MAX_WORDS, Metres::MAX_WORDS),
        (1, 2, 1)
    );
    assert_eq!(Colour::read(&mut Reader::new(&[8])), Ok(Colour::Blue));
    assert_eq!(Colour::read(&mut Reader::new(&[1])), Err(Malformed));
    assert_eq!(Metres::read(&mut Reader::new(&[1 << 16])), Err(Malformed));
}

fn round_trip<V: Wire + PartialEq + std::fmt::Debug>(value: &V) {
    let mut words = [0xdead; 120];
    let mut writer = Writer::new(&mut words);
    value.write(&mut writer).expect("fits");
    let written = writer.written();
    assert!(written <= V::MAX_WORDS);
    let mut reader = Reader::new(&words[..written]);
    assert_eq!(&V::read(&mut reader).expect("comes back"), value);
    assert_eq!(reader.finish(), Ok(()));
    let mut short = Reader::new(&words[..written.saturating_sub(1)]);
    if written > 0 {
        assert_eq!(
            V::read(&mut short).map(|_| ()),
            Err(Malformed),
            "one word less is not read"
        );
    }
}

proptest! {
    #[test]
    fn values_come_back(a: u64, b: i32, c: bool, d: Option<u8>, bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        round_trip(&(a, b, c, d));
        let bytes: Vec<u8, 40> = bytes.into_iter().collect();
        round_trip(&bytes);
        round_trip(&(bytes, a, [a, 2]));
        let notes = [a as u16, b as u16].into_iter().collect();
        round_trip(&(Encoded::<Report, 64>(Report { count: 3, notes }),));
    }

    #[test]
    fn any_message_gets_an_answer(
        which in 0usize..14,
        flip in 0u32..64,
        words in proptest::collection::vec(any::<u64>(), 0..120),
        capability in proptest::option::of(any::<u32>().prop_map(Slot)),
    ) {
        let label = drawer::LABELS.get(which).map_or(0, |l| l.bits()) ^ (1u64 << flip);
        let _ = raw(Label::from_bits(label), &words, capability);
        if let Some(label) = drawer::LABELS.get(which) {
            let _ = raw(*label, &words, capability);
        }
    }
}
