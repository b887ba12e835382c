//! Every frame comes back as it was written, and nothing that comes from a wire makes a parser panic.

use isthmus_abi::{NotExecuted, Unknown};
use netipc_wire::frame::Packet;
use netipc_wire::handshake::{Cookie, Versions};
use netipc_wire::{
    BootId, Capability, ClusterId, Descriptor, FRAME_LENGTH_MAX, Grant, HEADER_LENGTH, Kind,
    Malformed, Message, NodeId, Nonce, Order, Sequence, SessionId, SlotIndex, TAG_LENGTH, Verdict,
    WORDS_MAX, Way, Words, bulk, cancel, grant, handshake, rekey, reply, request, slot, view,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// A message with what it borrows.
#[derive(Clone, Debug)]
struct Sample {
    choice: u8,
    words: Vec<u64>,
    extension: Vec<u8>,
    said: Vec<u8>,
    bytes: Vec<u8>,
    numbers: [u64; 8],
    small: [u8; 4],
    capability: Option<(u32, u64)>,
}

impl Sample {
    fn descriptor(&self) -> Option<Descriptor> {
        self.capability
            .map(|(index, generation)| Descriptor { index, generation })
    }

    fn mortal(&self) -> Descriptor {
        self.descriptor().unwrap_or(Descriptor {
            index: 1,
            generation: 1,
        })
    }

    fn grant(&self) -> Grant {
        Grant(u128::from(self.numbers[3]) << 64 | u128::from(self.numbers[4]))
    }

    fn passed(&self) -> Option<Capability> {
        let descriptor = self.descriptor()?;
        Some(match self.numbers[5] % 3 {
            0 => Capability::Mine(descriptor),
            1 => Capability::Yours(descriptor),
            _ => Capability::Granted(NodeId(self.small[2].max(1)), self.grant()),
        })
    }

    fn sent(&self) -> Option<Capability> {
        match self.numbers[6] % 4 {
            0 => Some(Capability::Lent(bulk::Loan {
                length: self.numbers[5] % bulk::LOAN_MAX + 1,
                access: [
                    bulk::Access::Read,
                    bulk::Access::Write,
                    bulk::Access::ReadWrite,
                ][usize::from(self.small[3]) % 3],
            })),
            _ => self.passed(),
        }
    }

    fn transfer(&self, direction: bulk::Direction) -> bulk::About {
        bulk::About {
            slot: self.slot().slot,
            sequence: self.slot().sequence,
            direction,
            number: (self.numbers[2] as u32).max(1),
        }
    }

    fn range(&self) -> bulk::Range {
        bulk::Range {
            offset: self.numbers[3] % bulk::LOAN_MAX,
            length: self.numbers[4] % bulk::LOAN_MAX + 1,
        }
    }

    fn direction(&self) -> bulk::Direction {
        match self.small[1] % 2 {
            0 => bulk::Direction::Fetch,
            _ => bulk::Direction::Store,
        }
    }

    fn want(&self) -> bulk::Want {
        let range = self.range();
        let first = self.numbers[5] as u32 % range.chunks();
        let room = range.chunks() - first;
        let mask = 1_u64.checked_shl(room).map_or(u64::MAX, |bit| bit - 1);
        bulk::Want {
            about: self.transfer(self.direction()),
            range,
            first,
            chunks: self.numbers[6] & mask,
        }
    }

    fn reason(&self) -> NotExecuted {
        NotExecuted::ALL[self.numbers[2] as usize % NotExecuted::ALL.len()]
    }

    fn slot(&self) -> slot::Repr {
        slot::Repr {
            slot: SlotIndex(self.numbers[0] as u16),
            sequence: Sequence(self.numbers[1].max(1)),
        }
    }

    fn greeting(&self) -> handshake::Repr<'_> {
        let [low, high, from, to] = self.small;
        handshake::Repr {
            versions: Versions::new(low.min(high), low.max(high)).unwrap(),
            from: NodeId(from),
            to: NodeId(to),
            slots: (self.numbers[0] as u16).max(1),
            cluster: ClusterId(self.numbers[1]),
            identity: (BootId(self.numbers[2]), Nonce(self.numbers[3])),
            echo: (BootId(self.numbers[4]), Nonce(self.numbers[5])),
            cookie: self.cookie(),
            extension: &self.extension,
        }
    }

    fn cookie(&self) -> Cookie {
        Cookie(u128::from(self.numbers[6]).to_le_bytes())
    }

    fn refuse(&self) -> handshake::Refuse {
        let greeting = self.greeting();
        handshake::Refuse {
            versions: greeting.versions,
            from: greeting.from,
            to: greeting.to,
            cluster: greeting.cluster,
            echo: greeting.echo,
        }
    }

    fn rekey(&self) -> rekey::Repr<'_> {
        rekey::Repr {
            key: (self.numbers[0] as u32).max(1),
            message: &self.extension,
        }
    }

    fn request(&self) -> request::Repr<'_> {
        request::Repr {
            slot: self.slot().slot,
            sequence: self.slot().sequence,
            target: self.descriptor().unwrap_or(Descriptor::BOOTSTRAP),
            capability: self.sent(),
            order: Order(self.numbers[2]),
            budget_us: self.numbers[3] as u32,
            label: self.numbers[4],
            words: Words::new(&self.words).unwrap(),
        }
    }

    fn message(&self) -> Message<'_> {
        let about = self.slot();
        match self.choice {
            0 => Message::Hello(self.greeting()),
            1 => Message::HelloAck(self.greeting()),
            2 => Message::HelloRefuse(self.refuse()),
            3 => Message::Ping(self.numbers[0]),
            4 => Message::Pong(self.numbers[0]),
            5 => Message::Request(Way::Call, self.request()),
            6 => Message::Request(Way::OneWay, self.request()),
            7 => Message::Ack(about),
            8 => Message::Reply(reply::Repr {
                slot: about.slot,
                sequence: about.sequence,
                capability: self.passed(),
                label: self.numbers[2],
                words: Words::new(&self.words).unwrap(),
            }),
            9 => Message::Refuse(about, self.reason()),
            10 => Message::Fail(
                about,
                Unknown::ALL[self.numbers[2] as usize % Unknown::ALL.len()],
            ),
            11 => Message::Cancel(cancel::Repr {
                slot: about.slot,
                sequence: about.sequence,
                target: self.descriptor().unwrap_or(Descriptor::BOOTSTRAP),
                order: Order(self.numbers[2]),
            }),
            12 => Message::CancelAnswer(
                about,
                [Verdict::NeverRan, Verdict::Ran, Verdict::Running][self.numbers[2] as usize % 3],
            ),
            23 => Message::HelloCookie(handshake::CookieRepr {
                about: self.refuse(),
                cookie: self.cookie(),
            }),
            24 => Message::Rekey(self.rekey()),
            25 => Message::RekeyAck(self.rekey()),
            13 => Message::Release(self.mortal()),
            14 => Message::ReleaseAck(self.mortal()),
            15 => Message::Revoke(self.mortal()),
            16 => Message::RevokeAck(self.mortal()),
            17 => Message::GrantAsk(grant::Ask {
                number: self.numbers[0],
                export: self.mortal(),
                to: NodeId(self.small[2]),
                session: SessionId(self.numbers[1]),
            }),
            18 => Message::Grant(self.numbers[0], self.grant()),
            19 => Message::GrantRefuse(self.numbers[0], self.reason()),
            20 => Message::Offer(grant::Offer {
                export: self.mortal(),
                grant: self.grant(),
                introducer: NodeId(self.small[2]),
                session: SessionId(self.numbers[1]),
            }),
            21 => Message::OfferAck(self.mortal()),
            22 => Message::OfferRefuse(self.mortal(), self.reason()),
            26 => Message::Want(self.want()),
            27 => Message::Data(bulk::Data {
                about: self.transfer(self.direction()),
                chunk: self.numbers[3] as u32,
                bytes: &self.bytes,
            }),
            28 => Message::Store(self.transfer(bulk::Direction::Store), self.range()),
            29 => Message::Stored(self.transfer(bulk::Direction::Store)),
            30 => Message::BulkRefuse(
                self.transfer(self.direction()),
                [
                    bulk::Refusal::Over,
                    bulk::Refusal::NotPermitted,
                    bulk::Refusal::OutOfRange,
                ][usize::from(self.small[2]) % 3],
            ),
            _ => Message::View(view::Repr { said: &self.said }),
        }
    }

    fn session(&self) -> SessionId {
        if self.message().kind().is_handshake() {
            SessionId::NONE
        } else {
            SessionId(self.numbers[6].max(1))
        }
    }

    fn frame(&self) -> Vec<u8> {
        let mut buffer = [0xaa; FRAME_LENGTH_MAX];
        self.message()
            .emit(
                self.session(),
                self.small[0].into(),
                self.numbers[7],
                &mut buffer,
            )
            .unwrap()
            .to_vec()
    }
}

