//! Archives come back as they were made, and no damage goes unseen or does harm.

use isthmus_abi::{Name, Slot, SlotRange, limits, slots};
use isthmus_plan::archive::{
    Archive, ArchiveBuilder, BadArchive, CannotAdd, EntryKind, HEADER_BYTES,
};
use isthmus_plan::plan::{
    Caller, Component, CpuShare, Need, Plan, Restart, RestartPolicy, RestartWith, Start, Thread,
    Use,
};
use isthmus_plan::{Here, Placement};
use proptest::prelude::*;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn plan() -> Plan {
    let thread = Thread {
        tcb: slots::NULL,
        notification: slots::NOTIFICATION,
        signal_main: slots::NULL,
        bit: isthmus_abi::EventBit::new(0).unwrap(),
        stack_bytes: 16 << 10,
    };
    let hello = Component {
        name: name("hello"),
        program: name("hello-program"),
        instance: None,
        arguments: Default::default(),
        on: Placement::All,
        start: Start::Boot,
        restart: Restart::Never,
        cpu: CpuShare::ALL,
        memory_bytes: 0,
        priority: 100,
        heap_bytes: 0,
        dma_bytes: 0,
        serves: vec![],
        uses: vec![],
        signals: vec![],
        events: vec![],
        devices: vec![],
        threads: vec![thread],
        replies: SlotRange::empty(slots::FIRST_GRANT),
        free: SlotRange {
            first: slots::FIRST_GRANT,
            count: 10,
        },
        cnode_bits: 4,
    };
    Plan {
        name: name("test"),
        components: vec![hello],
        channels: vec![],
        policy: vec![],
    }
}

fn on_failure(back_off_milliseconds: u32, restarts: u16) -> Restart {
    Restart::OnFailure(RestartPolicy {
        back_off_milliseconds,
        restarts,
        with: RestartWith::Nobody,
    })
}

fn archive() -> Vec<u8> {
    let mut builder = ArchiveBuilder::new(&plan());
    builder
        .program(name("hello-program"), &[1, 2, 3], vec![7; 5000])
        .unwrap();
    builder.program(name("empty"), &[], vec![]).unwrap();
    builder.finish()
}

#[test]
fn an_archive_comes_back() {
    let mut bytes = archive();
    assert_eq!(Archive::stated_length(&bytes[..16]), Ok(bytes.len() as u64));
    assert_eq!(bytes, archive(), "the same inputs give the same bytes");
    bytes.extend([9; 100]);
    let archive = Archive::open(&bytes).unwrap();
    assert_eq!(Plan::decode(archive.plan().unwrap()), Ok(plan()));
    let hello = archive.program("hello-program").unwrap();
    assert_eq!(
        (hello.kind, hello.bytes, hello.build_id),
        (EntryKind::Program, &[7; 5000][..], &[1, 2, 3][..])
    );
    assert!(hello.is_intact());
    assert_eq!(archive.program("empty").unwrap().bytes, b"");
    assert!(archive.program("plan").is_none(), "the plan is no program");
    assert_eq!(archive.entries().count(), 3);
}

#[test]
fn what_cannot_be_added_is_refused() {
    let mut builder = ArchiveBuilder::new(&plan());
    assert_eq!(
        builder.program(name("a"), &[0; 33], vec![]),
        Err(CannotAdd::LongBuildId)
    );
    for i in 0..limits::COMPONENTS {
        builder
            .program(name(&format!("p{i}")), &[], vec![])
            .unwrap();
    }
    assert_eq!(
        builder.program(name("more"), &[], vec![]),
        Err(CannotAdd::TooMany)
    );
    let mut builder = ArchiveBuilder::new(&plan());
    builder.program(name("a"), &[], vec![]).unwrap();
    assert_eq!(
        builder.program(name("a"), &[], vec![]),
        Err(CannotAdd::Twice)
    );
}

#[test]
fn each_kind_of_damage_has_its_name() {
    let good = archive();
    let damaged = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        Archive::open(&bytes).map(|_| ())
    };
    assert_eq!(Archive::open(&[]).map(|_| ()), Err(BadArchive::Short));
    assert_eq!(
        Archive::open(&good[..good.len() - 1]).map(|_| ()),
        Err(BadArchive::Short)
    );
    assert_eq!(damaged(0, b'X'), Err(BadArchive::NoMagic));
    assert_eq!(damaged(15, 1), Err(BadArchive::Short));
    assert_eq!(damaged(16, 9), Err(BadArchive::Version(9)));
    assert_eq!(damaged(20, 200), Err(BadArchive::TooManyEntries));
    assert_eq!(damaged(HEADER_BYTES, b'q'), Err(BadArchive::DamagedEntries));
    assert_eq!(damaged(32, !good[32]), Err(BadArchive::DamagedEntries));
    let mut bytes = good.clone();
    *bytes.iter_mut().rfind(|b| **b == 7).unwrap() = 8;
    assert!(
        !Archive::open(&bytes)
            .unwrap()
            .program("hello-program")
            .unwrap()
            .is_intact()
    );
}

