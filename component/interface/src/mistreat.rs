//! What a server must bear: for host tests of every interface.
//!
//! [`mistreat`] sends every kind of wrong message that a client can send, each in many forms, and checks what `docs/interfaces.md` says that the
//! answer is: no panic, the right reason, every unwanted capability deleted once.

use std::vec::Vec;

use isthmus_abi::label::Kind;
use isthmus_abi::{Label, NotExecuted, Outcome, Slot};

use crate::capability::Capability;
use crate::loopback::Ledger;
use crate::server::{Answer, Disposition, Request};
use crate::{Described, LONG, Passes, Size};

/// The capability that comes with messages.
const CAME: Slot = Slot(4711);
/// Bits of a label that hold the ordinal, the way and the hash.
const ONE_WAY_BIT: u32 = 50;
const ORDINAL_SHIFT: u32 = 40;
const HASH_BITS: u32 = 40;
/// Set in every method label.
const KERNEL_BIT: u32 = 19;

/// What became of a message.
struct Told {
    outcome: Option<Outcome>,
    disposition: Disposition,
    discarded: Vec<Slot>,
}

/// How a message comes with a capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum With {
    Nothing,
    Slot,
    Own,
}

/// Sends an interface's server, by its `dispatch`, every kind of wrong message. Answers how many there were.
///
/// # Panics
/// If the server answers one otherwise than it should, or loses a capability.
pub fn mistreat(
    methods: &[Described],
    mut dispatch: impl FnMut(&mut Request<'_>, &mut Answer) -> Disposition,
) -> usize {
    let mut count = 0;
    let mut tell = |label: Label, words: &[u64], with: With| {
        count += 1;
        let _ = Ledger::take_discarded();
        let capability = match with {
            With::Nothing => None,
            With::Slot => Some(Ledger::owned(CAME)),
            With::Own => Some(Capability::own(u64::from(CAME.0))),
        };
        let mut answer = Answer::new();
        let disposition = dispatch(
            &mut Request {
                label,
                words,
                badge: 1,
                capability,
                system: &Ledger,
            },
            &mut answer,
        );
        let word = answer.words().first().copied().unwrap_or(0);
        Told {
            outcome: Outcome::of_answer(answer.label(), word).err(),
            disposition,
            discarded: Ledger::take_discarded(),
        }
    };
    for method in methods {
        wrong_labels(methods, method, &mut tell);
        wrong_words(method, &mut tell);
        wrong_capabilities(method, &mut tell);
    }
    for label in [
        0,
        2,
        15,
        16,
        255,
        256,
        257,
        511,
        512,
        513,
        1023,
        1024,
        1 << 40,
    ] {
        let told = tell(Label::from_bits(label), &[1, 2], With::Slot);
        refused(
            &told,
            NotExecuted::UnknownMethod,
            With::Slot,
            "no method's label",
        );
    }
    count
}

#[track_caller]
fn refused(told: &Told, reason: NotExecuted, with: With, what: &str) {
    assert_eq!(told.outcome, Some(reason.into()), "{what}");
    let came = matches!(with, With::Slot).then_some(CAME);
    assert_eq!(
        told.discarded.first().copied(),
        came,
        "{what}: the capability"
    );
    assert!(told.discarded.len() <= 1, "{what}: deleted once");
}

fn wrong_labels(
    methods: &[Described],
    method: &Described,
    tell: &mut impl FnMut(Label, &[u64], With) -> Told,
) {
    let flipped = |bit: u32| Label::from_bits(method.label.bits() ^ (1 << bit));
    for bit in (0..HASH_BITS).filter(|bit| *bit != KERNEL_BIT) {
        let told = tell(flipped(bit), &[], With::Slot);
        refused(&told, NotExecuted::VersionMismatch, With::Slot, method.name);
    }
    for ordinal in 0..=u8::MAX {
        let mask = u64::from(method.label.ordinal() ^ ordinal) << ORDINAL_SHIFT;
        let label = Label::from_bits(method.label.bits() ^ mask);
        let reason = match methods.iter().find(|m| m.label.ordinal() == ordinal) {
            Some(other) if other.label == label => continue,
            Some(_) => NotExecuted::VersionMismatch,
            None => NotExecuted::UnknownMethod,
        };
        refused(
            &tell(label, &[], With::Nothing),
            reason,
            With::Nothing,
            method.name,
        );
    }
    let other_way = flipped(ONE_WAY_BIT);
    let told = tell(other_way, &[], With::Slot);
    refused(&told, NotExecuted::WrongWay, With::Slot, method.name);
    assert_eq!(
        told.disposition,
        Disposition::of(other_way),
        "{}",
        method.name
    );
}

fn wrong_words(method: &Described, tell: &mut impl FnMut(Label, &[u64], With) -> Told) {
    let with = match method.takes {
        Passes::Nothing | Passes::Optional => With::Nothing,
        Passes::Capability => With::Slot,
    };
    // One word more than there can be is always one too many.
    let most = match method.arguments {
        Size::Words(words) => words,
        Size::Unknown => LONG,
    };
    for length in most + 1..=LONG {
        let told = tell(method.label, &[0; LONG][..length], with);
        // What has a length in front may be malformed in other ways first; the reason is the same.
        refused(&told, NotExecuted::BadArguments, with, method.name);
    }
    for length in 0..=LONG {
        for pattern in [0, 1, 7, 64, 255, 1 << 20, 1 << 32, u64::MAX] {
            let words: [u64; LONG] = core::array::from_fn(|i| pattern.wrapping_mul(i as u64 + 1));
            // Some of these are right; whatever it says, it says it in one way, and loses nothing twice.
            let told = tell(method.label, &words[..length], with);
            match told.outcome {
                // Nobody is told, or not yet.
                _ if told.disposition == Disposition::Nothing => {}
                None => {}
                Some(Outcome::NotExecuted(reason)) => {
                    assert!(reason.may_come_from_server(), "{}: {reason}", method.name);
                }
                Some(Outcome::Unknown(reason)) => panic!("{}: {reason}", method.name),
            }
            assert!(told.discarded.iter().filter(|slot| **slot == CAME).count() <= 1);
        }
    }
}

fn wrong_capabilities(method: &Described, tell: &mut impl FnMut(Label, &[u64], With) -> Told) {
    assert_eq!(method.label.kind(), Kind::Method);
    match method.takes {
        Passes::Nothing => {
            for with in [With::Slot, With::Own] {
                let told = tell(method.label, &[], with);
                refused(&told, NotExecuted::UnexpectedCapability, with, method.name);
            }
        }
        Passes::Capability => {
            let told = tell(method.label, &[], With::Nothing);
            refused(
                &told,
                NotExecuted::MissingCapability,
                With::Nothing,
                method.name,
            );
        }
        Passes::Optional => {}
    }
}
