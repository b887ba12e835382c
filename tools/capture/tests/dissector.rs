//! Wireshark's own reader, with `tools/wireshark/netipc.lua`, finds in a frame of each kind, and in each datagram about keys, what was written into it.
//!
//! It takes `tshark`, so `cargo test` leaves it out: `./isthmus test dissector` installs that and runs it.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use isthmus_abi::{NotExecuted, Unknown};
use netipc_crypto::{ClusterKeys, Noise, Secret, Urgency, update};
use netipc_protocol::{Cipher, NodeId, Transparent};
use netipc_wire::frame::Packet;
use netipc_wire::handshake::{Cookie, Versions};
use netipc_wire::{
    BootId, Capability, ClusterId, Descriptor, FRAME_LENGTH_MAX, Grant, Kind, Message, Nonce,
    Order, Sequence, SessionId, SlotIndex, Verdict, Way, Words, bulk, cancel, grant, handshake,
    rekey, reply, request, slot, view,
};
use network_interface::NETIPC_PORT;
use pcap_file::pcap::{PcapPacket, PcapWriter};

/// What a field must say: names without the leading `netipc.`, values as tshark prints them, in order.
type Fields = BTreeMap<&'static str, Vec<String>>;

const EXPORT: Descriptor = Descriptor {
    index: 0x0102_0304,
    generation: 0x1112_1314_1516_1718,
};
const GRANT: Grant = Grant(0x000f_0e0d_0c0b_0a09_0807_0605_0403_0201);
const WORDS: [u64; 2] = [0xdead, 0xbeef_0000_0000_0001];
const EXTENSION: &[u8] = &[0xa1, 0xa2, 0xa3];
const SLOT: slot::Repr = slot::Repr {
    slot: SlotIndex(0x2122),
    sequence: Sequence(0x3132_3334),
};

fn decimal(value: impl Into<u64>) -> Vec<String> {
    vec![value.into().to_string()]
}

fn hexadecimal(value: u64) -> Vec<String> {
    vec![format!("0x{value:016x}")]
}

fn bytes(value: &[u8]) -> Vec<String> {
    vec![value.iter().map(|byte| format!("{byte:02x}")).collect()]
}

fn export() -> Fields {
    Fields::from([
        ("export.index", decimal(EXPORT.index)),
        ("export.generation", decimal(EXPORT.generation)),
    ])
}

fn about_slot() -> Fields {
    Fields::from([
        ("slot", decimal(SLOT.slot.0)),
        ("sequence", decimal(SLOT.sequence.0)),
    ])
}

