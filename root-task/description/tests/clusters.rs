//! A cluster file names machines, and systems may then name them too.

use isthmus_description::cluster::{Processor, Random};
use isthmus_description::{Cluster, Here, describe, describe_in, keys};

const CLUSTER: &str = include_str!("cluster.toml");
const FULL: &str = include_str!("full.toml");

fn cluster() -> Cluster {
    Cluster::read(CLUSTER).unwrap_or_else(|mistakes| panic!("{}", mistakes.in_file("cluster.toml")))
}

#[test]
fn machines_are_what_the_file_says() {
    let cluster = cluster();
    assert_eq!(cluster.name, "trio");
    assert_eq!(cluster.systems(), ["full.toml", "other.toml"]);
    let [a, b, c] = &cluster.machines[..] else {
        panic!("three machines")
    };
    assert_eq!(
        (a.processor, a.memory_bytes),
        (Processor::X86_64, Some(256 << 20))
    );
    assert_eq!((b.processor, b.memory_bytes), (Processor::Aarch64, None));
    assert_eq!((a.random, b.random), (Random::Host, Random::VirtioRng));
    assert_eq!(
        (a.arguments.as_str(), c.system.as_str()),
        ("rounds=20", "other.toml")
    );
}

#[test]
fn components_run_where_the_cluster_says() {
    let found = describe_in(&cluster(), "full.toml", FULL).unwrap_or_else(|m| panic!("{m}"));
    let here = |node| Here { node, nodes: 3 };
    assert_eq!(found.machines, [here(1), here(2)]);
    let runs = |name: &str, node| {
        let (id, _) = found.plan.find(name).expect("it is there");
        found.plan.runs(id, here(node))
    };
    assert!(runs("client", 1) && runs("client", 2));
    assert!(runs("kv-1", 1) && runs("kv-1", 2));

    let labelled = FULL.replace("on = [1, 2]", "on = [\"disk\"]");
    let other = Cluster::read(&CLUSTER.replace("client = [\"edge\"]\n", "")).unwrap();
    let found = describe_in(&other, "full.toml", &labelled).unwrap_or_else(|m| panic!("{m}"));
    let (id, _) = found.plan.find("client").unwrap();
    assert!(found.plan.runs(id, here(1)) && !found.plan.runs(id, here(2)));
    let mistakes = describe(&labelled).unwrap_err();
    assert!(
        mistakes.to_string().contains("there is no cluster file"),
        "{mistakes}"
    );
    let wrong = FULL.replace("on = [1, 2]", "on = [\"disc\"]");
    let mistakes = describe_in(&other, "full.toml", &wrong).unwrap_err();
    assert!(
        mistakes.to_string().contains("did you mean `disk`?"),
        "{mistakes}"
    );
}

#[test]
fn only_the_machines_of_the_cluster_matter() {
    // `first` and `last` are two machines here, so a use between them leads nowhere; alone they are one.
    let pair = "[cluster]\nname = \"c\"\nsystem = \"s\"\n[[machine]]\nname = \"a\"\n[[machine]]\nname = \"b\"\n";
    let system = |on: &str| {
        format!(
            "[system]\nname = \"s\"\n[[component]]\nname = \"s\"\nprogram = \"p\"\nserves = [\"s\"]\non = [1, 2]\n\
             [[component]]\nname = \"u\"\nprogram = \"p\"\nuses = [\"s\"]\non = {on}\n"
        )
    };
    let cluster = Cluster::read(pair).unwrap();
    assert!(describe_in(&cluster, "s", &system("\"all\"")).is_ok());
    assert!(
        describe(&system("\"all\"")).is_err(),
        "of three machines the third has no server"
    );
}

#[test]
fn mistakes_of_a_cluster_file_are_named() {
    #[track_caller]
    fn mistake(from: &str, to: &str, message: &str, remedy: &str) {
        assert!(CLUSTER.contains(from), "{from:?} is there");
        let text = CLUSTER.replacen(from, to, 1);
        let mistakes = Cluster::read(&text).expect_err("there is a mistake");
        assert!(mistakes.0[0].message.contains(message), "{mistakes}");
        assert!(mistakes.0[0].remedy.contains(remedy), "{mistakes}");
        assert!(
            mistakes.0[0].line > 1 || mistakes.0[0].column == 1,
            "{mistakes}"
        );
    }
    mistake(
        "[cluster]\nname = \"trio\"",
        "[cluster]\n",
        "`name` is missing",
        "pair",
    );
    mistake(
        "system = \"full.toml\"\n",
        "",
        "nothing says what the machine runs",
        "below [cluster]",
    );
    mistake(
        "\"machine-b\"\narch",
        "\"machine-a\"\narch",
        "a machine or a label already",
        "rename",
    );
    mistake(
        "arch = \"x86_64\"",
        "arch = \"riscv\"",
        "`arch` has no such value",
        "aarch64",
    );
    mistake("256MiB", "1MiB", "less than is useful", "64MiB");
    mistake(
        "labels = [\"edge\"]",
        "labels = \"edge\"",
        "not a list",
        "labels",
    );
    mistake(
        "[\"edge\"]\nkv-1",
        "[\"egde\"]\nkv-1",
        "no machine of the cluster",
        "did you mean `edge`?",
    );
    mistake(
        "[on]",
        "[no]",
        "a cluster file has no `no`",
        "did you mean `on`?",
    );
    let mistakes = cluster()
        .check_names(["client", "kv-0"].into_iter())
        .unwrap_err();
    assert!(
        mistakes
            .to_string()
            .contains("no system of the cluster has a component `kv-1`"),
        "{mistakes}"
    );
    assert!(
        cluster()
            .check_names(["client", "kv-1"].into_iter())
            .is_ok()
    );
    let many = (0..9)
        .map(|n| format!("[[machine]]\nname = \"m{n}\"\n"))
        .collect::<String>();
    let mistakes =
        Cluster::read(&format!("[cluster]\nname = \"c\"\nsystem = \"s\"\n{many}")).unwrap_err();
    assert!(
        mistakes.to_string().contains("more than 8 machines"),
        "{mistakes}"
    );
}

#[test]
fn the_tests_files_have_every_key() {
    for (table, key) in keys() {
        let text = match table {
            "cluster" | "machine" => CLUSTER,
            _ => FULL,
        };
        assert!(text.contains(&format!("{key} = ")), "{table}: {key}");
    }
    assert!(keys().len() > 40, "{:?}", keys());
}
