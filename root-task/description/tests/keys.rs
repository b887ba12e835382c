//! The keys by which a description says how a component lives: arguments, instances, servers by name, restarts, quotas.

use isthmus_abi::limits;
use isthmus_abi::startup::{Components, Machine, Permission, Seed};
use isthmus_description::{Plan, compile};
use isthmus_plan::plan::{Caller, Need, Restart, RestartPolicy, RestartWith, Start};
use isthmus_plan::{Here, Starter};

const ONE: Here = Here { node: 1, nodes: 1 };

/// A machine with a driver, a memory server, a scheduler, and one server of `kv`; `more` follows.
fn with(more: &str) -> String {
    format!(
        r#"
[system]
name = "s"
[[component]]
name = "timer"
program = "timer-server"
devices = ["timer"]
serves = ["timer"]
[[component]]
name = "memory"
program = "memory-server"
serves = ["memory"]
[[component]]
name = "scheduler"
program = "scheduler-server"
serves = ["scheduler"]
uses = ["memory", "timer"]
[[component]]
name = "kv"
program = "kv-server"
serves = ["kv"]
{more}"#
    )
}

#[track_caller]
fn plan(more: &str) -> Plan {
    compile(&with(more)).unwrap_or_else(|mistakes| panic!("{}", mistakes.in_file("s.toml")))
}

/// Expects one mistake, where `more` has the mark `‸`.
#[track_caller]
fn mistake(more: &str, message: &str, remedy: &str) {
    let marked = with(more);
    let at = marked.find('‸').expect("the place is marked");
    let line = marked[..at].matches('\n').count() + 1;
    let column = at - marked[..at].rfind('\n').map_or(0, |n| n + 1) + 1;
    let mistakes = compile(&marked.replace('‸', "")).expect_err("there is a mistake");
    assert_eq!(mistakes.0.len(), 1, "{mistakes}");
    let first = &mistakes.0[0];
    assert_eq!((first.line, first.column), (line, column), "{mistakes}");
    assert!(first.message.contains(message), "{mistakes}");
    assert!(first.remedy.contains(remedy), "{mistakes}");
}

fn arguments(plan: &Plan, component: &str, machine: &str) -> isthmus_abi::Startup {
    let (id, _) = plan.find(component).expect("the component is there");
    let machine = Machine {
        node: 1,
        nodes: 1,
        counter_hz: 1,
        seed: Seed(Default::default()),
        randomness: isthmus_abi::startup::Randomness::Guessable,
        arguments: heapless::String::try_from(machine).expect("a short line"),
    };
    plan.startup(id, ONE, machine).expect("it fits")
}

#[test]
fn arguments_are_a_text_or_a_table_and_reach_the_program() {
    let text = plan("arguments = \"rounds=10  mode=fast\"");
    let table = plan("arguments = { rounds = 0xa, mode = \"fast\", quiet = true }");
    for (plan, quiet) in [(text, None), (table, Some("true"))] {
        let startup = arguments(&plan, "kv", "mode=slow");
        assert_eq!(startup.argument("rounds"), Some("10"));
        assert_eq!(startup.argument("mode"), Some("slow"), "typed at the start");
        assert_eq!(startup.argument("quiet"), quiet);
        assert_eq!(arguments(&plan, "timer", "").argument("rounds"), None);
    }
    mistake(
        "arguments = ‸\"rounds\"",
        "\"rounds\" is no pair",
        "write pairs",
    );
    mistake(
        "arguments = ‸3",
        "neither a text nor a table",
        "write pairs",
    );
    mistake(
        "arguments = ‸{ a = \"x y\" }",
        "holds a blank",
        "write pairs",
    );
    mistake("arguments = ‸{ a = 1.5 }", "`a` is neither", "write pairs");
    mistake(
        "arguments = ‸{ \"a=b\" = 1 }",
        "no argument's key",
        "write pairs",
    );
    let long = format!("arguments = ‸\"a={}\"", "x".repeat(300));
    mistake(&long, "302 bytes", "at most 256");
}