fn with(fields: Fields, more: impl IntoIterator<Item = (&'static str, Vec<String>)>) -> Fields {
    fields.into_iter().chain(more).collect()
}

fn greeting() -> (handshake::Repr<'static>, Fields) {
    let repr = handshake::Repr {
        versions: Versions::new(1, 3).expect("a range"),
        from: NodeId(4),
        to: NodeId(5),
        slots: 6,
        cluster: ClusterId(7),
        identity: (BootId(8), Nonce(9)),
        echo: (BootId(10), Nonce(11)),
        cookie: Cookie(*b"0123456789abcdef"),
        extension: EXTENSION,
    };
    let fields = Fields::from([
        ("versions.low", decimal(1u8)),
        ("versions.high", decimal(3u8)),
        ("from", decimal(4u8)),
        ("to", decimal(5u8)),
        ("slots", decimal(6u8)),
        ("extension.length", decimal(EXTENSION.len() as u64)),
        ("cluster", hexadecimal(7)),
        ("boot", hexadecimal(8)),
        ("nonce", hexadecimal(9)),
        ("echo.boot", hexadecimal(10)),
        ("echo.nonce", hexadecimal(11)),
        ("cookie", bytes(b"0123456789abcdef")),
        ("extension", bytes(EXTENSION)),
    ]);
    (repr, fields)
}

fn refusal() -> (handshake::Refuse, Fields) {
    let (greeting, mut fields) = greeting();
    for absent in [
        "slots",
        "extension.length",
        "boot",
        "nonce",
        "cookie",
        "extension",
    ] {
        fields.remove(absent);
    }
    let refuse = handshake::Refuse {
        versions: greeting.versions,
        from: greeting.from,
        to: greeting.to,
        cluster: greeting.cluster,
        echo: greeting.echo,
    };
    (refuse, with(fields, [("reserved", bytes(&[0; 4]))]))
}

fn rekeying() -> (rekey::Repr<'static>, Fields) {
    let repr = rekey::Repr {
        key: 77,
        message: EXTENSION,
    };
    let fields = Fields::from([
        ("newkey", decimal(77u8)),
        ("extension.length", decimal(EXTENSION.len() as u64)),
        ("reserved", bytes(&[0; 2])),
        ("extension", bytes(EXTENSION)),
    ]);
    (repr, fields)
}

fn words() -> Vec<String> {
    WORDS.iter().flat_map(|word| hexadecimal(*word)).collect()
}

fn request(capability: Option<Capability>) -> (request::Repr<'static>, Fields) {
    let repr = request::Repr {
        slot: SLOT.slot,
        sequence: SLOT.sequence,
        target: EXPORT,
        capability,
        order: Order(41),
        budget_us: 42,
        label: 43,
        words: Words::new(&WORDS).expect("few"),
    };
    let fields = [
        ("count", decimal(WORDS.len() as u64)),
        ("order", decimal(41u8)),
        ("budget", decimal(42u8)),
        ("label", hexadecimal(43)),
        ("word", words()),
    ];
    let fields = with(with(about_slot(), export()), fields);
    (repr, with(fields, passed(capability, Vec::new())))
}

/// A capability's fields; what is reserved beside it comes before.
fn passed(capability: Option<Capability>, mut reserved: Vec<String>) -> Fields {
    reserved.extend(bytes(&[0; 2]));
    let (kind, node) = match capability {
        None => (0u8, 0u8),
        Some(Capability::Mine(_)) => (1, 0),
        Some(Capability::Yours(_)) => (2, 0),
        Some(Capability::Granted(node, _)) => (3, node.0),
        Some(Capability::Lent(_)) => (4, 0),
    };
    let mut fields = Fields::from([
        ("capability.kind", decimal(kind)),
        ("capability.node", decimal(node)),
    ]);
    match capability {
        Some(Capability::Mine(export) | Capability::Yours(export)) => {
            fields.insert("capability.index", decimal(export.index));
            fields.insert("capability.generation", decimal(export.generation));
            reserved.extend(bytes(&[0; 4]));
        }
        Some(Capability::Granted(_, grant)) => {
            fields.insert("grant", bytes(&grant.0.to_le_bytes()));
        }
        Some(Capability::Lent(loan)) => {
            fields.insert("loan.length", decimal(loan.length));
            fields.insert("loan.access", decimal(loan.access.code()));
        }
        None => {
            fields.insert("grant", bytes(&[0; 16]));
        }
    }
    fields.insert("reserved", reserved);
    fields
}

fn reply(capability: Option<Capability>) -> (reply::Repr<'static>, Fields) {
    let repr = reply::Repr {
        slot: SLOT.slot,
        sequence: SLOT.sequence,
        capability,
        label: 43,
        words: Words::new(&WORDS).expect("few"),
    };
    let fields = [
        ("count", decimal(WORDS.len() as u64)),
        ("label", hexadecimal(43)),
        ("word", words()),
    ];
    let fields = with(about_slot(), fields);
    (repr, with(fields, passed(capability, bytes(&[0; 4]))))
}

const TRANSFER: bulk::About = bulk::About {
    slot: SLOT.slot,
    sequence: SLOT.sequence,
    direction: bulk::Direction::Store,
    number: 71,
};
const RANGE: bulk::Range = bulk::Range {
    offset: 0x1_0000,
    length: 0x2_0000,
};
const CHUNK: &[u8] = &[0xb1, 0xb2, 0xb3];

/// Which transfer a frame is about; what is reserved after that comes after it.
fn transfer(reserved: &[usize]) -> Fields {
    let reserved = [1].iter().chain(reserved);
    let reserved = reserved.flat_map(|length| bytes(&vec![0; *length]));
    let fields = [
        ("direction", decimal(2u8)),
        ("transfer", decimal(71u8)),
        ("reserved", reserved.collect()),
    ];
    with(about_slot(), fields)
}

fn range() -> [(&'static str, Vec<String>); 2] {
    [
        ("range.offset", decimal(RANGE.offset)),
        ("range.length", decimal(RANGE.length)),
    ]
}

/// A message of a kind, and its fields.
fn sample(kind: Kind) -> (Message<'static>, Fields) {
    let (reason, failure) = (NotExecuted::Revoked, Unknown::PeerLost);
    let reserved = |lengths: &[usize]| {
        let all: Vec<String> = lengths
            .iter()
            .flat_map(|length| bytes(&vec![0; *length]))
            .collect();
        ("reserved", all)
    };
    let said = |fields: Fields, name, value: u16| with(fields, [(name, decimal(value))]);
    match kind {
        Kind::Hello => (Message::Hello(greeting().0), greeting().1),
        Kind::HelloAck => (Message::HelloAck(greeting().0), greeting().1),
        Kind::HelloRefuse => (Message::HelloRefuse(refusal().0), refusal().1),
        Kind::HelloCookie => {
            let cookie = handshake::CookieRepr {
                about: refusal().0,
                cookie: greeting().0.cookie,
            };
            let shown = ("cookie", bytes(b"0123456789abcdef"));
            (Message::HelloCookie(cookie), with(refusal().1, [shown]))
        }
        Kind::Ping => (Message::Ping(5), Fields::from([("token", decimal(5u8))])),
        Kind::Pong => (Message::Pong(6), Fields::from([("token", decimal(6u8))])),
        Kind::Rekey => (Message::Rekey(rekeying().0), rekeying().1),
        Kind::RekeyAck => (Message::RekeyAck(rekeying().0), rekeying().1),
        Kind::Request => {
            let (repr, fields) = request(Some(Capability::Mine(EXPORT)));
            (Message::Request(Way::Call, repr), fields)
        }
        Kind::OneWay => {
            let (repr, fields) = request(Some(Capability::Lent(bulk::Loan {
                length: 0x0102_0304,
                access: bulk::Access::ReadWrite,
            })));
            (Message::Request(Way::OneWay, repr), fields)
        }
        Kind::Reply => {
            let (repr, fields) = reply(Some(Capability::Granted(NodeId(3), GRANT)));
            (Message::Reply(repr), fields)
        }
        Kind::Ack => (Message::Ack(SLOT), with(about_slot(), [reserved(&[2, 4])])),
        Kind::Refuse => {
            let fields = said(about_slot(), "reason", reason.code());
            (
                Message::Refuse(SLOT, reason),
                with(fields, [reserved(&[4])]),
            )
        }
        Kind::Fail => {
            let fields = said(about_slot(), "reason", failure.code());
            (Message::Fail(SLOT, failure), with(fields, [reserved(&[4])]))
        }
        Kind::CancelAnswer => {
            let fields = said(about_slot(), "verdict", Verdict::Running.code());
            let message = Message::CancelAnswer(SLOT, Verdict::Running);
            (message, with(fields, [reserved(&[4])]))
        }
        Kind::Cancel => {
            let repr = cancel::Repr {
                slot: SLOT.slot,
                sequence: SLOT.sequence,
                target: EXPORT,
                order: Order(51),
            };
            let fields = [("order", decimal(51u8)), reserved(&[6])];
            (
                Message::Cancel(repr),
                with(with(about_slot(), export()), fields),
            )
        }
        Kind::Release => (Message::Release(EXPORT), export()),
        Kind::ReleaseAck => (Message::ReleaseAck(EXPORT), export()),
        Kind::Revoke => (Message::Revoke(EXPORT), export()),
        Kind::RevokeAck => (Message::RevokeAck(EXPORT), export()),
        Kind::OfferAck => (Message::OfferAck(EXPORT), export()),
        Kind::GrantAsk => {
            let ask = grant::Ask {
                number: 61,
                export: EXPORT,
                to: NodeId(6),
                session: SessionId(62),
            };
            let fields = [
                ("question", decimal(61u8)),
                ("receiver", decimal(6u8)),
                ("named.session", hexadecimal(62)),
                reserved(&[3]),
            ];
            (Message::GrantAsk(ask), with(export(), fields))
        }
        Kind::Grant => {
            let name = ("grant", bytes(&GRANT.0.to_le_bytes()));
            let fields = Fields::from([("question", decimal(63u8)), name]);
            (Message::Grant(63, GRANT), fields)
        }
        Kind::GrantRefuse => {
            let fields = said(Fields::from([reserved(&[2])]), "reason", reason.code());
            let fields = with(fields, [("question", decimal(64u8))]);
            (Message::GrantRefuse(64, reason), fields)
        }
        Kind::Offer => {
            let offer = grant::Offer {
                export: EXPORT,
                grant: GRANT,
                introducer: NodeId(7),
                session: SessionId(65),
            };
            let fields = [
                ("grant", bytes(&GRANT.0.to_le_bytes())),
                ("introducer", decimal(7u8)),
                ("named.session", hexadecimal(65)),
                reserved(&[3]),
            ];
            (Message::Offer(offer), with(export(), fields))
        }
        Kind::OfferRefuse => {
            let fields = said(export(), "reason", reason.code());
            let message = Message::OfferRefuse(EXPORT, reason);
            (message, with(fields, [reserved(&[2])]))
        }
        Kind::View => {
            let fields = [
                ("view.length", decimal(EXTENSION.len() as u64)),
                reserved(&[2]),
                ("view", bytes(EXTENSION)),
            ];
            let repr = view::Repr { said: EXTENSION };
            (Message::View(repr), Fields::from(fields))
        }
        Kind::Want => {
            let want = bulk::Want {
                about: TRANSFER,
                range: RANGE,
                first: 3,
                chunks: 0b101,
            };
            let fields = [("first", decimal(3u8)), ("chunks", hexadecimal(0b101))];
            (
                Message::Want(want),
                with(with(transfer(&[4]), range()), fields),
            )
        }
        Kind::Data => {
            let data = bulk::Data {
                about: TRANSFER,
                chunk: 72,
                bytes: CHUNK,
            };
            let fields = [
                ("chunk", decimal(72u8)),
                ("chunk.length", decimal(CHUNK.len() as u64)),
                ("chunk.bytes", bytes(CHUNK)),
            ];
            (Message::Data(data), with(transfer(&[2]), fields))
        }
        Kind::Store => (
            Message::Store(TRANSFER, RANGE),
            with(transfer(&[]), range()),
        ),
        Kind::Stored => (Message::Stored(TRANSFER), transfer(&[])),
        Kind::BulkRefuse => {
            let reason = bulk::Refusal::OutOfRange;
            let refusal = ("refusal", decimal(reason.code()));
            let message = Message::BulkRefuse(TRANSFER, reason);
            (message, with(transfer(&[6]), [refusal]))
        }
    }
}

/// A frame as with encryption off, in an Ethernet frame, and all its fields.
fn frame(kind: Kind) -> (Vec<u8>, Fields) {
    let (message, fields) = sample(kind);
    let session = match kind.is_handshake() {
        true => SessionId::NONE,
        false => SessionId(0x5e55),
    };
    let mut buffer = [0; FRAME_LENGTH_MAX];
    let frame = message.emit(session, 3, 99, &mut buffer).expect("room");
    let header = Packet::new_checked(&*frame).expect("a frame").header();
    Transparent.seal(NodeId(1), &header, frame);
    let tag = bytes(Packet::new_checked(&*frame).expect("a frame").tag());
    let header = [
        ("magic", vec!["IS".to_owned()]),
        ("version", decimal(netipc_wire::VERSION)),
        ("kind", decimal(kind as u8)),
        ("key", decimal(3u8)),
        ("session", hexadecimal(session.0)),
        ("number", decimal(99u8)),
        ("tag", tag),
    ];
    (ethernet(frame), with(fields, header))
}

/// Ethernet, IPv4 and UDP before it, without checksums.
/// What is said about keys without a session: an update of machine 1's, and what machine 2 has, to whom it was passed on.
fn about_keys() -> Vec<(String, (Vec<u8>, Fields))> {
    let nobody = NodeId(254);
    let now = netipc_protocol::Instant::from_nanos(0);
    let administrator = Secret([9; 32]);
    let mut next = 0;
    let drawn = ClusterKeys::generate(2, || {
        next += 1;
        Ok::<_, core::convert::Infallible>([next; 32])
    });
    let Ok(mut keys) = drawn;
    for keys in &mut keys {
        keys.administrator = Some(administrator.public());
        keys.generation = 0x0102_0304;
    }
    let mut machines: Vec<_> = keys
        .iter()
        .map(|k| Noise::new(k.clone(), &[1; 32]))
        .collect();
    keys[1].generation += 1;
    let update = update::seal(
        &administrator,
        &keys[1].public,
        &keys[1],
        Urgency::AtOnce,
        [7; 32],
    );
    let update = update.expect("keys are keys").to_vec();
    machines[0].hear(now, nobody, &update).expect("it is kept");
    machines[1]
        .hear(now, keys[0].node, &update)
        .expect("it is taken");
    let mut have = [0; update::LENGTH];
    let said = machines[1].next_said(now, &mut have);
    let (_, length) = said.expect("who has sent it is answered");
    let have = have[..length].to_vec();
    let codes = |bytes_: &[u8]| bytes_.chunks(16).flat_map(bytes).collect::<Vec<_>>();
    let of_update = Fields::from([
        ("keys.magic", vec!["ISTHUPD2".to_owned()]),
        ("keys.node", decimal(2_u8)),
        ("keys.urgency", decimal(1_u8)),
        ("reserved", bytes(&[0; 6])),
        ("keys.generation", decimal(0x0102_0305_u64)),
        ("keys.sealed", bytes(&update[24..456])),
        ("keys.code", codes(&update[456..])),
    ]);
    let generations = [0, 0x0102_0305, 0, 0, 0, 0, 0, 0_u64];
    let of_have = Fields::from([
        ("keys.magic", vec!["ISTHHAV1".to_owned()]),
        ("from", decimal(2_u8)),
        ("to", decimal(1_u8)),
        ("reserved", bytes(&[0; 6])),
        (
            "keys.generation",
            generations.into_iter().flat_map(decimal).collect(),
        ),
        ("keys.code", codes(&have[80..])),
    ]);
    vec![
        ("update".to_owned(), (ethernet(&update), of_update)),
        ("have".to_owned(), (ethernet(&have), of_have)),
    ]
}

fn ethernet(netipc: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x52; 12];
    frame.extend([0x08, 0x00]);
    let length = |more: usize| {
        u16::try_from(netipc.len() + more)
            .expect("short")
            .to_be_bytes()
    };
    let [high, low] = length(28);
    frame.extend([
        0x45, 0, high, low, 0, 0, 0, 0, 64, 17, 0, 0, 10, 73, 0, 1, 10, 73, 0, 2,
    ]);
    frame.extend(NETIPC_PORT.to_be_bytes());
    frame.extend(NETIPC_PORT.to_be_bytes());
    frame.extend(length(8));
    frame.extend([0, 0]);
    frame.extend_from_slice(netipc);
    frame
}

/// Every field that tshark finds in each frame of a capture.
fn dissected(capture: &Path, names: &[&str]) -> Vec<Fields> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../wireshark/netipc.lua");
    let mut tshark = Command::new("tshark");
    tshark.args(["-X", &format!("lua_script:{script}"), "-r"]);
    tshark.arg(capture);
    tshark.args(["-T", "fields", "-E", "separator=|", "-E", "aggregator=;"]);
    tshark.args(
        names
            .iter()
            .flat_map(|name| ["-e".to_owned(), format!("netipc.{name}")]),
    );
    let output = tshark
        .output()
        .expect("tshark: `./isthmus test dissector` installs it");
    let (said, wrong) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{wrong}");
    said.lines().map(|line| found(names, line)).collect()
}

