//! A legal frame of each kind, with any content.

use fastrand::Rng;
use isthmus_abi::{NotExecuted, Unknown};
use netipc_wire::handshake::{Cookie, EXTENSION_MAX, Versions};
use netipc_wire::{
    BootId, Capability, ClusterId, Descriptor, FRAME_LENGTH_MAX, Grant, Kind, Message, NodeId,
    Nonce, Order, Sequence, SessionId, SlotIndex, Verdict, WORDS_MAX, Way, Words, bulk, cancel,
    grant, handshake, rekey, reply, request, slot, view,
};

/// What a frame is to be about: small numbers of things that there are, so that some frames fit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About {
    pub(crate) session: SessionId,
    pub(crate) key: u32,
    pub(crate) number: u64,
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    pub(crate) cluster: ClusterId,
}

impl About {
    /// Nothing in particular.
    pub(crate) fn anything(rng: &mut Rng) -> Self {
        Self {
            session: SessionId(rng.u64(1..)),
            key: small(rng) as u32,
            number: small(rng),
            from: NodeId(rng.u8(1..4)),
            to: NodeId(rng.u8(1..4)),
            cluster: ClusterId(rng.u64(..)),
        }
    }
}

/// Mostly a small number, sometimes any.
fn small(rng: &mut Rng) -> u64 {
    match rng.u8(..8) {
        0 => rng.u64(..),
        1 => u64::MAX - rng.u64(..3),
        _ => rng.u64(..6),
    }
}

fn descriptor(rng: &mut Rng) -> Descriptor {
    Descriptor {
        index: (small(rng) as u32).max(1),
        generation: small(rng).max(1),
    }
}

fn target(rng: &mut Rng) -> Descriptor {
    match rng.bool() {
        true => Descriptor::BOOTSTRAP,
        false => descriptor(rng),
    }
}

fn capability(rng: &mut Rng) -> Option<Capability> {
    match rng.u8(..4) {
        0 => Some(Capability::Mine(descriptor(rng))),
        1 => Some(Capability::Yours(descriptor(rng))),
        2 => Some(Capability::Granted(NodeId(rng.u8(1..5)), name(rng))),
        _ => None,
    }
}

fn name(rng: &mut Rng) -> Grant {
    Grant(u128::from(small(rng)))
}

fn reason(rng: &mut Rng) -> NotExecuted {
    NotExecuted::ALL[rng.usize(..NotExecuted::ALL.len())]
}

fn about_slot(rng: &mut Rng) -> slot::Repr {
    slot::Repr {
        slot: SlotIndex(small(rng) as u16),
        sequence: Sequence(small(rng).max(1)),
    }
}

fn identity(rng: &mut Rng) -> (BootId, Nonce) {
    (BootId(small(rng)), Nonce(small(rng)))
}

fn versions(rng: &mut Rng) -> Versions {
    let (one, other) = (rng.u8(..4), rng.u8(..4));
    Versions::new(one.min(other), one.max(other)).unwrap_or(Versions::OURS)
}

fn greeting<'a>(rng: &mut Rng, about: &About, extension: &'a [u8]) -> handshake::Repr<'a> {
    handshake::Repr {
        versions: versions(rng),
        from: about.from,
        to: about.to,
        slots: (small(rng) as u16).max(1),
        cluster: about.cluster,
        identity: identity(rng),
        echo: identity(rng),
        cookie: cookie(rng),
        extension,
    }
}

fn cookie(rng: &mut Rng) -> Cookie {
    match rng.bool() {
        true => Cookie::NONE,
        false => Cookie(rng.u128(..).to_le_bytes()),
    }
}

fn refusal(rng: &mut Rng, about: &About) -> handshake::Refuse {
    handshake::Refuse {
        versions: versions(rng),
        from: about.from,
        to: about.to,
        cluster: about.cluster,
        echo: identity(rng),
    }
}

fn loan(rng: &mut Rng) -> bulk::Loan {
    let accesses = [
        bulk::Access::Read,
        bulk::Access::Write,
        bulk::Access::ReadWrite,
    ];
    bulk::Loan {
        length: range(rng).length,
        access: accesses[rng.usize(..3)],
    }
}

/// Some bytes of a loan, mostly few.
fn range(rng: &mut Rng) -> bulk::Range {
    let bytes = |rng: &mut Rng| match rng.u8(..4) {
        0 => rng.u64(..bulk::LOAN_MAX),
        _ => rng.u64(..10_000),
    };
    bulk::Range {
        offset: bytes(rng),
        length: bytes(rng) + 1,
    }
}

fn transfer(rng: &mut Rng, direction: Option<bulk::Direction>) -> bulk::About {
    let called = about_slot(rng);
    let either = match rng.bool() {
        true => bulk::Direction::Fetch,
        false => bulk::Direction::Store,
    };
    bulk::About {
        slot: called.slot,
        sequence: called.sequence,
        direction: direction.unwrap_or(either),
        number: (small(rng) as u32).max(1),
    }
}

fn want(rng: &mut Rng) -> bulk::Want {
    let range = range(rng);
    let first = match rng.bool() {
        true => 0,
        false => rng.u32(..range.chunks()),
    };
    let room = range.chunks() - first;
    let mask = 1_u64.checked_shl(room).map_or(u64::MAX, |bit| bit - 1);
    bulk::Want {
        about: transfer(rng, None),
        range,
        first,
        chunks: rng.u64(..) & mask,
    }
}

