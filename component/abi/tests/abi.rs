//! The numbers keep their promises: ranges do not overlap, encodings come back, and the largest start-up block fits.

use isthmus_abi::label::{self, Kind, Label, Way};
use isthmus_abi::memory::{Account, HandOver, UntypedObject};
use isthmus_abi::names::{BadDirectory, BadName};
use isthmus_abi::startup::*;
use isthmus_abi::*;
use proptest::prelude::*;

#[test]
fn ranges_are_told_apart() {
    assert_eq!(Label::from_bits(15).kind(), Kind::KernelError);
    assert_eq!(Label::from_bits(16).kind(), Kind::KernelInvocation);
    assert_eq!(Label::from_bits(255).kind(), Kind::KernelInvocation);
    assert_eq!(Label::from_bits(256).kind(), Kind::Outcome);
    assert_eq!(Label::from_bits(511).kind(), Kind::Outcome);
    assert_eq!(Label::REPLY.kind(), Kind::Reply);
    assert_eq!(Label::from_bits(1023).kind(), Kind::Reply);
    assert_eq!(Label::from_bits(1024).kind(), Kind::Free);
    assert_eq!(Label::from_bits(label::METHOD_FIRST - 1).kind(), Kind::Free);
    assert_eq!(Label::from_bits(label::METHOD_FIRST).kind(), Kind::Method);
    assert_eq!(Label::from_bits(u64::MAX).kind(), Kind::Method);
}

#[test]
fn a_run_is_over_when_it_has_ended_or_another_has_begun() {
    use isthmus_abi::runs::Run;
    assert!(!Run::UNTOLD.is_over(Run::UNTOLD));
    let first = Run::UNTOLD.begin();
    let ended = first.end();
    let second = ended.begin();
    assert!(!first.is_over(first));
    assert!(first.is_over(ended) && first.is_over(second));
    assert!(!second.is_over(second) && second.is_over(second.end()));
    assert!(
        ended.is_over(ended),
        "what was noted between two runs is nobody's"
    );
    assert_eq!(ended.end(), ended);
    assert_ne!(first.begin(), first, "an end that was not told");
    assert_eq!(Run::from_word(second.word()), second);
}

#[test]
fn a_reply_says_whose_its_capability_is() {
    for id in 0..=u8::MAX {
        let label = Label::reply_of(ComponentId(id));
        assert_eq!(label.kind(), Kind::Reply);
        assert_eq!(label.origin(), Some(ComponentId(id)));
    }
    for label in [Label::REPLY, Label::REPLY_ERROR, Label::NOT_EXECUTED] {
        assert_eq!(label.origin(), None);
    }
    assert_eq!(Label::from_bits(label::REPLY_LAST + 1).origin(), None);
}

#[test]
fn a_change_of_signature_changes_the_label() {
    const GET: Label = Label::method("kv::get(key: u64) -> u64", 3, Way::Call);
    assert_eq!(GET.ordinal(), 3);
    assert_eq!(GET.way(), Way::Call);
    assert_ne!(
        GET.hash(),
        Label::method("kv::get(key: u32) -> u64", 3, Way::Call).hash()
    );
    assert_eq!(Label::method("", 255, Way::OneWay).way(), Way::OneWay);
    assert!(GET.traced().is_traced() && !GET.is_traced());
    assert_eq!(GET.traced().untraced(), GET);
    assert_eq!(
        Label::method("a(b:c)", 0, Way::Call),
        Label::method(" a (b : c) ", 0, Way::Call)
    );
    // FNV-1a of "a", published with the algorithm, folded.
    let fnv_a = 0xaf63_dc4c_8601_ec8c_u64;
    assert_eq!(
        Label::method("a", 0, Way::Call).hash(),
        (fnv_a ^ (fnv_a >> 40)) & 0xff_ffff_ffff
    );
}

