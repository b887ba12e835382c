//! Calls go there and back; whatever does not fit gets a clear answer on both sides, and no capability is lost.

use std::cell::RefCell;

use heapless::{String, Vec};
use isthmus_abi::label::Way;
use isthmus_abi::{Label, NotExecuted, Outcome, Unknown};
use isthmus_interface::loopback::{Capability, Handler, Loopback};
use isthmus_interface::{
    Answer, CallError, Disposition, Encoded, Malformed, Method, Outgoing, Reader, Request,
    Transport, Wire, Writer, error_codes, interface,
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

interface! {
    /// A drawer for a number, a text and a capability.
    pub interface Drawer as "drawer", client DrawerClient, error DrawerError {
        /// Puts a number in; returns the old one.
        0 => call put(number: u64) -> u64;
        /// Puts a text in.
        1 => call write(text: String<800>, at: u16);
        /// The text.
        2 => call read() -> String<800>;
        /// Puts a capability in.
        3 => call hide() takes capability;
        /// Takes the capability out; returns the number.
        4 => call find(minimum: u64) gives capability -> u64;
        /// Swaps it.
        5 => call swap(number: u64) takes capability gives capability;
        /// Empties it.
        6 => send clear(reason: u8);
        /// Tells about it.
        7 => call report() -> Encoded<Report, 64>;
    }
}

#[derive(Debug, Default)]
struct Inside {
    number: u64,
    text: String<800>,
    capability: Option<Capability>,
    badges: std::vec::Vec<u64>,
    cleared: u8,
    discarded: std::vec::Vec<Capability>,
}

impl Drawer for Inside {
    type Capability = Capability;

    fn put(&mut self, badge: u64, number: u64) -> Result<u64, DrawerError> {
        self.badges.push(badge);
        Ok(std::mem::replace(&mut self.number, number))
    }

    fn write(&mut self, _: u64, text: String<800>, at: u16) -> Result<(), DrawerError> {
        if usize::from(at) != self.text.len() {
            return Err(DrawerError::Full);
        }
        self.text.push_str(&text).map_err(|_| DrawerError::Full)
    }

    fn read(&mut self, _: u64) -> Result<String<800>, DrawerError> {
        Ok(self.text.clone())
    }

    fn hide(&mut self, _: u64, capability: Capability) -> Result<(), DrawerError> {
        self.capability = Some(capability);
        Ok(())
    }

    fn find(&mut self, _: u64, minimum: u64) -> Result<(u64, Capability), DrawerError> {
        if self.number < minimum {
            return Err(DrawerError::Empty);
        }
        self.capability
            .take()
            .map(|c| (self.number, c))
            .ok_or(DrawerError::Empty)
    }

    fn swap(
        &mut self,
        _: u64,
        number: u64,
        capability: Capability,
    ) -> Result<((), Capability), DrawerError> {
        self.number = number;
        self.capability
            .replace(capability)
            .map(|old| ((), old))
            .ok_or(DrawerError::Empty)
    }

    fn clear(&mut self, _: u64, reason: u8) {
        *self = Self {
            cleared: reason,
            ..Self::default()
        };
    }

    fn report(&mut self, _: u64) -> Result<Encoded<Report, 64>, DrawerError> {
        Ok(Encoded(Report {
            count: self.badges.len() as u32,
            notes: [1, 500].into_iter().collect(),
        }))
    }
}

#[derive(Default)]
struct Shell(RefCell<Inside>);

impl Handler for Shell {
    fn handle(
        &self,
        _: Capability,
        request: &mut Request<'_, Capability>,
        answer: &mut Answer<Capability>,
    ) -> Disposition {
        dispatch(&mut *self.0.borrow_mut(), request, answer)
    }

    fn discarded(&self, capability: Capability) {
        self.0.borrow_mut().discarded.push(capability);
    }
}

const NOT_THE_METHOD: Capability = 77;

#[test]
fn calls_go_there_and_back() {
    let transport = Loopback(Shell::default());
    let drawer = DrawerClient::new(&transport, 5);
    assert_eq!(drawer.put(42), Ok(0));
    assert_eq!(drawer.put(u64::MAX), Ok(42));
    assert_eq!(transport.0.0.borrow().badges, [5, 5]);
    let text: String<800> = "ü".repeat(400).as_str().try_into().unwrap();
    assert_eq!(drawer.write(text.clone(), 0), Ok(()));
    assert_eq!(drawer.read(), Ok(text.clone()));
    assert_eq!(
        drawer.write(text, 800),
        Err(CallError::Interface(DrawerError::Full))
    );
    assert_eq!(drawer.hide(9), Ok(()));
    assert_eq!(drawer.swap(10, 8), Ok(((), 9)));
    assert_eq!(
        drawer.find(11),
        Err(CallError::Interface(DrawerError::Empty))
    );
    assert_eq!(drawer.find(10), Ok((10, 8)));
    assert_eq!(
        drawer.report().unwrap().0,
        Report {
            count: 2,
            notes: [1, 500].into_iter().collect()
        }
    );
    assert_eq!(drawer.clear(3), Ok(()));
    assert_eq!(transport.0.0.borrow().cleared, 3);
    assert!(transport.0.0.borrow().discarded.is_empty());
}

/// What a raw message is answered with.
fn raw(
    label: Label,
    words: &[u64],
    capability: Option<Capability>,
) -> (Option<Outcome>, std::vec::Vec<Capability>) {
    let transport = Loopback(Shell::default());
    let mut buffer = [0; 120];
    let answer = transport.call(
        1,
        Outgoing {
            label,
            words,
            capability,
        },
        &mut buffer,
    );
    let outcome =
        Outcome::of_answer(answer.label, answer.words.first().copied().unwrap_or(0)).err();
    (outcome, transport.0.0.borrow().discarded.clone())
}

#[test]
fn a_server_says_what_is_wrong_with_a_message() {
    let put = method::put::LABEL;
    let not = |reason| Some(Outcome::NotExecuted(reason));
    assert_eq!(raw(put, &[1], None).0, None);
    assert_eq!(raw(put.traced(), &[1], None).0, None);
    assert_eq!(
        raw(put, &[], None).0,
        not(NotExecuted::BadArguments),
        "short"
    );
    assert_eq!(
        raw(put, &[1, 2], None).0,
        not(NotExecuted::BadArguments),
        "long"
    );
    assert_eq!(
        raw(put, &[1], Some(9)),
        (not(NotExecuted::UnexpectedCapability), vec![9])
    );
    assert_eq!(
        raw(method::hide::LABEL, &[], None).0,
        not(NotExecuted::MissingCapability)
    );
    assert_eq!(
        raw(method::hide::LABEL, &[1], Some(9)),
        (not(NotExecuted::BadArguments), vec![9])
    );
    let other = Label::method("drawer call put(number: u32) -> u64", 0, Way::Call);
    assert_eq!(raw(other, &[1], None).0, not(NotExecuted::VersionMismatch));
    let unknown = Label::method("drawer call burn()", 200, Way::Call);
    assert_eq!(
        raw(unknown, &[1], Some(9)),
        (not(NotExecuted::UnknownMethod), vec![9])
    );
    let clear = method::clear::LABEL;
    let called = Label::from_bits(clear.bits() & !(1 << 50));
    assert_eq!(raw(called, &[1], None).0, not(NotExecuted::WrongWay));
    assert_eq!(
        raw(Label::from_bits(16), &[1], None).0,
        not(NotExecuted::UnknownMethod)
    );
    assert_eq!(
        raw(method::write::LABEL, &[1000, 1], None).0,
        not(NotExecuted::BadArguments),
        "length says too much"
    );
    assert_eq!(
        raw(method::write::LABEL, &[1, 0x4100 | 0x41, 0], None).0,
        not(NotExecuted::BadArguments),
        "padding"
    );
    assert_eq!(
        raw(method::write::LABEL, &[1, 0xff, 0], None).0,
        not(NotExecuted::BadArguments),
        "not UTF-8"
    );
    assert_eq!(
        raw(method::write::LABEL, &[1, 0x41, 1 << 16], None).0,
        not(NotExecuted::BadArguments),
        "not 16 bits"
    );
}

/// A server that answers everything in one way.
fn answering(
    label: Label,
    words: &'static [u64],
    capability: Option<Capability>,
) -> Loopback<Fixed> {
    Loopback(Fixed {
        label,
        words,
        capability,
        discarded: RefCell::default(),
    })
}

struct Fixed {
    label: Label,
    words: &'static [u64],
    capability: Option<Capability>,
    discarded: RefCell<std::vec::Vec<Capability>>,
}

impl Handler for Fixed {
    fn handle(
        &self,
        _: Capability,
        _: &mut Request<'_, Capability>,
        answer: &mut Answer<Capability>,
    ) -> Disposition {
        answer.raw(self.label, self.words, self.capability);
        Disposition::Reply
    }

    fn discarded(&self, capability: Capability) {
        self.discarded.borrow_mut().push(capability);
    }
}

#[test]
fn a_client_reads_answers_with_suspicion() {
    let put = |label, words, capability| {
        let transport = answering(label, words, capability);
        let result = DrawerClient::new(&transport, 1).put(1);
        let discarded = transport.0.discarded.borrow().clone();
        (result, discarded)
    };
    let unknown = |reason| Err(CallError::Outcome(Outcome::Unknown(reason)));
    let not = |reason| Err(CallError::Outcome(Outcome::NotExecuted(reason)));
    assert_eq!(put(Label::REPLY, &[7], None).0, Ok(7));
    assert_eq!(put(Label::REPLY, &[], None).0, unknown(Unknown::BadReply));
    assert_eq!(
        put(Label::REPLY, &[1, 2], None).0,
        unknown(Unknown::BadReply)
    );
    assert_eq!(
        put(Label::REPLY, &[1, 2, 3, 4, 5], None).0,
        unknown(Unknown::BadReply)
    );
    assert_eq!(
        put(Label::REPLY_ERROR, &[1], None).0,
        Err(CallError::Interface(DrawerError::Empty))
    );
    assert_eq!(
        put(Label::REPLY_ERROR, &[99], None).0,
        unknown(Unknown::BadReply)
    );
    assert_eq!(
        put(Label::from_bits(600), &[1], None).0,
        unknown(Unknown::BadReply)
    );
    assert_eq!(
        put(Label::from_bits(2), &[], None).0,
        not(NotExecuted::NotAnEndpoint)
    );
    assert_eq!(
        put(Label::NOT_EXECUTED, &[8], None).0,
        not(NotExecuted::ComponentDied)
    );
    assert_eq!(
        put(Label::UNKNOWN, &[3], None).0,
        unknown(Unknown::PeerLost)
    );
    assert_eq!(
        put(Label::REPLY, &[7], Some(NOT_THE_METHOD)).1,
        [NOT_THE_METHOD]
    );

    let lost = |reason| Err(CallError::Outcome(Outcome::Unknown(reason)));
    let find = |label, words, capability| {
        let transport = answering(label, words, capability);
        let result = DrawerClient::new(&transport, 1).find(1);
        let discarded = transport.0.discarded.borrow().clone();
        (result, discarded)
    };
    assert_eq!(find(Label::REPLY, &[7], Some(3)), (Ok((7, 3)), vec![]));
    assert_eq!(find(Label::REPLY, &[7], None).0, lost(Unknown::BadReply));
    assert_eq!(
        find(Label::REPLY, &[], Some(3)),
        (lost(Unknown::BadReply), vec![3])
    );
    assert_eq!(
        find(Label::UNKNOWN, &[3], Some(3)),
        (lost(Unknown::PeerLost), vec![3])
    );
    let error = Err(CallError::Interface(DrawerError::Empty));
    assert_eq!(find(Label::REPLY_ERROR, &[1], Some(3)), (error, vec![3]));
}

#[test]
fn labels_stay() {
    let all = method::LABELS;
    for (i, label) in all.iter().enumerate() {
        assert_eq!(usize::from(label.ordinal()), i);
        assert!(all[..i].iter().all(|other| other.hash() != label.hash()));
    }
    assert_eq!(method::clear::LABEL.way(), Way::OneWay);
    let text = "drawer call find(minimum: u64) takes-not";
    assert_ne!(
        method::find::LABEL.hash(),
        Label::method(text, 4, Way::Call).hash()
    );
    let text = "drawer callfind(minimum:u64) gives capability -> u64 error DrawerError";
    assert_eq!(
        method::find::LABEL,
        Label::method(text, 4, Way::Call),
        "the text that is hashed is this one"
    );
    assert_eq!(method::find::NAME, "drawer.find");
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
        which in 0usize..9,
        flip in 0u32..64,
        words in proptest::collection::vec(any::<u64>(), 0..120),
        capability in proptest::option::of(any::<u32>()),
    ) {
        let label = method::LABELS.get(which).map_or(0, |l| l.bits()) ^ (1u64 << flip);
        let _ = raw(Label::from_bits(label), &words, capability);
        if let Some(label) = method::LABELS.get(which) {
            let _ = raw(*label, &words, capability);
        }
    }
}
