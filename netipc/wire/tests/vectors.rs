//! One frame of each kind, as `docs/netipc-frames.md` shows it to whoever writes another implementation.

use std::fmt::Write as _;
use std::path::Path;

use isthmus_abi::{NotExecuted, Unknown};
use netipc_wire::bulk::{About, Access, Data, Direction, Loan, Range, Refusal, Want};
use netipc_wire::handshake::{Cookie, CookieRepr, Refuse, Versions};
use netipc_wire::{
    BootId, Capability, ClusterId, Descriptor, FRAME_LENGTH_MAX, Grant, Kind, Message, NodeId,
    Nonce, Order, Sequence, SessionId, SlotIndex, TAG_LENGTH, Verdict, Way, Words, cancel, grant,
    handshake, rekey, reply, request, slot, view,
};

const EXPORT: Descriptor = Descriptor {
    index: 5,
    generation: 6,
};
const SLOT: SlotIndex = SlotIndex(2);
const SEQUENCE: Sequence = Sequence(7);
const SESSION: SessionId = SessionId(0x1122_3344_5566_7788);
const OTHER_SESSION: SessionId = SessionId(0x99aa_bbcc_ddee_ff00);
const GRANT: Grant = Grant(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);
const IDENTITY: (BootId, Nonce) = (BootId(0xb007), Nonce(0x1ce));
const RANGE: Range = Range {
    offset: 4096,
    length: 3000,
};

fn hello(echo: (BootId, Nonce), cookie: Cookie) -> handshake::Repr<'static> {
    handshake::Repr {
        versions: Versions::OURS,
        from: NodeId(1),
        to: NodeId(2),
        slots: 32,
        cluster: ClusterId(0xc1),
        identity: IDENTITY,
        echo,
        cookie,
        extension: &[0xe0, 0xe1, 0xe2],
    }
}

const REFUSE: Refuse = Refuse {
    versions: Versions::OURS,
    from: NodeId(2),
    to: NodeId(1),
    cluster: ClusterId(0xc1),
    echo: IDENTITY,
};

const fn about(direction: Direction) -> About {
    About {
        slot: SLOT,
        sequence: SEQUENCE,
        direction,
        number: 4,
    }
}

/// One of each kind.
fn messages() -> Vec<Message<'static>> {
    let about_slot = slot::Repr {
        slot: SLOT,
        sequence: SEQUENCE,
    };
    let request = |capability| request::Repr {
        slot: SLOT,
        sequence: SEQUENCE,
        target: EXPORT,
        capability,
        order: Order(3),
        budget_us: 4_000_000,
        label: 0x1234,
        words: Words::new(&[0xaaaa, 0xbbbb]).expect("two"),
    };
    let lent = Capability::Lent(Loan {
        length: 65536,
        access: Access::ReadWrite,
    });
    let rekey = rekey::Repr {
        key: 4,
        message: &[0xf0, 0xf1],
    };
    vec![
        Message::Hello(hello(handshake::Repr::NO_ECHO, Cookie([0xcc; 16]))),
        Message::HelloAck(hello((BootId(0xb008), Nonce(0x2ce)), Cookie::NONE)),
        Message::HelloRefuse(REFUSE),
        Message::Ping(0x77),
        Message::Pong(0x77),
        Message::Rekey(rekey),
        Message::RekeyAck(rekey),
        Message::Request(Way::Call, request(Some(Capability::Mine(EXPORT)))),
        Message::Request(Way::OneWay, request(Some(lent))),
        Message::Ack(about_slot),
        Message::Reply(reply::Repr {
            slot: SLOT,
            sequence: SEQUENCE,
            capability: Some(Capability::Granted(NodeId(3), GRANT)),
            label: 1,
            words: Words::new(&[0xcccc]).expect("one"),
        }),
        Message::Refuse(about_slot, NotExecuted::Revoked),
        Message::Fail(about_slot, Unknown::ComponentDied),
        Message::Cancel(cancel::Repr {
            slot: SLOT,
            sequence: SEQUENCE,
            target: EXPORT,
            order: Order(3),
        }),
        Message::CancelAnswer(about_slot, Verdict::Running),
        Message::Release(EXPORT),
        Message::ReleaseAck(EXPORT),
        Message::HelloCookie(CookieRepr {
            about: REFUSE,
            cookie: Cookie([0xcc; 16]),
        }),
        Message::Revoke(EXPORT),
        Message::RevokeAck(EXPORT),
        Message::GrantAsk(grant::Ask {
            number: 8,
            export: EXPORT,
            to: NodeId(3),
            session: OTHER_SESSION,
        }),
        Message::Grant(8, GRANT),
        Message::GrantRefuse(8, NotExecuted::NotPermitted),
        Message::Offer(grant::Offer {
            export: EXPORT,
            grant: GRANT,
            introducer: NodeId(2),
            session: OTHER_SESSION,
        }),
        Message::OfferAck(EXPORT),
        Message::OfferRefuse(EXPORT, NotExecuted::Overload),
        Message::View(view::Repr {
            said: &[0xd0, 0xd1, 0xd2],
        }),
        Message::Want(Want {
            about: about(Direction::Fetch),
            range: RANGE,
            first: 1,
            chunks: 0b11,
        }),
        Message::Data(Data {
            about: about(Direction::Fetch),
            chunk: 2,
            bytes: &[1, 2, 3, 4, 5],
        }),
        Message::Store(about(Direction::Store), RANGE),
        Message::Stored(about(Direction::Store)),
        Message::BulkRefuse(about(Direction::Store), Refusal::OutOfRange),
    ]
}

fn vectors() -> String {
    let mut text = String::new();
    for message in messages() {
        let (session, key) = match message.kind().is_handshake() {
            true => (SessionId::NONE, 0),
            false => (SESSION, 3),
        };
        let mut buffer = [0; FRAME_LENGTH_MAX];
        let frame = message.emit(session, key, 9, &mut buffer).expect("it fits");
        let shown = &frame[..frame.len() - TAG_LENGTH];
        writeln!(text, "{:?}", message.kind()).expect("text");
        for line in shown.chunks(32) {
            let words: Vec<String> = line
                .chunks(8)
                .map(|eight| eight.iter().map(|byte| format!("{byte:02x}")).collect())
                .collect();
            writeln!(text, "    {}", words.join(" ")).expect("text");
        }
    }
    text
}

#[test]
fn every_kind_is_shown() {
    let shown: Vec<Kind> = messages().iter().map(Message::kind).collect();
    assert_eq!(shown, Kind::ALL, "in the order of their numbers");
}

#[test]
fn the_page_shows_the_frames_that_are_written() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/netipc-frames.md");
    let text = std::fs::read_to_string(&page).expect("the page");
    let (before, rest) = text.split_once("```text\n").expect("a block of text");
    let (shown, after) = rest.split_once("```").expect("its end");
    let vectors = vectors();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&page, format!("{before}```text\n{vectors}```{after}")).expect("written");
    } else {
        assert!(shown == vectors, "BLESS=1 writes the page anew");
    }
}