#[test]
fn answers_are_read_cautiously() {
    assert_eq!(Outcome::of_answer(Label::REPLY, 0), Ok(()));
    assert_eq!(Outcome::of_answer(Label::REPLY_ERROR, 7), Ok(()));
    assert_eq!(
        Outcome::of_answer(Label::from_bits(2), 0),
        Err(Outcome::NotExecuted(NotExecuted::NotAnEndpoint))
    );
    assert_eq!(
        Outcome::of_answer(Label::from_bits(300), 1),
        Err(Outcome::Unknown(Unknown::Other))
    );
    assert_eq!(
        Outcome::of_answer(Label::from_bits(99_999), 1),
        Err(Outcome::Unknown(Unknown::BadReply))
    );
}

#[test]
fn every_outcome_comes_back() {
    let all = NotExecuted::ALL
        .iter()
        .map(|&r| r.into())
        .chain(Unknown::ALL.iter().map(|&r| r.into()));
    for outcome in all {
        let outcome: Outcome = outcome;
        let (label, word) = outcome.encode();
        assert_eq!(label.kind(), Kind::Outcome);
        assert_eq!(Outcome::decode(label, word), Some(outcome));
        assert_eq!(
            Outcome::decode(label, word | 0xdead_beef_0000_0000),
            Some(outcome),
            "the detail is no part of it"
        );
    }
    assert_eq!(Outcome::decode(Label::REPLY, 1), None);
    assert_eq!(
        Outcome::decode(Label::NOT_EXECUTED, 0x7777),
        Some(NotExecuted::Other.into())
    );
}

#[test]
fn names_are_checked_also_when_decoded() {
    for bad in [
        "",
        "Kv",
        "1kv",
        "-kv",
        "k v",
        "k/v",
        "kü",
        "abcdefghijklmnopqrstuvwxyz",
    ] {
        assert!(Name::new(bad).is_err(), "{bad}");
        let mut buffer = [0; 64];
        let bytes = postcard::to_slice(bad, &mut buffer).unwrap();
        assert!(postcard::from_bytes::<Name>(bytes).is_err(), "{bad}");
    }
    assert_eq!(Name::new("kv-server_2").unwrap(), "kv-server_2");
}

fn largest() -> Startup {
    let name = || Name::new("abcdefghijklmnopqrstuvwx").unwrap();
    let slot = Slot(u32::MAX);
    let bit = EventBit::new(62).unwrap();
    let interrupt = Interrupt { handler: slot, bit };
    let range = SlotRange {
        first: slot,
        count: u32::MAX,
    };
    let device = Device::VirtioNet(VirtioNet::Pci {
        common: u64::MAX,
        notify: u64::MAX,
        notify_multiplier: u32::MAX,
        isr: u64::MAX,
        device: u64::MAX,
        msix_entry: u16::MAX,
        interrupt,
    });
    let thread = Thread {
        tcb: slot,
        notification: slot,
        signal_main: slot,
        event: bit,
        stack_top: u64::MAX,
        stack_bytes: u32::MAX,
        ipc_buffer: u64::MAX,
    };
    let region = || Region {
        name: name(),
        kind: RegionKind::Dma,
        address: u64::MAX,
        bytes: u64::MAX,
        physical: u64::MAX,
    };
    Startup {
        id: ComponentId(255),
        name: name(),
        instance: 255,
        arguments: core::iter::repeat_n('x', limits::ARGUMENT_BYTES).collect(),
        machine: Machine {
            node: 255,
            nodes: 255,
            counter_hz: u64::MAX,
            seed: Seed([255; SEED_BYTES]),
            randomness: Randomness::Guessable,
            arguments: core::iter::repeat_n('x', limits::ARGUMENT_BYTES).collect(),
        },
        serves: (0..limits::SERVES).map(|_| name()).collect(),
        endpoints: (0..limits::USES)
            .map(|_| Endpoint {
                interface: name(),
                server: ComponentId(255),
                server_name: name(),
                slot,
            })
            .collect(),
        signals: (0..limits::SIGNALS)
            .map(|_| Signal {
                to: name(),
                id: ComponentId(255),
                about: name(),
                slot,
            })
            .collect(),
        events: (0..limits::EVENT_SOURCES)
            .map(|_| Event {
                from: name(),
                about: name(),
                bit,
            })
            .collect(),
        devices: (0..limits::DEVICES).map(|_| device).collect(),
        regions: (0..limits::REGIONS).map(|_| region()).collect(),
        threads: (0..limits::THREADS).map(|_| thread).collect(),
        replies: range,
        free: range,
        roots: (0..limits::DIRECTORIES)
            .map(|_| Root {
                client: ComponentId(255),
                directory: largest_directory(),
            })
            .collect(),
        policy: Some(
            (0..limits::NODES)
                .map(|_| PeerPolicy {
                    node: 255,
                    exports: Components::ALL,
                    names: Permission::Refused,
                    hand_on: Permission::Refused,
                })
                .collect(),
        ),
        keys: Some(ClusterKeys(
            core::iter::repeat_n(255, limits::CLUSTER_KEYS_BYTES).collect(),
        )),
        hand_over: None,
        processes: None,
    }
}