#[test]
fn a_plan_that_breaks_a_rule_is_refused() {
    let breaks: &[fn(&mut Component)] = &[
        |c| c.heap_bytes = 1,
        |c| c.heap_bytes = limits::HEAP_BYTES + 4096,
        |c| c.dma_bytes = 4096,
        |c| c.threads.clear(),
        |c| c.threads[0].stack_bytes = 0,
        |c| c.threads[0].tcb = Slot(5),
        |c| c.free.first = Slot(4),
        |c| c.free.count = 12,
        |c| c.cnode_bits = 63,
        |c| c.replies.count = u32::MAX,
        |c| c.priority = 250,
        |c| c.serves = vec![c.name.clone(); 5],
        |c| c.memory_bytes = 1,
        |c| c.memory_bytes = limits::MEMORY_BYTES + 4096,
        |c| c.restart = on_failure(0, 1),
        |c| c.restart = on_failure(limits::BACK_OFF_MILLISECONDS + 1, 1),
        |c| c.restart = on_failure(1, limits::RESTARTS + 1),
        |c| {
            let from = Some(isthmus_abi::ComponentId(1));
            c.uses = vec![Use {
                directory: None,
                interface: c.name.clone(),
                from,
                need: Need::Required,
                caller: Caller::Anyone,
                slot: slots::FIRST_GRANT,
            }];
            c.replies.first = Slot(6);
            c.free.first = Slot(6);
        },
    ];
    for (i, change) in breaks.iter().enumerate() {
        let mut plan = plan();
        change(&mut plan.components[0]);
        assert!(plan.check().is_err(), "rule {i}");
    }
    assert_eq!(plan().check(), Ok(()));
}

#[test]
fn placements_hold_where_they_say() {
    let at = |node, nodes| Here { node, nodes };
    assert!(Placement::First.holds(at(1, 1)) && Placement::Last.holds(at(1, 1)));
    assert!(!Placement::First.holds(at(2, 2)) && Placement::Last.holds(at(2, 2)));
    let some = Placement::Nodes([1, 3].into_iter().collect());
    assert!(some.holds(at(3, 3)) && !some.holds(at(2, 3)));
    assert_eq!(Here::all().count(), limits::NODES * (limits::NODES + 1) / 2);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Archive::open(&bytes);
        let _ = Plan::decode(&bytes);
    }

    #[test]
    fn a_damaged_archive_is_read_without_harm(
        damage in proptest::collection::vec((0usize..600, any::<u8>()), 1..4),
        cut in 0usize..20_000,
    ) {
        let mut bytes = archive();
        for (at, value) in damage {
            bytes[at] = value;
        }
        bytes.truncate(cut);
        // A table whose hash is right again, so that its contents are looked at.
        if bytes.len() >= 64 + 3 * 128 {
            use sha2::{Digest, Sha256};
            let digest = Sha256::digest(&bytes[64..64 + 3 * 128]);
            bytes[32..64].copy_from_slice(&digest);
        }
        if let Ok(archive) = Archive::open(&bytes) {
            for entry in archive.entries() {
                let _ = entry.is_intact();
            }
            let _ = archive.plan().map(Plan::decode);
        }
    }

    #[test]
    fn a_damaged_plan_is_read_without_harm(at in 0usize..80, value: u8) {
        let mut bytes = plan().encode();
        let at = at % bytes.len();
        bytes[at] = value;
        if let Ok(plan) = Plan::decode(&bytes) {
            let machine = isthmus_abi::startup::Machine {
                node: 1, nodes: 1, counter_hz: 1, arguments: Default::default(),
                seed: isthmus_abi::startup::Seed(Default::default()),
            randomness: isthmus_abi::startup::Randomness::Guessable,
            };
            for (id, _) in plan.all() {
                let startup = plan.startup(id, Here { node: 1, nodes: 1 }, machine.clone());
                prop_assert!(startup.is_ok());
            }
        }
    }
}