fn sample() -> impl Strategy<Value = Sample> {
    let capability = proptest::option::of((1..=u32::MAX, 1..=u64::MAX));
    let words = prop_oneof![
        vec(any::<u64>(), 0..6),
        vec(any::<u64>(), WORDS_MAX),
        vec(any::<u64>(), 0..=WORDS_MAX)
    ];
    let extension = vec(any::<u8>(), 0..=handshake::EXTENSION_MAX);
    let said = prop_oneof![
        vec(any::<u8>(), 1..9),
        vec(any::<u8>(), 1..=view::LENGTH_MAX)
    ];
    (
        0..32u8,
        words,
        extension,
        vec(any::<u8>(), 1..=bulk::CHUNK),
        said,
        any::<[u64; 8]>(),
        any::<[u8; 4]>(),
        capability,
    )
        .prop_map(
            |(choice, words, extension, bytes, said, numbers, small, capability)| Sample {
                choice,
                words,
                extension,
                bytes,
                said,
                numbers,
                small,
                capability,
            },
        )
}

fn parse(frame: &[u8]) -> Result<Message<'_>, Malformed> {
    // The body borrows from the frame, not from the view.
    let kind = Packet::new_checked(frame)?.header().kind;
    Message::parse(kind, &frame[HEADER_LENGTH..frame.len() - TAG_LENGTH])
}