fn largest_processes() -> scheduler::HandOver {
    let slot = Slot(u32::MAX);
    let lasting = scheduler::Lasting {
        component: ComponentId(255),
        service: slot,
        notification: slot,
        deputy: slot,
        logs: slot,
    };
    let channel = scheduler::SharedFrames {
        component: ComponentId(255),
        channel: 255,
        first: slot,
    };
    scheduler::HandOver {
        asid_pool: slot,
        space: slot,
        undertaker: slot,
        grave: slot,
        archive: scheduler::Archive {
            address: u64::MAX,
            bytes: u64::MAX,
        },
        components: (0..limits::COMPONENTS).map(|_| lasting).collect(),
        channels: (0..2 * limits::CHANNELS).map(|_| channel).collect(),
        empty: SlotRange {
            first: slot,
            count: u32::MAX,
        },
    }
}

fn largest_directory() -> Directory {
    let mut text = "/x".repeat(limits::DIRECTORY_BYTES / 2);
    text.truncate(limits::DIRECTORY_BYTES);
    Directory::new(&text).expect("as long as may be")
}

/// Nobody has both: the memory server uses little.
fn largest_hand_over() -> HandOver {
    let slot = Slot(u32::MAX);
    HandOver {
        untyped: (0..limits::UNTYPED_OBJECTS)
            .map(|_| UntypedObject {
                slot,
                size_bits: 255,
            })
            .collect(),
        accounts: (0..limits::COMPONENTS)
            .map(|_| Account {
                component: ComponentId(255),
                space: slot,
                quota_bytes: u64::MAX,
            })
            .collect(),
        scheduler: Some(ComponentId(255)),
        empty: SlotRange {
            first: slot,
            count: u32::MAX,
        },
    }
}

#[test]
fn directories_are_names_below_the_root() {
    for text in ["/apps", "/apps/kv-1", "/a/b/c"] {
        let directory = Directory::new(text).expect("a directory");
        assert_eq!(directory.to_string(), text);
        let mut buffer = [0; 2 * limits::DIRECTORY_BYTES];
        let bytes = postcard::to_slice(&directory, &mut buffer).expect("short");
        assert_eq!(postcard::from_bytes(bytes), Ok(directory));
    }
    for (text, why) in [
        ("apps", BadDirectory::Relative),
        ("", BadDirectory::Relative),
        ("/", BadDirectory::Part(BadName::Empty)),
        ("/apps/", BadDirectory::Part(BadName::Empty)),
        ("/apps/..", BadDirectory::Part(BadName::BadStart)),
        ("/node/2", BadDirectory::Machines),
        ("/apps/node", BadDirectory::Machines),
    ] {
        assert_eq!(Directory::new(text), Err(why), "{text}");
        let mut buffer = [0; 2 * limits::DIRECTORY_BYTES];
        let bytes = postcard::to_slice(text, &mut buffer).expect("short");
        assert!(postcard::from_bytes::<Directory>(bytes).is_err(), "{text}");
    }
    let long = "/x".repeat(limits::DIRECTORY_BYTES / 2 + 1);
    assert_eq!(Directory::new(&long), Err(BadDirectory::TooLong));
}

#[test]
fn the_largest_startup_block_fits_and_comes_back() {
    let startup = largest();
    let mut buffer = vec![0; layout::STARTUP_BYTES as usize - 4];
    let bytes = postcard::to_slice(&startup, &mut buffer).expect("fits the start-up block");
    assert_eq!(postcard::from_bytes::<Startup>(bytes).unwrap(), startup);
    // It is moved through the main thread's stack when it is decoded.
    assert!(
        size_of::<Startup>() < 12 << 10,
        "{} bytes",
        size_of::<Startup>()
    );
}

