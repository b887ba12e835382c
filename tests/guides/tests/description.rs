//! The guide to the description has every key that the parser knows and no other, and its examples are right.

use std::collections::{BTreeMap, BTreeSet};

use guides::root;
use isthmus_description::Cluster;

fn guide() -> String {
    std::fs::read_to_string(root().join("docs/description.md")).expect("the guide")
}

/// The headings under which the keys of each kind of table are explained.
fn table_of(heading: &str) -> Option<&'static str> {
    Some(match heading.trim_start_matches('#').trim() {
        "`[system]`" => "system",
        "`[[component]]`" => "component",
        "`uses`" => "use",
        "`[[channel]]`" => "channel",
        "`[[event]]`" => "event",
        "`[[policy]]`" => "policy",
        "`[cluster]`" => "cluster",
        "`[[machine]]`" => "machine",
        _ => return None,
    })
}

/// Each explained key, with its example.
fn explained(guide: &str) -> BTreeMap<(&str, &str), &str> {
    let mut found = BTreeMap::new();
    let mut table = None;
    for line in guide.lines() {
        if line.starts_with('#') {
            table = table_of(line);
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let (Some(table), [_, key, _, _, example, _]) = (table, &cells[..]) else {
            continue;
        };
        if let Some(key) = key.strip_prefix('`').and_then(|key| key.strip_suffix('`')) {
            let twice = found.insert((table, key), example.trim_matches('`'));
            assert!(twice.is_none(), "{table}: `{key}` is explained twice");
        }
    }
    found
}

#[test]
fn every_key_is_explained_and_none_that_is_not_there() {
    let guide = guide();
    let explained: BTreeSet<(&str, &str)> = explained(&guide).into_keys().collect();
    let known = isthmus_description::keys();
    let missing: Vec<_> = known.difference(&explained).collect();
    assert!(missing.is_empty(), "the guide does not explain {missing:?}");
    let unknown: Vec<_> = explained.difference(&known).collect();
    assert!(unknown.is_empty(), "the parser does not know {unknown:?}");
}

#[test]
fn every_key_has_an_example_that_is_toml() {
    for ((table, key), example) in explained(&guide()) {
        let value: Result<toml::Table, _> = toml::from_str(example);
        let value = value.unwrap_or_else(|error| panic!("{table}: {example}: {error}"));
        assert!(
            value.contains_key(key),
            "{table}: the example of `{key}` is {example}"
        );
    }
}

#[test]
fn whole_examples_are_right() {
    let guide = guide();
    let mut examples = 0;
    for block in guide.split("```toml\n").skip(1) {
        let text = block.split("```").next().unwrap_or_default();
        if text.contains("[cluster]") {
            Cluster::read(text).unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"));
        } else {
            isthmus_description::describe(text)
                .unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"));
        }
        examples += 1;
    }
    assert!(examples >= 3);
}
