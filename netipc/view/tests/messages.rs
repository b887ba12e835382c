//! The bytes: what is written is read back, nothing that is cut off or altered panics, and whatever is read is written the same.

use netipc_view::message::{
    Ack, Append, Ballot, BallotAnswer, Chunk, Contents, Grant, MESSAGE_LENGTH_MAX, Matched,
    Message, Offer, Packet, Part, Probe, ProbeAnswer, Stage, Verdict,
};
use netipc_view::{
    Action, Answer, BootId, Command, Config, Entry, Epoch, History, Home, Id, Incarnation, Index,
    Instant, Member, NodeId, Nodes, Place, Random, Round, Sequence, Stamp, Term, View,
};
use proptest::prelude::*;

fn node() -> impl Strategy<Value = NodeId> {
    (1..=8u8).prop_map(NodeId)
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        any::<u128>().prop_map(|id| Action::Claim(Id(id))),
        (any::<u128>(), any::<u64>()).prop_map(|(id, e)| Action::Release(Id(id), Epoch(e))),
        (any::<u128>(), any::<u64>(), node()).prop_map(|(id, e, heir)| Action::HandOver(
            Id(id),
            Epoch(e),
            heir
        )),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        Just(Command::Begin),
        node().prop_map(Command::Vacate),
        (node(), 1..=u64::MAX).prop_map(|(node, i)| Command::Fill(node, Incarnation(i))),
        (node(), any::<u64>()).prop_map(|(node, boot)| Command::Join(node, BootId(boot))),
        (node(), any::<u64>()).prop_map(|(node, epoch)| Command::Remove(node, Epoch(epoch))),
        any::<u64>().prop_map(|epoch| Command::Raise(Epoch(epoch))),
        (node(), any::<u64>(), 1..=u64::MAX, action()).prop_map(
            |(node, joined, sequence, action)| {
                Command::Do {
                    node,
                    joined: Epoch(joined),
                    sequence: Sequence(sequence),
                    action,
                }
            }
        ),
    ]
}

fn place() -> impl Strategy<Value = Place> {
    (any::<u64>(), any::<u64>()).prop_map(|(index, term)| Place {
        index: Index(index),
        term: Term(term),
    })
}

fn seats() -> impl Strategy<Value = [Option<Incarnation>; 8]> {
    let seat = prop::option::of((1..=u64::MAX).prop_map(Incarnation));
    prop::array::uniform8(seat)
}

fn member() -> impl Strategy<Value = Member> {
    let answer = prop_oneof![
        Just(Answer::None),
        any::<u64>().prop_map(|epoch| Answer::Owned(Epoch(epoch))),
        (node(), any::<u64>()).prop_map(|(node, epoch)| Answer::Held(node, Epoch(epoch))),
        Just(Answer::Gone),
        Just(Answer::NotOwner),
        Just(Answer::NoMember),
        Just(Answer::Full),
    ];
    (any::<u64>(), 1..=u64::MAX, any::<u64>(), answer).prop_map(|(boot, joined, last, answer)| {
        Member {
            boot: BootId(boot),
            joined: Epoch(joined),
            last: Sequence(last),
            answer,
        }
    })
}

fn append() -> impl Strategy<Value = Message> {
    let entries = prop::collection::vec((1..=u64::MAX, command()), 0..=8);
    let grant = prop::option::of((any::<u64>(), any::<u64>()));
    (
        1..=u64::MAX,
        1..=u64::MAX,
        any::<[u64; 2]>(),
        place(),
        grant,
        entries,
    )
        .prop_map(
            |(history, term, [round, commit], previous, grant, entries)| {
                Message::Append(Append {
                    history: History(history),
                    term: Term(term),
                    round: Round(round),
                    commit: Index(commit),
                    previous,
                    grant: grant.map(|(stamp, joined)| Grant {
                        stamp: Stamp(stamp),
                        joined: Epoch(joined),
                    }),
                    entries: entries
                        .into_iter()
                        .map(|(term, command)| Entry {
                            term: Term(term),
                            command,
                        })
                        .collect(),
                })
            },
        )
}

fn chunk() -> impl Strategy<Value = Message> {
    let core = (
        0..=256u16,
        any::<u64>(),
        seats(),
        prop::array::uniform8(prop::option::of(member())),
    )
        .prop_map(|(homes, epoch, seats, members)| {
            let epoch = Epoch(epoch);
            (
                homes,
                Contents::Core {
                    epoch,
                    seats,
                    members,
                },
            )
        });
    let home = (any::<u128>(), node(), any::<u64>()).prop_map(|(id, owner, epoch)| Home {
        id: Id(id),
        owner,
        epoch: Epoch(epoch),
    });
    let rows = (1..=256u16, prop::collection::vec(home, 48)).prop_map(|(count, homes)| {
        let number = (count - 1) / 48 + 1;
        let here = usize::from(count) - usize::from(number - 1) * 48;
        let homes = homes.into_iter().take(here).collect();
        let number = number as u8;
        (count, Contents::Homes { number, homes })
    });
    (1..=u64::MAX, 1..=u64::MAX, place(), prop_oneof![core, rows]).prop_map(
        |(history, term, place, (homes, contents))| {
            Message::Chunk(Chunk {
                history: History(history),
                term: Term(term),
                place,
                homes,
                contents,
            })
        },
    )
}

