//! Cluster-wide names whose owner the view says: nobody but the owner tells what they stand for.

mod common;

use common::{Capability, Machine, PEER, component, lease, path};
use naming_interface::{NamingError, Reach, Standing};
use naming_logic::{NAMES, Owner, Place, Why, id_of};

const HERE: u8 = 2;
const US: Owner = Owner::Here { epoch: 7 };
const THEM: Owner = Owner::There { node: 1, epoch: 8 };

fn machine() -> (Machine, Capability) {
    let mut machine = Machine::new(HERE, 3);
    machine.names.go_by_view();
    let kv = machine
        .register(&component(1), "kv", 60_000, Reach::Cluster)
        .unwrap();
    machine
        .register(&component(1), "own", 60_000, Reach::Machine)
        .unwrap();
    (machine, kv)
}

#[test]
fn only_what_is_the_clusters_is_contested() {
    let (machine, _) = machine();
    let contested = |text| machine.names.contested(&component(2), &path(text));
    assert_eq!(contested("kv"), Some(path("kv")));
    assert_eq!(contested("elsewhere"), Some(path("elsewhere")));
    for text in ["own", "node/2/kv", "node/1/kv", "node"] {
        assert_eq!(contested(text), None, "{text}");
    }
    // Who asks by the machine's number gets what that machine has.
    assert_eq!(machine.names.contested(&PEER, &path("kv")), None);
    let without = Machine::new(HERE, 3);
    assert_eq!(without.names.contested(&component(2), &path("kv")), None);
    let none = without.names.owned_path(&PEER, &path("kv"));
    assert_eq!(none, Err(NamingError::NoOwners));
}

#[test]
// [N47]
fn the_owner_answers_and_nobody_else_does() {
    let (mut machine, kv) = machine();
    let (now, client) = (machine.now, component(2));
    let mut said = |asker: &_, owner| machine.names.lookup_owned(now, asker, &path("kv"), owner);
    for asker in [&client, &PEER] {
        assert_eq!(said(asker, US), Ok(Place::Here((kv, 7))));
        for owner in [Owner::Nobody, Owner::Lapsed] {
            assert_eq!(said(asker, owner), Err(NamingError::NotSure), "{owner:?}");
        }
    }
    let Ok(Place::There(question)) = said(&client, THEM) else {
        panic!("the owner is asked");
    };
    assert_eq!((question.node, question.why), (1, Why::Owned { epoch: 8 }));
    // Nobody is asked on another machine's behalf.
    assert_eq!(said(&PEER, THEM), Err(NamingError::NotSure));
}

#[test]
fn what_the_owner_has_no_more_is_not_there_and_not_denied() {
    let (mut machine, _) = machine();
    let (now, gone) = (machine.now, path("gone"));
    let said = machine.names.lookup_owned(now, &PEER, &gone, US);
    assert_eq!(said, Err(NamingError::NotSure));
    // Until every machine has told its names.
    let said = machine
        .names
        .lookup_owned(now, &component(2), &gone, Owner::Nobody);
    assert_eq!(said, Err(NamingError::NotSure));
}

#[test]
fn several_machines_may_register_a_name_and_each_learns_how_it_stands() {
    assert_eq!(US.standing(HERE), Standing::Holder);
    assert_eq!(THEM.standing(HERE), Standing::Standby { node: 1 });
    assert_eq!(Owner::Nobody.standing(HERE), Standing::Standby { node: 0 });
    assert_eq!(
        Owner::Lapsed.standing(HERE),
        Standing::Standby { node: HERE }
    );
    let (mut machine, _) = machine();
    let (now, lease) = (machine.now, lease(60_000));
    assert!(
        machine
            .names
            .renew(now, &component(1), &path("kv"), lease)
            .is_ok()
    );
    let wide: Vec<_> = machine.names.cluster_wide().collect();
    assert_eq!(wide, [path("kv")]);
}

#[test]
fn ids_are_the_paths_and_begin_as_those_of_names_do() {
    assert_eq!(id_of(&path("kv")), id_of(&path("kv")));
    assert_ne!(id_of(&path("kv")), id_of(&path("apps/kv")));
    assert_eq!(id_of(&path("kv")).0 >> 32, u64::from(NAMES));
}