#[test]
fn the_largest_hand_over_fits_beside_what_a_server_has() {
    let mut startup = largest();
    // Only the console server has so many regions.
    startup.regions.truncate(limits::COMPONENT_CHANNELS + 4);
    let processes = Startup {
        processes: Some(largest_processes()),
        ..startup.clone()
    };
    startup.hand_over = Some(largest_hand_over());
    for startup in [startup, processes] {
        let mut buffer = vec![0; layout::STARTUP_BYTES as usize - 4];
        let bytes = postcard::to_slice(&startup, &mut buffer).expect("fits the start-up block");
        assert_eq!(postcard::from_bytes::<Startup>(bytes).unwrap(), startup);
    }
}

#[test]
fn what_is_missing_is_named_with_its_remedy() {
    let mut startup = largest();
    let wanted = startup.endpoint("naming").unwrap_err();
    assert_eq!(
        wanted.to_string(),
        "the system description grants no interface `naming`: add it to `uses`"
    );
    startup.endpoints[0].interface = Name::new("naming").unwrap();
    startup.endpoints[0].slot = Slot(9);
    assert_eq!(startup.endpoint("naming"), Ok(Slot(9)));
    startup.machine.arguments = heapless::String::try_from("a=1 demo=kv=2").unwrap();
    assert_eq!(startup.machine.argument("demo"), Some("kv=2"));
    assert_eq!(startup.machine.argument("b"), None);
}

#[test]
fn what_is_typed_at_a_start_goes_before_what_is_written() {
    let line = |text| heapless::String::try_from(text).unwrap();
    let mut startup = largest();
    startup.name = Name::new("kv-1").unwrap();
    startup.arguments = line("rounds=10 mode=slow seed=1");
    startup.machine.arguments = line("rounds=20 kv-1.rounds=30 kv-10.mode=x mode=fast stray");
    assert_eq!(startup.argument("rounds"), Some("30"));
    assert_eq!(startup.argument("mode"), Some("fast"));
    assert_eq!(startup.argument("seed"), Some("1"));
    assert_eq!(startup.argument("stray"), None);
}

#[test]
fn of_two_servers_of_an_interface_each_is_found_by_name() {
    let mut startup = largest();
    for (index, server) in ["kv-0", "kv-1"].into_iter().enumerate() {
        startup.endpoints[index].interface = Name::new("kv").unwrap();
        startup.endpoints[index].server_name = Name::new(server).unwrap();
        startup.endpoints[index].slot = Slot(20 + index as u32);
    }
    assert_eq!(startup.endpoint("kv"), Ok(Slot(20)));
    assert_eq!(startup.endpoint_from("kv", "kv-1"), Ok(Slot(21)));
    assert!(startup.endpoint_from("kv", "kv-2").is_err());
}

proptest! {
    #[test]
    fn endpoint_badges_come_back(client: u8, object in 0..badge::OBJECTS) {
        let badge = EndpointBadge { client: ComponentId(client), object: ObjectId::new(object).unwrap() };
        prop_assert!(badge.bits() < 1 << badge::ENDPOINT_BADGE_BITS);
        prop_assert_eq!(Received::from_badge(badge.bits()), Received::Message(badge));
    }

    #[test]
    fn events_come_back(bits in proptest::collection::btree_set(0u8..63, 1..8)) {
        let merged = bits.iter().fold(0, |badge, &bit| badge | EventBit::new(bit).unwrap().badge());
        let Received::Events(events) = Received::from_badge(merged) else { panic!("bit 63 is set") };
        prop_assert!(events.iter().map(EventBit::number).eq(bits));
    }

    #[test]
    fn a_malformed_startup_block_is_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = postcard::from_bytes::<Startup>(&bytes);
    }

    #[test]
    fn object_numbers_above_20_bits_are_refused(number in badge::OBJECTS..) {
        prop_assert!(ObjectId::new(number).is_none());
    }
}