/// Naming is told where the trees of its clients begin, and nobody else is.
#[test]
fn a_tree_of_names_begins_at_a_directory() {
    let naming = |uses: &str| {
        format!(
            "[[component]]\nname = \"naming\"\nprogram = \"naming-server\"\nserves = [\"naming\"]\n\
             [[component]]\nname = \"free\"\nprogram = \"p\"\nuses = [\"naming\"]\n\
             [[component]]\nname = \"bound\"\nprogram = \"p\"\nuses = [{uses}]\n"
        )
    };
    let plan = plan(&naming(
        "{ interface = \"naming\", directory = \"/apps/bound\" }",
    ));
    let (bound, _) = plan.find("bound").expect("it is there");
    let roots = arguments(&plan, "naming", "").roots;
    let roots: Vec<_> = roots
        .iter()
        .map(|r| (r.client, r.directory.as_str()))
        .collect();
    assert_eq!(roots, [(bound, "/apps/bound")]);
    for other in ["free", "bound", "scheduler"] {
        assert!(arguments(&plan, other, "").roots.is_empty(), "{other}");
    }
    for (value, remedy) in [
        ("‸\"apps\"", "begins with a slash"),
        ("‸\"/\"", "each part of a directory is a name"),
        ("‸\"/apps/../x\"", "starts with a lower-case letter"),
        ("‸\"/node/2\"", "no directory is called `node`"),
        ("‸3", "write it in quotes"),
    ] {
        let uses = naming(&format!(
            "{{ interface = \"naming\", directory = {value} }}"
        ));
        mistake(&uses, "`directory` is no directory", remedy);
    }
    mistake(
        &naming("{ interface = \"kv\", directory = ‸\"/apps\" }"),
        "`kv` has none",
        "remove it",
    );
    let many: String = (0..=limits::DIRECTORIES)
        .map(|i| {
            let mark = if i == limits::DIRECTORIES { "‸" } else { "" };
            format!(
                "[[component]]\nname = \"c{i}\"\nprogram = \"p\"\n\
                 uses = [{{ interface = \"naming\", directory = {mark}\"/apps\" }}]\n"
            )
        })
        .collect();
    mistake(
        &(naming("\"naming\"") + &many),
        "more uses with a `directory` than 16",
        "let some begin at the root",
    );
}

#[test]
fn instances_are_components_with_a_number() {
    let plan = plan(
        r#"instances = 3
[[component]]
name = "client"
program = "kv-client"
uses = [{ interface = "kv", from = "kv-2" }, { interface = "kv", from = "kv-0" }]
[[event]]
from = "kv"
to = "client"
[[event]]
from = "client"
to = "kv-1"
[[channel]]
name = "data"
between = ["client", "kv"]
"#,
    );
    let names: Vec<&str> = plan.all().map(|(_, c)| c.name.as_str()).collect();
    assert_eq!(
        names.join(" "),
        "timer memory scheduler kv-0 kv-1 kv-2 client"
    );
    let startup = arguments(&plan, "kv-1", "");
    assert_eq!(startup.instance, 1);
    assert!(startup.event("client").is_ok() && startup.channel("data-1").is_ok());
    assert!(startup.channel("data-2").is_err());
    let startup = arguments(&plan, "client", "");
    assert_eq!(startup.endpoint("kv"), startup.endpoint_from("kv", "kv-2"));
    assert_ne!(
        startup.endpoint_from("kv", "kv-0"),
        startup.endpoint_from("kv", "kv-2")
    );
    for server in ["kv-0", "kv-1", "kv-2"] {
        assert!(startup.event(server).is_ok(), "{server}");
    }
}

#[test]
fn mistakes_about_instances() {
    mistake(
        "instances = ‸0",
        "`instances` is 0, out of range",
        "from 1 to 32",
    );
    mistake(
        "instances = 2\n[[component]]\nname = \"c\"\nprogram = \"p\"\nuses = [‸\"kv\"]",
        "both `kv-0` and `kv-1` serve `kv` on machine 1 of 1",
        "{ interface = \"kv\", from = \"kv-0\" }",
    );
    mistake(
        "instances = 2\n[[component]]\nname = ‸\"kv-1\"\nprogram = \"p\"",
        "a second component `kv-1`",
        "the first is on line 19",
    );
    mistake(
        "instances = 2\n[[component]]\nname = \"c\"\nprogram = \"p\"\ninstances = 2\n[[channel]]\nname = ‸\"d\"\nbetween = [\"kv\", \"c\"]",
        "both ends of `d` have instances",
        "name one of them, like `kv-0`",
    );
    mistake(
        "[[component]]\nname = ‸\"a-name-of-24-bytes-long0\"\nprogram = \"p\"\ninstances = 2",
        "is not a name",
        "number included",
    );
}

