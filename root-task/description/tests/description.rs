//! A valid description makes the plan that it says; each mistake is named where it is; no mutation does harm.

use isthmus_abi::startup::{Machine, RegionKind};
use isthmus_abi::{ComponentId, EndpointBadge, Slot, layout, limits};
use isthmus_description::{Cluster, Mistakes, Plan, compile, describe, describe_in};
use isthmus_plan::Here;
use isthmus_plan::plan::Need;
use proptest::prelude::*;

const DEMO: &str = include_str!("sample.toml");
const FULL: &str = include_str!("full.toml");
const CLUSTER: &str = include_str!("cluster.toml");

fn machine(here: Here) -> Machine {
    Machine {
        node: here.node,
        nodes: here.nodes,
        counter_hz: 1_000_000,
        seed: isthmus_abi::startup::Seed(Default::default()),
        randomness: isthmus_abi::startup::Randomness::Guessable,
        arguments: Default::default(),
    }
}

const ONE: Here = Here { node: 1, nodes: 1 };
const FIRST: Here = Here { node: 1, nodes: 2 };
const LAST: Here = Here { node: 2, nodes: 2 };

fn demo() -> Plan {
    compile(DEMO).unwrap_or_else(|mistakes| panic!("{}", mistakes.in_file("sample.toml")))
}

