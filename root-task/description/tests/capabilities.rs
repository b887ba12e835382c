//! The plan's capabilities have the lines that gave them, and every difference to what a machine says is seen.

use isthmus_abi::Slot;
use isthmus_description::capabilities::{Found, Object, Presence, Verdict};
use isthmus_description::{Description, Here, describe};

const FULL: &str = include_str!("full.toml");
const HERE: Here = Here { node: 1, nodes: 2 };

fn full() -> Description {
    describe(FULL).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// What a machine says on which all is as planned.
fn obedient(description: &Description) -> Vec<Found> {
    let planned = description.capabilities(HERE);
    let always = planned.iter().filter(|c| c.presence == Presence::Always);
    let line = |c: &isthmus_description::Capability| {
        format!(
            "cap {} {} {} {} {:#x}",
            c.name,
            c.slot.0,
            c.object,
            c.rights.letters(),
            c.badge
        )
    };
    always
        .map(|c| Found::read(&line(c)).expect("a line"))
        .collect()
}

#[test]
fn each_capability_has_its_line() {
    let description = full();
    let lines: Vec<&str> = FULL.lines().collect();
    for c in description.capabilities(HERE) {
        let line = lines[c.line - 1];
        let wanted = match c.key {
            "[[component]]" => "name = ".to_owned(),
            "[[event]]" => "from = ".to_owned(),
            "[[channel]]" => "name = ".to_owned(),
            // Items of a list may stand on lines of their own.
            "uses" if !line.contains("uses") => "interface = ".to_owned(),
            key => format!("{key} = "),
        };
        assert!(line.contains(&wanted), "{c:?}: {line}");
    }
}

#[test]
fn what_is_planned_is_right() {
    let description = full();
    let compared = description.compare(HERE, &obedient(&description));
    assert!(compared.agrees());
    assert!(
        compared
            .planned
            .iter()
            .all(|(_, v)| matches!(v, Verdict::Right | Verdict::NotNeeded))
    );
}

#[test]
fn every_difference_is_seen() {
    let description = full();
    let good = obedient(&description);
    for index in 0..good.len() {
        let disagrees = |change: &dyn Fn(&mut Vec<Found>)| {
            let mut found = good.clone();
            change(&mut found);
            !description.compare(HERE, &found).agrees()
        };
        assert!(
            disagrees(&|all| drop(all.remove(index))),
            "missing: {:?}",
            good[index]
        );
        assert!(
            disagrees(&|all| all[index].rights = "rw-".into()),
            "{:?}",
            good[index]
        );
        let other = if good[index].kind == "thread" {
            "cnode"
        } else {
            "thread"
        };
        assert!(
            disagrees(&|all| all[index].kind = other.into()),
            "{:?}",
            good[index]
        );
        if good[index].kind != Object::CNode.to_string() && good[index].kind != "thread" {
            assert!(disagrees(&|all| all[index].badge += 1), "{:?}", good[index]);
        }
        let more = |all: &mut Vec<Found>| {
            let mut one = all[index].clone();
            one.slot = Slot(60);
            all.push(one);
        };
        assert!(disagrees(&more), "one too many: {:?}", good[index]);
    }
}

#[test]
fn what_starts_on_request_need_not_be_asked() {
    let description = full();
    let mut found = obedient(&description);
    found.retain(|one| !one.holder.starts_with("kv-"));
    let compared = description.compare(HERE, &found);
    assert!(compared.agrees());
    let not_asked = compared
        .planned
        .iter()
        .filter(|(_, v)| *v == Verdict::NotAsked);
    assert!(not_asked.count() > 10);
    found.retain(|one| one.holder != "timer");
    assert!(
        !description.compare(HERE, &found).agrees(),
        "the timer starts at boot"
    );
}

#[test]
fn what_is_handed_over_is_no_surprise() {
    let description = full();
    let mut found = obedient(&description);
    let (_, memory) = description.plan.find("memory").expect("the memory server");
    let line = format!("cap memory {} type-2 rwg 0x0", memory.hand_over().first.0);
    found.push(Found::read(&line).expect("a line"));
    let compared = description.compare(HERE, &found);
    assert!(compared.agrees());
    assert_eq!(compared.handed_over.len(), 1);
    for bad in [
        "",
        "cap",
        "cap a b c d 0x0",
        "cap a 1 endpoint rwg 0",
        "cap a 1 endpoint rwg 0x0 more",
        "caps of x: y",
    ] {
        assert!(
            Found::read(bad).is_none() && Found::read_count(bad).is_none(),
            "{bad}"
        );
    }
    assert_eq!(Found::read_count("caps of kv: 12"), Some(("kv", 12)));
}