proptest! {
    #[test]
    fn a_frame_comes_back_as_it_was_written(sample in sample()) {
        let frame = sample.frame();
        let packet = Packet::new_checked(&frame[..]).unwrap();
        prop_assert_eq!(packet.header().session, sample.session());
        prop_assert_eq!(packet.header().number, sample.numbers[7]);
        prop_assert_eq!(packet.header().key, u32::from(sample.small[0]));
        prop_assert_eq!(packet.tag(), [0; TAG_LENGTH]);
        prop_assert_eq!(parse(&frame), Ok(sample.message()));
        prop_assert_eq!(frame.len(), sample.message().frame_length());
    }

    #[test]
    // [N1]
    fn no_frame_is_another_one_cut_short_or_drawn_out(sample in sample()) {
        let mut frame = sample.frame();
        for length in 0..frame.len() {
            prop_assert!(parse(&frame[..length]).is_err(), "{} of {} bytes", length, frame.len());
        }
        frame.push(0);
        prop_assert!(parse(&frame).is_err());
    }

    #[test]
    fn a_changed_frame_is_refused_or_read_and_written_back(sample in sample(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut frame = sample.frame();
        let index = at.index(frame.len() - TAG_LENGTH);
        frame[index] = to;
        if let Ok(message) = parse(&frame) {
            let header = Packet::new_checked(&frame[..]).unwrap().header();
            let mut buffer = [0; FRAME_LENGTH_MAX];
            let again = message.emit(header.session, header.key, header.number, &mut buffer).unwrap();
            // Numbers of reasons that this version does not know are read as `Other`; all else is written back as it was.
            if !matches!(message, Message::Refuse(..) | Message::Fail(..) | Message::GrantRefuse(..) | Message::OfferRefuse(..)) {
                prop_assert_eq!(&again[..], &frame[..]);
            }
        }
    }

    #[test]
    fn nothing_makes_a_parser_panic(bytes in vec(any::<u8>(), 0..200), kind in prop::sample::select(Kind::ALL)) {
        let _ = parse(&bytes);
        let _ = Message::parse(kind, &bytes);
    }
}

#[test]
fn a_full_message_with_its_capability_fits_one_frame() {
    let words = [u64::MAX; WORDS_MAX];
    let sample = Sample {
        choice: 5,
        words: words.to_vec(),
        extension: Vec::new(),
        said: Vec::new(),
        bytes: vec![1],
        numbers: [1; 8],
        small: [0; 4],
        capability: Some((1, 1)),
    };
    assert_eq!(WORDS_MAX, 120);
    assert!(sample.frame().len() <= FRAME_LENGTH_MAX);
    assert_eq!(sample.frame().len(), 24 + 64 + 960 + 16);
    assert!(Words::new(&[0; WORDS_MAX + 1]).is_none());
}

#[test]
fn versions_agree_on_the_newest_that_both_speak() {
    let range = |low, high| Versions::new(low, high).unwrap();
    assert_eq!(range(1, 3).newest_common(range(2, 5)), Some(3));
    assert_eq!(range(4, 5).newest_common(range(2, 4)), Some(4));
    assert_eq!(range(1, 2).newest_common(range(3, 4)), None);
    assert_eq!(Versions::new(2, 1), None);
}

#[test]
fn foreign_frames_are_told_apart() {
    let mut buffer = [0; FRAME_LENGTH_MAX];
    let frame = Message::Ping(1)
        .emit(SessionId(1), 0, 0, &mut buffer)
        .unwrap()
        .to_vec();
    let with = |index: usize, value: u8| {
        let mut frame = frame.clone();
        frame[index] = value;
        parse(&frame).map(|_| ())
    };
    assert_eq!(with(0, b'X'), Err(Malformed::NotOurs));
    assert_eq!(with(2, 9), Err(Malformed::Version));
    assert_eq!(with(3, 200), Err(Malformed::Kind));
    // A session in the handshake, and none outside it.
    assert_eq!(with(3, Kind::Hello as u8), Err(Malformed::Field));
    assert_eq!(with(8, 0), Err(Malformed::Field));
    assert_eq!(parse(&[0; FRAME_LENGTH_MAX + 1]), Err(Malformed::TooLong));
}