#[test]
fn components_run_where_the_description_says() {
    let plan = demo();
    let names = |here| {
        plan.on(here)
            .map(|(_, c)| c.name.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        names(ONE),
        "console timer network netipc naming kv-server kv-client"
    );
    assert_eq!(
        names(FIRST),
        "console timer network netipc naming kv-server"
    );
    assert_eq!(names(LAST), "console timer network netipc naming kv-client");
    assert_eq!(plan.find("kv-client").unwrap().0, ComponentId(7));
}

#[test]
fn a_startup_block_has_what_was_granted_and_nothing_else() {
    let plan = demo();
    let (id, netipc) = plan.find("netipc").unwrap();
    let startup = plan.startup(id, LAST, machine(LAST)).unwrap();
    assert_eq!(startup.endpoint("timer"), Ok(Slot(5)));
    assert_eq!(startup.endpoint("network"), Ok(Slot(6)));
    assert!(startup.endpoint("kv").is_err());
    assert_eq!(startup.threads.len(), 17);
    assert_eq!(
        startup.threads[1].stack_top,
        layout::STACKS + 2 * layout::STACK_STRIDE
    );
    assert_eq!(startup.channel("datagrams").unwrap().bytes, 512 << 10);
    assert_eq!(startup.replies.count, 256);
    assert_eq!(startup.free.first, startup.replies.end());
    assert_eq!(startup.free.end(), netipc.slots_end());
    assert!(startup.free.end().0 <= 1 << netipc.cnode_bits);
    assert!(
        startup.free.end().0 > 1 << (netipc.cnode_bits - 1),
        "no larger than it must be"
    );
}

#[test]
fn each_signal_ends_in_the_bit_that_its_receiver_was_told() {
    let plan = demo();
    let (timer, _) = plan.find("timer").unwrap();
    let timer = plan.startup(timer, ONE, machine(ONE)).unwrap();
    let clients: Vec<_> = timer
        .signals
        .iter()
        .filter(|s| s.about == "event")
        .map(|s| s.to.to_string())
        .collect();
    assert_eq!(clients, ["network", "netipc", "kv-client"]);
    let (network, component) = plan.find("network").unwrap();
    let (netipc, other) = plan.find("netipc").unwrap();
    let startup = plan.startup(netipc, ONE, machine(ONE)).unwrap();
    let sent = component
        .signals
        .iter()
        .find(|s| s.about == "datagrams")
        .unwrap();
    assert_eq!(
        (sent.to, sent.bit),
        (netipc, startup.channel_event("datagrams").unwrap())
    );
    let back = other
        .signals
        .iter()
        .find(|s| s.about == "datagrams")
        .unwrap();
    assert_eq!(back.to, network);
    assert_ne!(
        startup.event("timer").unwrap(),
        startup.channel_event("datagrams").unwrap()
    );
    assert_eq!(EndpointBadge::service(network).bits(), 3 << 20);
}

#[test]
fn the_console_has_everybodys_logs_and_one_bit_for_them() {
    let plan = demo();
    let (id, console) = plan.find("console").unwrap();
    let startup = plan.startup(id, ONE, machine(ONE)).unwrap();
    assert_eq!(
        startup
            .regions
            .iter()
            .filter(|r| r.kind == RegionKind::Log)
            .count(),
        7
    );
    let netipc = startup.region(RegionKind::Log, "netipc").unwrap();
    assert_eq!(
        netipc.address,
        layout::CONSOLE_LOGS + 3 * layout::CONSOLE_LOG_STRIDE
    );
    assert_eq!(netipc.bytes, 17 * layout::LOG_STRIDE);
    let bit = startup.channel_event("logs").unwrap();
    for (other, c) in plan.all().filter(|(other, _)| *other != id) {
        let logs = c.signals.iter().find(|s| s.about == "logs");
        assert!(
            logs.is_some_and(|s| s.bit == bit && s.to == id),
            "{other:?}"
        );
    }
    assert!(console.signals.is_empty());
}

/// Replaces `from` (which must be there once) and expects one mistake, where `to` begins or `offset` bytes on.
#[track_caller]
fn mistake(from: &str, to: &str, offset: usize, message: &str, remedy: &str) {
    assert_eq!(DEMO.matches(from).count(), 1, "{from:?} is there once");
    let at = DEMO.find(from).unwrap() + offset;
    let text = DEMO.replace(from, to);
    let line = text[..at].matches('\n').count() + 1;
    let column = at - text[..at].rfind('\n').map_or(0, |n| n + 1) + 1;
    let mistakes = compile(&text).expect_err("there is a mistake");
    let first = &mistakes.0[0];
    assert_eq!(mistakes.0.len(), 1, "{mistakes}");
    assert!(first.message.contains(message), "{first}");
    assert!(first.remedy.contains(remedy), "{first}");
    assert_eq!((first.line, first.column), (line, column), "{first}");
}

#[test]
fn mistakes_of_writing() {
    mistake(
        "priority = 50",
        "priorty = 50",
        0,
        "no key `priorty`",
        "did you mean `priority`?",
    );
    mistake(
        "priority = 50",
        "priority = 250",
        11,
        "`priority` is 250, out of range",
        "from 1 to 249",
    );
    mistake(
        "priority = 50",
        "priority = \"50\"",
        11,
        "not a whole number",
        "from 1 to 249",
    );
    mistake(
        "heap = \"4MiB\"",
        "heap = \"4MB\"",
        7,
        "`heap` is not a size",
        "KiB or MiB",
    );
    mistake(
        "heap = \"4MiB\"",
        "heap = \"400MiB\"",
        7,
        "more than the limit",
        "at most 64MiB",
    );
    mistake(
        "stack = \"96KiB\"",
        "stack = \"1KiB\"",
        8,
        "less than is useful",
        "at least 4KiB",
    );
    mistake(
        "threads = 16",
        "threads = 40",
        10,
        "out of range",
        "from 0 to 31",
    );
    mistake(
        "name = \"demo\"",
        "name = \"De mo\"",
        7,
        "is not a name",
        "lower-case",
    );
    mistake(
        "on = \"first\"",
        "on = \"frist\"",
        5,
        "no placement",
        "\"first\"",
    );
    mistake(
        "on = \"first\"",
        "on = [0]",
        5,
        "machines are numbered 1 to",
        "[1, 3]",
    );
    mistake("on = \"first\"", "on = []", 5, "no placement", "[1, 3]");
    mistake(
        "uses = [\"netipc\"]",
        "uses = \"netipc\"",
        7,
        "not a list",
        "uses = [",
    );
    mistake(
        "uses = [\"netipc\"]",
        "uses = [3]",
        8,
        "not a name",
        "quotes",
    );
    mistake(
        "devices = [\"timer\"]",
        "devices = [\"time\"]",
        11,
        "no device `time`",
        "did you mean `timer`?",
    );
    mistake(
        "[\"network\", \"netipc\"]",
        "[\"network\"]",
        0,
        "two ends, not 1",
        "owner",
    );
    mistake(
        "[system]\nname = \"demo\"",
        "[system]\n",
        0,
        "`name` is missing",
        "name = \"demo\"",
    );
}

#[test]
fn mistakes_of_meaning() {
    mistake(
        "uses = [\"netipc\"]",
        "uses = [\"netpic\"]",
        8,
        "no component serves `netpic`",
        "did you mean `netipc`?",
    );
    mistake(
        "uses = [\"netipc\"]",
        "uses = [\"naming\"]",
        8,
        "which it serves itself",
        "wait for ever",
    );
    mistake(
        "uses = [\"netipc\"]",
        "uses = [\"kv\"]",
        8,
        "machine 2 of 2, where nobody serves `kv`",
        "look it up by name",
    );
    mistake(
        "serves = [\"kv\"]",
        "serves = [\"kv\", \"kv\"]",
        16,
        "a second interface",
        "remove one",
    );
    mistake(
        "devices = [\"virtio-net\"]",
        "devices = [\"timer\"]",
        11,
        "`timer` drives the timer already",
        "one driver",
    );
    mistake(
        "to = \"network\"",
        "to = \"netwrok\"",
        5,
        "no component `netwrok`",
        "did you mean `network`?",
    );
    mistake(
        "to = \"network\"",
        "to = \"timer\"",
        5,
        "both ends are `timer`",
        "two components",
    );
    mistake(
        "to = \"network\"",
        "to = \"netipc\"",
        32,
        "a second event",
        "the first is on line",
    );
    mistake(
        "name = \"datagrams\"",
        "name = \"logs\"",
        7,
        "cannot be called `logs`",
        "rename",
    );
    let apart = "between = [\"kv-server\", \"kv-client\"]";
    let text = DEMO.replace("between = [\"network\", \"netipc\"]", apart);
    assert!(
        compile(&text).is_ok(),
        "first and last meet where there is one machine"
    );
    let text = text.replace("on = \"last\"", "on = [2]");
    let mistakes = compile(&text).unwrap_err();
    assert!(
        mistakes.0[0]
            .message
            .contains("never run on the same machine"),
        "{mistakes}"
    );
}

#[test]
fn a_second_component_of_a_name_is_named_with_the_first() {
    let text = format!("{DEMO}\n[[component]]\nname = \"timer\"\nprogram = \"x\"\n");
    let mistakes = compile(&text).unwrap_err();
    assert_eq!(mistakes.0.len(), 1, "{mistakes}");
    assert!(
        mistakes.0[0].remedy.contains("the first is on line 14"),
        "{mistakes}"
    );
}

#[test]
fn limits_are_named() {
    let component =
        |n: usize, more: &str| format!("[[component]]\nname = \"c{n}\"\nprogram = \"p\"\n{more}\n");
    let system = |body: String| compile(&format!("[system]\nname = \"s\"\n{body}"));
    let many = |count, more: &str| (0..count).map(|n| component(n, more)).collect::<String>();
    assert!(system(many(limits::COMPONENTS, "")).is_ok());
    let mistakes = system(many(limits::COMPONENTS + 1, "")).unwrap_err();
    assert!(
        mistakes.0[0]
            .message
            .contains("33 components: the limit is 32"),
        "{mistakes}"
    );

    let events = |n| {
        (1..=n)
            .map(|i| format!("[[event]]\nfrom = \"c{i}\"\nto = \"c0\"\n"))
            .collect::<String>()
    };
    assert!(system(many(32, "") + &events(16)).is_ok());
    let mistakes = system(many(32, "") + &events(17)).unwrap_err();
    assert!(
        mistakes.0[0]
            .message
            .contains("`c0` hears 17 others: the limit is 16"),
        "{mistakes}"
    );

    let channels = |n| {
        let one = |i| format!("[[channel]]\nname = \"n{i}\"\nbetween = [\"c0\", \"c{i}\"]\n");
        (1..=n).map(one).collect::<String>()
    };
    assert!(system(many(20, "") + &channels(12)).is_ok());
    let mistakes = system(many(20, "") + &channels(13)).unwrap_err();
    assert!(
        mistakes.0[0]
            .message
            .contains("an end of too many channels"),
        "{mistakes}"
    );
    let mistakes =
        system(component(0, "serves = [\"a\", \"b\", \"c\", \"d\", \"e\"]")).unwrap_err();
    assert!(
        mistakes.0[0]
            .message
            .contains("5 interfaces served: the limit is 4"),
        "{mistakes}"
    );
}

#[test]
fn what_is_no_toml_and_what_is_empty() {
    let mistakes = compile("[system]\nname = \"x\ny").unwrap_err();
    assert_eq!(mistakes.0[0].line, 2, "{mistakes}");
    let mistakes = compile("").unwrap_err();
    assert_eq!(mistakes.0.len(), 2, "{mistakes}");
    let mistakes = compile("component = 3\n[[system]]").unwrap_err();
    assert!(mistakes.to_string().contains("two brackets"), "{mistakes}");
    let report = compile("[system]\nnam = \"x\"\n")
        .unwrap_err()
        .in_file("x.toml")
        .to_string();
    assert!(
        report.contains("x.toml:2:1: a system has no key `nam`\n    did you mean `name`?"),
        "{report}"
    );
}

fn check_everywhere(plan: &Plan) {
    for here in Here::all() {
        for (id, _) in plan.on(here) {
            let startup = plan
                .startup(id, here, machine(here))
                .expect("a checked plan fits");
            let uses = &plan.component(id).unwrap().uses;
            let required = uses.iter().filter(|u| u.need == Need::Required).count();
            assert!(
                (required..=uses.len()).contains(&startup.endpoints.len()),
                "every server is there"
            );
        }
    }
}

#[test]
fn every_system_of_ours_starts_on_every_machine_of_every_cluster() {
    check_everywhere(&demo());
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let mut systems = 0;
    for folder in ["systems", "tests/machines/systems"] {
        let files = std::fs::read_dir(format!("{root}/{folder}")).expect("a folder of systems");
        for file in files {
            let path = file.expect("an entry").path();
            if path.extension().is_some_and(|e| e == "toml") {
                let text = std::fs::read_to_string(&path).expect("a text");
                let name = path.display().to_string();
                let plan =
                    compile(&text).unwrap_or_else(|mistakes| panic!("{}", mistakes.in_file(&name)));
                check_everywhere(&plan);
                systems += 1;
            }
        }
    }
    assert!(systems > 0);
}

/// A change of a text: which token, which other, and how.
type Change = (usize, usize, u8);

/// Swaps, repeats, removes and garbles tokens.
fn mutated(text: &str, changes: &[Change]) -> String {
    const GARBLED: [&str; 8] = [
        "-1 ",
        "99999999999999999999",
        "\"",
        "ä",
        "\"all\" ",
        "{ }",
        "[[",
        "0 ",
    ];
    let mut tokens: Vec<&str> = text
        .split_inclusive([' ', '\n', '"', '[', ']', '{', '}', ','])
        .collect();
    for &(at, other, how) in changes {
        let (at, garbled) = (at % tokens.len(), GARBLED[other % GARBLED.len()]);
        let other = other % tokens.len();
        match how {
            0 => tokens.swap(at, other),
            1 => tokens[at] = tokens[other],
            2 => tokens[at] = garbled,
            3 => tokens.insert(at, tokens[other]),
            _ => {
                tokens.remove(at);
            }
        }
    }
    tokens.concat()
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    proptest::collection::vec((0usize..1000, 0usize..1000, 0u8..5), 1..4)
}

/// Mistakes have a place in the text, a message and a remedy.
#[track_caller]
fn well_named(mistakes: &Mistakes, text: &str) {
    let lines = text.lines().count().max(1) + 1;
    assert!(!mistakes.0.is_empty());
    for mistake in &mistakes.0 {
        assert!(
            (1..=lines).contains(&mistake.line) && mistake.column >= 1,
            "{mistakes}"
        );
        assert!(
            !mistake.message.is_empty() && !mistake.remedy.is_empty(),
            "{mistakes}"
        );
    }
}

fn mistakes_or_a_sound_plan(text: &str) {
    match describe(text) {
        Ok(description) => {
            let plan = description.plan.clone();
            check_everywhere(&plan);
            for &here in &description.machines {
                let _ = (description.capabilities(here), plan.base(here));
            }
            assert_eq!(Plan::decode(&plan.encode()), Ok(plan));
        }
        Err(mistakes) => well_named(&mistakes, text),
    }
}

proptest! {
    #[test]
    fn mutations_are_mistakes_or_sound_plans(changes in changes()) {
        mistakes_or_a_sound_plan(&mutated(DEMO, &changes));
    }

    #[test]
    fn mutations_of_every_key_are_mistakes_or_sound_plans(changes in changes()) {
        mistakes_or_a_sound_plan(&mutated(FULL, &changes));
    }

    #[test]
    fn mutations_of_a_cluster_file_are_mistakes_or_placements(file in changes(), system in changes(), both: bool) {
        let text = mutated(CLUSTER, &file);
        let system = if both { mutated(FULL, &system) } else { FULL.to_owned() };
        match Cluster::read(&text) {
            Ok(cluster) => for name in cluster.systems() {
                match describe_in(&cluster, name, &system) {
                    Ok(found) => prop_assert_eq!(found.plan.check(), Ok(())),
                    Err(mistakes) => well_named(&mistakes, &system),
                }
            },
            Err(mistakes) => well_named(&mistakes, &text),
        }
    }

    #[test]
    fn any_text_is_read_without_harm(text in "\\PC{0,200}") {
        let _ = compile(&text);
    }
}