fn ack() -> impl Strategy<Value = Message> {
    let matched = prop_oneof![
        any::<u64>().prop_map(|index| Matched::To(Index(index))),
        any::<u64>().prop_map(|index| Matched::Behind(Index(index))),
        (any::<u64>(), any::<u32>()).prop_map(|(index, have)| Matched::Needs(Index(index), have)),
    ];
    let part = prop_oneof![Just(Part::Holder), Just(Part::Witness)];
    let request = prop::option::of((any::<u64>(), 1..=u64::MAX, action()));
    (
        (1..=u64::MAX, 1..=u64::MAX, 1..=u64::MAX),
        any::<[u64; 4]>(),
        part,
        matched,
        request,
    )
        .prop_map(
            |(
                (history, term, incarnation),
                [boot, round, stamp, floor],
                part,
                matched,
                request,
            )| {
                Message::Ack(Ack {
                    history: History(history),
                    term: Term(term),
                    incarnation: Incarnation(incarnation),
                    boot: BootId(boot),
                    part,
                    round: Round(round),
                    stamp: Stamp(stamp),
                    matched,
                    floor: Epoch(floor),
                    request: request
                        .map(|(joined, n, action)| (Epoch(joined), Sequence(n), action)),
                })
            },
        )
}

fn others() -> impl Strategy<Value = Message> {
    let stage = || prop_oneof![Just(Stage::Asking), Just(Stage::Standing)];
    let verdict = prop_oneof![
        Just(Verdict::Granted),
        any::<u64>().prop_map(|term| Verdict::Refused(Term(term))),
    ];
    let offer = prop_oneof![
        Just(Offer::NotYet),
        Just(Offer::Founder),
        (1..=u64::MAX, seats(), place()).prop_map(|(history, seats, last)| Offer::Bound(
            History(history),
            seats,
            last
        )),
    ];
    prop_oneof![
        (1..=u64::MAX, 1..=u64::MAX, stage(), place()).prop_map(|(history, term, stage, last)| {
            Message::Ballot(Ballot {
                history: History(history),
                term: Term(term),
                stage,
                last,
            })
        }),
        (1..=u64::MAX, 1..=u64::MAX, stage(), 1..=u64::MAX, verdict).prop_map(
            |(history, term, stage, of, verdict)| {
                Message::BallotAnswer(BallotAnswer {
                    history: History(history),
                    term: Term(term),
                    stage,
                    incarnation: Incarnation(of),
                    verdict,
                })
            }
        ),
        any::<u64>().prop_map(|nonce| Message::Probe(Probe { nonce })),
        (any::<u64>(), 1..=u64::MAX, any::<u64>(), offer).prop_map(|(nonce, of, floor, offer)| {
            Message::ProbeAnswer(ProbeAnswer {
                nonce,
                incarnation: Incarnation(of),
                floor: Epoch(floor),
                offer,
            })
        }),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![append(), chunk(), ack(), others()]
}

struct Counting(u64);

impl Random for Counting {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        self.0
    }
}

fn replica() -> Box<View<Counting>> {
    let mut view = Box::new(View::new(Counting(1)));
    let nodes: Nodes = (1..=3).map(NodeId).collect();
    let config = Config {
        node: NodeId(1),
        boot: BootId(1),
        part: Part::Holder,
        nodes,
        voters: nodes,
    };
    view.begin(Instant::from_nanos(0), config)
        .expect("it is good");
    view
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_and_nothing_shorter_is(message in message()) {
        let mut bytes = [0; MESSAGE_LENGTH_MAX];
        let length = message.emit(&mut bytes).expect("it fits");
        let packet = Packet::new_checked(&bytes[..length]).expect("it is one");
        prop_assert_eq!(packet.message(), Some(message));
        for short in 0..length {
            prop_assert!(Packet::new_checked(&bytes[..short]).is_err());
        }
    }

    #[test]
    fn what_is_altered_is_refused_or_written_the_same(
        message in message(), at in any::<prop::sample::Index>(), value in any::<u8>(),
    ) {
        let mut bytes = [0; MESSAGE_LENGTH_MAX];
        let length = message.emit(&mut bytes).expect("it fits");
        bytes[at.index(length)] = value;
        if let Ok(read) = Message::parse(&bytes[..length]) {
            let mut again = [0; MESSAGE_LENGTH_MAX];
            prop_assert_eq!(read.emit(&mut again), Some(length));
            prop_assert_eq!(&again[..length], &bytes[..length]);
        }
    }

    #[test]
    fn bytes_without_sense_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Message::parse(&bytes);
    }

    /// A replica takes whatever a peer may write, in any order and at any time: nothing panics, it comes to rest, and epochs do not go back.
    #[test]
    fn a_replica_takes_any_messages(
        told in prop::collection::vec((message(), 2..=3u8, 0..500u64), 0..60),
    ) {
        let mut view = replica();
        let mut buffer = [0; MESSAGE_LENGTH_MAX];
        let (mut now, mut epoch) = (0, Epoch(0));
        for (message, from, pause) in told {
            now += pause * 1_000_000;
            let at = Instant::from_nanos(now);
            let length = message.emit(&mut buffer).expect("it fits");
            let bytes = buffer[..length].to_vec();
            let _ = view.handle_message(at, NodeId(from), &bytes);
            if view.poll_timeout().is_some_and(|due| due <= at) {
                view.handle_timeout(at);
            }
            while view.poll_event().is_some() {}
            let mut sent = 0;
            while view.poll_transmit(at, &mut buffer).is_some() {
                sent += 1;
                prop_assert!(sent < 100);
            }
            if let Some(table) = view.table() {
                prop_assert!(table.epoch() >= epoch);
                epoch = table.epoch();
            }
        }
    }
}