#[test]
fn a_server_is_named_by_from() {
    let client = |uses: &str| {
        format!("[[component]]\nname = \"c\"\nprogram = \"p\"\nserves = [\"c\"]\nuses = [{uses}]")
    };
    let found = plan(&client(
        "{ interface = \"kv\", from = \"kv\" }, { interface = \"disk\", optional = true }",
    ));
    let uses = &found.find("c").unwrap().1.uses;
    assert_eq!(uses[0].from, Some(found.find("kv").unwrap().0));
    assert_eq!(
        (uses[0].need, uses[0].caller),
        (Need::Required, Caller::Anyone)
    );
    assert_eq!((uses[1].need, uses[1].from), (Need::Optional, None));
    let startup = arguments(&found, "c", "");
    assert!(startup.endpoint("kv").is_ok() && startup.endpoint("disk").is_err());

    let wrong = |uses: &str, message: &str, remedy: &str| mistake(&client(uses), message, remedy);
    wrong(
        "{ interface = \"kv\", from = ‸\"vk\" }",
        "no component `vk`",
        "did you mean `kv`?",
    );
    wrong(
        "{ interface = \"kv\", from = ‸\"timer\" }",
        "`timer` does not serve `kv`",
        "there is: kv",
    );
    wrong(
        "{ interface = \"kv\", from = ‸\"c\" }",
        "which it serves itself",
        "another component",
    );
    wrong(
        "\"kv\", ‸\"kv\"",
        "a second interface in `uses` `kv`",
        "by `from`",
    );
    wrong(
        "‸{ from = \"kv\" }",
        "`interface` is missing",
        "interface = \"kv\"",
    );
    wrong(
        "{ interface = \"kv\", by = ‸\"me\" }",
        "`by` has no such value",
        "\"anyone\" or \"worker\"",
    );
    wrong(
        "‸{ interface = \"kv\", by = \"worker\" }",
        "has no worker",
        "threads = 1",
    );
    wrong(
        "{ interface = \"kv\", optional = ‸1 }",
        "neither true nor false",
        "without quotes",
    );
    wrong(
        "{ interface = \"kv\", ‸of = \"kv\" }",
        "a use has no key `of`",
        "did you mean `by`?",
    );
    mistake(
        "on = [2]\n[[component]]\nname = \"c\"\nprogram = \"p\"\nuses = [{ interface = \"kv\", from = ‸\"kv\" }]",
        "runs on machine 1 of 1, where `kv` does not",
        "optional = true",
    );
    mistake(
        "[[component]]\nname = ‸\"second\"\nprogram = \"p\"\nserves = [\"memory\"]\n",
        "both `memory` and `second` serve `memory`",
        "a machine has one",
    );
}

#[test]
fn restarts_quotas_and_shares_are_in_the_plan() {
    let plan = plan(
        "start = \"on-request\"\nrestart = \"on-failure\"\nback_off = \"2s\"\nrestarts = 3\nwith_dependants = true\n\
         cpu = \"25%\"\nmemory = \"5000B\"\nuses = [\"memory\"]",
    );
    let kv = plan.find("kv").unwrap().1;
    assert_eq!((kv.start, kv.cpu.percent()), (Start::OnRequest, 25));
    assert_eq!(kv.memory_bytes, 8192, "whole pages");
    let policy = RestartPolicy {
        back_off_milliseconds: 2000,
        restarts: 3,
        with: RestartWith::Dependants,
    };
    assert_eq!(kv.restart, Restart::OnFailure(policy));
    let timer = plan.find("timer").unwrap().1;
    assert_eq!((timer.start, timer.restart), (Start::Boot, Restart::Never));
    assert!(!timer.cpu.is_limited());
}

