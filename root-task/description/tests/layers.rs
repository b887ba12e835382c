//! Blocking calls go down only, and never in a circle.

use isthmus_description::{Layer, describe};

/// Components `name serves uses`, each with a worker.
fn system(components: &[(&str, &str, &str)]) -> String {
    let one = |(name, serves, uses): &(&str, &str, &str)| {
        format!(
            "[[component]]\nname = \"{name}\"\nprogram = \"p\"\nthreads = 1\nserves = [{serves}]\nuses = [{uses}]\n"
        )
    };
    let all: String = components.iter().map(one).collect();
    format!("[system]\nname = \"s\"\n{all}")
}

#[track_caller]
fn messages(components: &[(&str, &str, &str)]) -> Vec<String> {
    match describe(&system(components)) {
        Ok(_) => Vec::new(),
        Err(mistakes) => mistakes.0.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_layer_follows_from_what_is_served_and_driven() {
    let text = system(&[
        ("a", "\"naming\"", ""),
        ("b", "\"scheduler\"", ""),
        ("c", "\"memory\"", ""),
        ("d", "\"netipc\"", ""),
        ("e", "\"network\"", ""),
        ("f", "\"kv\"", ""),
        ("g", "", ""),
        (
            "h",
            "\"kv2\"",
            "]\nlayer = \"system\"\ndevices = [\"console\"",
        ),
        ("i", "\"disk\"", "]\ndevices = [\"timer\""),
    ]) + "[[channel]]\nname = \"runs\"\nbetween = [\"b\", \"d\"]\n";
    let found = describe(&text).unwrap_or_else(|m| panic!("{m}")).layers;
    use Layer::{Application, Device, Memory, Netipc, System};
    let wanted = [
        System,
        System,
        Memory,
        Netipc,
        Device,
        Application,
        Application,
        System,
        Device,
    ];
    assert_eq!(found, wanted);
}

#[test]
fn calls_go_down() {
    let netipc = ("netipc", "\"netipc\"", "");
    assert!(messages(&[netipc, ("naming", "\"naming\"", "\"netipc\"")]).is_empty());
    let up = messages(&[
        ("netipc", "\"netipc\"", "\"naming\""),
        ("naming", "\"naming\"", ""),
    ]);
    assert_eq!(up.len(), 1, "{up:?}");
    assert!(
        up[0].starts_with(
            "8:9: `netipc` (layer netipc) calls up and waits: `naming` is of layer system"
        ),
        "{up:?}"
    );
    assert!(
        up[0].contains("{ interface = \"naming\", by = \"worker\" }"),
        "{up:?}"
    );
    let worker = "{ interface = \"naming\", by = \"worker\" }";
    let both_ways = [
        ("netipc", "\"netipc\"", worker),
        ("naming", "\"naming\"", "\"netipc\""),
    ];
    assert!(
        messages(&both_ways).is_empty(),
        "a worker may wait for those above"
    );
}

#[test]
fn a_circle_is_one_mistake_wherever_it_begins() {
    let circle = messages(&[
        ("a", "\"a\"", "\"b\""),
        ("b", "\"b\"", "\"c\""),
        ("c", "\"c\"", "\"a\""),
        ("d", "", "\"a\""),
    ]);
    assert_eq!(circle.len(), 1, "{circle:?}");
    assert!(
        circle[0].contains("a circle of calls: a -> b -> c -> a"),
        "{circle:?}"
    );
    let with_worker = messages(&[
        ("a", "\"a\"", "\"b\""),
        ("b", "\"b\"", "\"c\""),
        ("c", "\"c\"", "{ interface = \"a\", by = \"worker\" }"),
    ]);
    assert!(with_worker.is_empty(), "{with_worker:?}");
}