fn found(names: &[&str], line: &str) -> Fields {
    let all = netipc_fields();
    let values = names.iter().zip(line.split('|'));
    let there = values.filter(|(_, value)| !value.is_empty());
    there
        .map(|(name, value)| {
            let name = all
                .iter()
                .find(|known| *known == name)
                .expect("a name of ours");
            (*name, value.split(';').map(str::to_owned).collect())
        })
        .collect()
}

/// Every field of the dissector, in the script's own words.
fn netipc_fields() -> Vec<&'static str> {
    const SCRIPT: &str = include_str!("../../wireshark/netipc.lua");
    let defined = SCRIPT
        .lines()
        .filter_map(|line| line.strip_prefix("define(ProtoField."));
    defined.filter_map(|line| line.split('"').nth(1)).collect()
}

#[test]
#[ignore = "takes tshark: ./isthmus test dissector"]
fn every_field_of_every_kind_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("kinds.pcap");
    let mut writer = PcapWriter::new(File::create(&file).expect("a file")).expect("a header");
    let mut written = Vec::new();
    let kinds = Kind::ALL
        .iter()
        .map(|kind| (format!("{kind:?}"), frame(*kind)));
    for (name, (bytes, fields)) in kinds.chain(about_keys()) {
        let packet = PcapPacket::new(Duration::from_secs(1), bytes.len() as u32, &bytes);
        writer.write_packet(&packet).expect("it is written");
        written.push((name, fields));
    }
    drop(writer);
    let names = netipc_fields();
    let read = dissected(&file, &names);
    assert_eq!(read.len(), written.len());
    for ((name, written), read) in written.iter().zip(&read) {
        assert_eq!(written, read, "{name}");
    }
    // Only these two never occur: every other field is of some kind.
    let never = |name: &&&str| {
        !written
            .iter()
            .any(|(_, fields)| fields.contains_key(**name))
    };
    let never: Vec<_> = names.iter().filter(never).collect();
    assert_eq!(never, [&"encrypted", &"unknown"]);
}