#[test]
fn mistakes_about_restarts_quotas_and_shares() {
    mistake(
        "back_off = ‸\"1s\"",
        "`back_off` says how",
        "restart = \"on-failure\"",
    );
    mistake(
        "with_dependants = ‸true",
        "`with_dependants` says how",
        "remove",
    );
    mistake(
        "restart = ‸\"always\"",
        "`restart` has no such value",
        "\"never\" or \"on-failure\"",
    );
    let failing = "restart = \"on-failure\"\n";
    mistake(
        &format!("{failing}back_off = ‸100"),
        "`back_off` is not a time",
        "\"60000ms\"",
    );
    mistake(
        &format!("{failing}back_off = ‸\"61s\""),
        "61000 ms, out of range",
        "\"60000ms\"",
    );
    mistake(
        &format!("{failing}restarts = ‸0"),
        "out of range",
        "from 1 to 1000",
    );
    mistake("cpu = ‸25", "not a share", "in quotes");
    mistake("cpu = ‸\"0%\"", "not a share", "\"1%\"");
    mistake("cpu = ‸\"101%\"", "not a share", "\"100%\"");
    mistake(
        "memory = ‸\"2MiB\"",
        "nobody to ask",
        "add \"memory\" to `uses`",
    );
    mistake(
        "memory = ‸\"2048MiB\"",
        "more than the limit",
        "at most 1024MiB",
    );
    mistake(
        "start = ‸\"later\"",
        "`start` has no such value",
        "on-request",
    );
}

#[test]
fn the_base_is_what_drivers_and_the_scheduler_depend_on() {
    let plan = plan(
        r#"
[[component]]
name = "network"
program = "p"
devices = ["virtio-net"]
serves = ["network"]
[[component]]
name = "netipc"
program = "p"
uses = ["network", "timer"]
serves = ["netipc"]
[[channel]]
name = "datagrams"
between = ["network", "netipc"]
[[component]]
name = "checksums"
program = "p"
[[channel]]
name = "sums"
between = ["checksums", "network"]
[[channel]]
name = "runs"
between = ["scheduler", "netipc"]
[[event]]
from = "timer"
to = "netipc"
"#,
    );
    let base: Vec<&str> = plan
        .all()
        .filter(|(id, _)| plan.starter(*id, ONE) == Starter::RootTask)
        .map(|(_, c)| c.name.as_str())
        .collect();
    assert_eq!(base.join(" "), "timer memory scheduler network checksums");
    let timer = plan.find("timer").unwrap().0;
    let names = plan.dependants(timer, ONE).iter();
    let names: Vec<&str> = names
        .map(|id| plan.component(id).unwrap().name.as_str())
        .collect();
    assert_eq!(names.join(" "), "scheduler netipc");
}

#[test]
fn what_needs_the_scheduler_is_told_where_there_is_none() {
    let text = "[system]\nname = \"s\"\n[[component]]\nname = \"a\"\nprogram = \"p\"\nrestart = \"on-failure\"\n";
    let mistakes = compile(text).expect_err("there is no scheduler");
    assert_eq!(
        (mistakes.0[0].line, mistakes.0[0].column),
        (6, 11),
        "{mistakes}"
    );
    assert!(
        mistakes.0[0].message.contains("needs the scheduler"),
        "{mistakes}"
    );
    let driver = "[[component]]\nname = \"driver\"\nprogram = \"p\"\ndevices = [\"console\"]\n";
    for key in [
        "cpu = ‸\"50%\"",
        "start = ‸\"on-request\"",
        "restart = ‸\"on-failure\"",
    ] {
        mistake(&format!("{driver}{key}"), "of the base", "remove");
    }
}