/// A legal frame of a kind; its tag is zeroes.
pub(crate) fn frame(rng: &mut Rng, kind: Kind, about: &About) -> Vec<u8> {
    let mut words = [0; WORDS_MAX];
    let count = match rng.u8(..8) {
        0 => WORDS_MAX,
        1 => rng.usize(..=WORDS_MAX),
        _ => rng.usize(..5),
    };
    words.iter_mut().for_each(|word| *word = rng.u64(..));
    let words = Words::new(&words[..count]).unwrap_or(Words::EMPTY);
    let mut extension = [0; EXTENSION_MAX];
    rng.fill(&mut extension);
    let extension = &extension[..rng.usize(..=EXTENSION_MAX)];
    let mut said = [0; view::LENGTH_MAX];
    rng.fill(&mut said);
    let said = match rng.u8(..4) {
        0 => &said[..],
        _ => &said[..rng.usize(1..200)],
    };
    let mut chunk = [0; bulk::CHUNK];
    rng.fill(&mut chunk);
    let exchange = |rng: &mut Rng| rekey::Repr {
        key: (small(rng) as u32).max(1),
        message: extension,
    };
    let message = match kind {
        Kind::Hello => Message::Hello(greeting(rng, about, extension)),
        Kind::HelloAck => Message::HelloAck(greeting(rng, about, extension)),
        Kind::HelloRefuse => Message::HelloRefuse(refusal(rng, about)),
        Kind::HelloCookie => Message::HelloCookie(handshake::CookieRepr {
            about: refusal(rng, about),
            cookie: cookie(rng),
        }),
        Kind::Ping => Message::Ping(small(rng)),
        Kind::Pong => Message::Pong(small(rng)),
        Kind::Rekey => Message::Rekey(exchange(rng)),
        Kind::RekeyAck => Message::RekeyAck(exchange(rng)),
        Kind::Request | Kind::OneWay => {
            let way = match kind {
                Kind::OneWay => Way::OneWay,
                _ => Way::Call,
            };
            let called = about_slot(rng);
            Message::Request(
                way,
                request::Repr {
                    slot: called.slot,
                    sequence: called.sequence,
                    target: target(rng),
                    capability: match rng.u8(..8) {
                        0 => Some(Capability::Lent(loan(rng))),
                        _ => capability(rng),
                    },
                    order: Order(small(rng)),
                    budget_us: rng.u32(..),
                    label: rng.u64(..),
                    words,
                },
            )
        }
        Kind::Ack => Message::Ack(about_slot(rng)),
        Kind::Reply => {
            let called = about_slot(rng);
            Message::Reply(reply::Repr {
                slot: called.slot,
                sequence: called.sequence,
                capability: capability(rng),
                label: rng.u64(..),
                words,
            })
        }
        Kind::Refuse => Message::Refuse(about_slot(rng), reason(rng)),
        Kind::Fail => {
            let reason = Unknown::ALL[rng.usize(..Unknown::ALL.len())];
            Message::Fail(about_slot(rng), reason)
        }
        Kind::Cancel => {
            let called = about_slot(rng);
            Message::Cancel(cancel::Repr {
                slot: called.slot,
                sequence: called.sequence,
                target: target(rng),
                order: Order(small(rng)),
            })
        }
        Kind::CancelAnswer => {
            let verdicts = [Verdict::NeverRan, Verdict::Ran, Verdict::Running];
            Message::CancelAnswer(about_slot(rng), verdicts[rng.usize(..3)])
        }
        Kind::Release => Message::Release(descriptor(rng)),
        Kind::ReleaseAck => Message::ReleaseAck(descriptor(rng)),
        Kind::Revoke => Message::Revoke(descriptor(rng)),
        Kind::RevokeAck => Message::RevokeAck(descriptor(rng)),
        Kind::GrantAsk => Message::GrantAsk(grant::Ask {
            number: small(rng),
            export: descriptor(rng),
            to: NodeId(rng.u8(..5)),
            session: SessionId(small(rng)),
        }),
        Kind::Grant => Message::Grant(small(rng), name(rng)),
        Kind::GrantRefuse => Message::GrantRefuse(small(rng), reason(rng)),
        Kind::Offer => Message::Offer(grant::Offer {
            export: descriptor(rng),
            grant: name(rng),
            introducer: NodeId(rng.u8(..5)),
            session: SessionId(small(rng)),
        }),
        Kind::OfferAck => Message::OfferAck(descriptor(rng)),
        Kind::OfferRefuse => Message::OfferRefuse(descriptor(rng), reason(rng)),
        Kind::View => Message::View(view::Repr { said }),
        Kind::Want => Message::Want(want(rng)),
        Kind::Data => Message::Data(bulk::Data {
            about: transfer(rng, None),
            chunk: small(rng) as u32,
            bytes: &chunk[..rng.usize(1..=bulk::CHUNK)],
        }),
        Kind::Store => Message::Store(transfer(rng, Some(bulk::Direction::Store)), range(rng)),
        Kind::Stored => Message::Stored(transfer(rng, Some(bulk::Direction::Store))),
        Kind::BulkRefuse => {
            let reasons = [
                bulk::Refusal::Over,
                bulk::Refusal::NotPermitted,
                bulk::Refusal::OutOfRange,
            ];
            Message::BulkRefuse(transfer(rng, None), reasons[rng.usize(..3)])
        }
    };
    let session = match kind.is_handshake() {
        true => SessionId::NONE,
        false => about.session,
    };
    let mut buffer = [0; FRAME_LENGTH_MAX];
    let frame = message.emit(session, about.key, about.number, &mut buffer);
    frame.map_or_else(Vec::new, |frame| frame.to_vec())
}