/// Each machine's proxy is told what may go to each other machine; nobody else is.
#[test]
fn what_goes_to_other_machines_is_a_policy() {
    let netipc = "[[component]]\nname = \"netipc\"\nprogram = \"p\"\nserves = [\"netipc\"]\n\
                  [[channel]]\nname = \"runs\"\nbetween = [\"scheduler\", \"netipc\"]\n";
    let with_rules = |rules: &str| format!("instances = 2\n{netipc}{rules}");
    let told = |plan: &Plan, node: u8, component: &str| {
        let (id, _) = plan.find(component).expect("the component is there");
        let machine = Machine {
            node,
            nodes: 3,
            counter_hz: 1,
            seed: Seed(Default::default()),
            randomness: isthmus_abi::startup::Randomness::Guessable,
            arguments: Default::default(),
        };
        let here = Here { node, nodes: 3 };
        plan.startup(id, here, machine).expect("it fits").policy
    };
    let free = plan(&with_rules(""));
    assert_eq!(
        told(&free, 1, "netipc"),
        None,
        "without rules nothing is kept back"
    );
    let bound = plan(&with_rules(
        "[[policy]]\non = [1]\npeers = \"last\"\nexports = [\"kv\"]\nhand_on = \"none\"\n\
         [[policy]]\non = [1, 3]\npeers = [2]\nnames = \"none\"\nexports = \"none\"\n\
         [[policy]]\non = [1, 2]\n",
    ));
    let [kv, other, timer] =
        ["kv-0", "kv-1", "timer"].map(|name| bound.find(name).expect("it is there").0);
    let first = told(&bound, 1, "netipc").expect("there are rules");
    let [second, third] = &first[..] else {
        panic!("two others: {first:?}")
    };
    assert_eq!((second.node, third.node), (2, 3));
    assert_eq!(
        (second.exports, second.names),
        (Components::NONE, Permission::Refused)
    );
    assert_eq!(second.hand_on, Permission::Granted);
    assert!(third.exports.contains(kv) && third.exports.contains(other));
    assert!(!third.exports.contains(timer));
    assert_eq!(
        (third.names, third.hand_on),
        (Permission::Granted, Permission::Refused)
    );
    let open = told(&bound, 2, "netipc").expect("there are rules");
    assert!(open.iter().all(|peer| peer.exports == Components::ALL));
    // On machine 3 no rule speaks of machine 1.
    let closed = told(&bound, 3, "netipc").expect("there are rules")[0];
    assert_eq!((closed.node, closed.exports), (1, Components::NONE));
    assert_eq!([closed.names, closed.hand_on], [Permission::Refused; 2]);
    assert_eq!(told(&bound, 1, "kv-0"), None);

    let wrong = |rule: &str, message: &str, remedy: &str| {
        mistake(&with_rules(&format!("[[policy]]\n{rule}")), message, remedy);
    };
    wrong("exports = [‸\"kw\"]", "no component `kw`", "kv-0");
    wrong(
        "exports = ‸3",
        "`exports` has no such value",
        "a list of components",
    );
    wrong(
        "exports = ‸\"kv\"",
        "`exports` has no such value",
        "[\"kv-server\"]",
    );
    wrong("names = ‸\"some\"", "`names` has no such value", "\"none\"");
    wrong(
        "peers = ‸[9]",
        "`peers` is no placement",
        "a list of machines",
    );
    wrong("‸to = [2]", "a policy has no key `to`", "");
    let many = "[[policy]]\n".repeat(limits::POLICY_RULES);
    mistake(
        &with_rules(&(many + "‸[[policy]]\n")),
        "17 rules",
        "join some",
    );
}

/// Where a scheduler and netipc are on one machine, the one tells the other who has ended.
#[test]
fn netipc_is_told_whose_run_has_ended() {
    const NETIPC: &str = r#"
[[component]]
name = "proxy"
program = "netipc-proxy"
serves = ["netipc"]
uses = ["timer"]
"#;
    let mistakes = compile(&with(NETIPC)).expect_err("nobody tells it");
    let said = mistakes.to_string();
    for part in [
        "nobody tells `proxy` when a component has ended",
        r#"name = "runs", between = ["scheduler", "proxy"]"#,
    ] {
        assert!(said.contains(part), "{said}");
    }
    for ends in [r#"["scheduler", "proxy"]"#, r#"["proxy", "scheduler"]"#] {
        let channel = format!("[[channel]]\nname = \"runs\"\nbetween = {ends}\nsize = \"4KiB\"\n");
        let told = compile(&with(&format!("{NETIPC}{channel}")));
        assert!(told.is_ok(), "{:?}", told.err().map(|m| m.to_string()));
    }
}
