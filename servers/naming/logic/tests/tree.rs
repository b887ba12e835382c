//! The tree of one machine: who sees what, who may change it, and what ends when.

mod common;

use common::{Machine, PEER, component, lease, part, path};
use isthmus_abi::{ComponentId, EndpointBadge, ObjectId};
use naming_interface::{Access, Kind, NamingError, Reach, Standing};
use naming_logic::limits::{CLAIMS, ENTRIES, ENTRIES_OF_ONE, WATCHES, WATCHES_OF_ONE};
use naming_logic::{Asker, Client, Directory, DirectoryId, Place};

const LONG: u64 = 60_000;

#[test]
fn an_entry_belongs_to_who_registered_it() {
    let mut machine = Machine::new(1, 1);
    let (one, two) = (component(1), component(2));
    let first = machine.register(&one, "kv", LONG, Reach::Machine).unwrap();
    assert_eq!(
        machine.register(&two, "/kv", LONG, Reach::Machine),
        Err(NamingError::Exists)
    );
    assert_eq!(
        machine.register(&PEER, "x", LONG, Reach::Machine),
        Err(NamingError::NotPermitted)
    );
    assert_eq!(machine.lookup(&two, "kv"), Ok(Place::Here(first)));
    assert_eq!(machine.lookup(&PEER, "kv"), Ok(Place::Here(first)));
    let owner = |text: &str| machine.names.owner(&PEER, &path(text));
    assert_eq!(owner("kv"), Some(ComponentId(1)));
    assert_eq!([owner("none"), owner("/"), owner("/node/2/kv")], [None; 3]);
    let second = machine.register(&one, "kv", LONG, Reach::Machine).unwrap();
    assert_eq!(
        machine.held.iter().copied().collect::<Vec<_>>(),
        [second],
        "the first is deleted"
    );
    for other in [&two, &PEER] {
        assert_eq!(machine.unlink(other, "kv"), Err(NamingError::NotPermitted));
        assert_eq!(
            machine.rename(other, "kv", "kv2"),
            Err(NamingError::NotPermitted)
        );
        let renewed = machine
            .names
            .renew(machine.now, other, &path("kv"), lease(LONG));
        assert_eq!(renewed, Err(NamingError::NotPermitted));
    }
    assert_eq!(machine.unlink(&one, "kv"), Ok(()));
    assert!(machine.held.is_empty());
    assert_eq!(machine.unlink(&one, "kv"), Err(NamingError::NotFound));
    assert_eq!(machine.lookup(&one, "kv"), Err(NamingError::NotFound));
}

#[test]
fn a_directory_is_a_whole_tree_to_those_who_have_it() {
    let mut machine = Machine::new(1, 1);
    let one = component(1);
    machine.create(&one, "apps", LONG).unwrap();
    machine.create(&one, "apps/a", LONG).unwrap();
    let kv = machine
        .register(&one, "apps/a/kv", LONG, Reach::Machine)
        .unwrap();
    let outside = machine.register(&one, "kv", LONG, Reach::Machine).unwrap();
    let apps = machine.below(&one, "apps", Access::Change);
    let a = machine.below(&apps, "a", Access::Change);
    for (asker, text) in [
        (&one, "apps/a/kv"),
        (&apps, "a/kv"),
        (&a, "kv"),
        (&a, "/kv"),
        (&a, "../../kv"),
    ] {
        assert_eq!(machine.lookup(asker, text), Ok(Place::Here(kv)), "{text}");
    }
    assert_eq!(machine.lookup(&one, "a/../kv"), Ok(Place::Here(outside)));
    assert_eq!(machine.lookup(&a, "apps/a/kv"), Err(NamingError::NotFound));
    assert_eq!(machine.list(&a, "/"), ["kv"]);
    assert_eq!(machine.list(&apps, "../.."), ["a"]);
    machine.register(&a, "mine", LONG, Reach::Machine).unwrap();
    assert_eq!(machine.list(&one, "/apps/a"), ["kv", "mine"]);
    assert_eq!(machine.lookup(&one, "apps"), Err(NamingError::IsADirectory));
    assert_eq!(
        machine.lookup(&one, "kv/x"),
        Err(NamingError::NotADirectory)
    );
}

#[test]
fn what_may_only_be_read_opens_nothing_to_change() {
    let mut machine = Machine::new(1, 1);
    let one = component(1);
    machine.create(&one, "apps", LONG).unwrap();
    machine.create(&one, "apps/a", LONG).unwrap();
    let read = machine.below(&one, "apps", Access::Read);
    let below = machine.below(&read, "a", Access::Read);
    for asker in [&read, &below] {
        assert_eq!(
            machine.register(asker, "x", LONG, Reach::Machine),
            Err(NamingError::NotPermitted)
        );
        assert_eq!(
            machine.create(asker, "x", LONG),
            Err(NamingError::NotPermitted)
        );
        let opened = machine
            .names
            .open(machine.now, asker, &path("/"), Access::Change);
        assert_eq!(opened, Err(NamingError::NotPermitted));
    }
    assert_eq!(machine.unlink(&read, "a"), Err(NamingError::NotPermitted));
}

#[test]
fn the_owner_of_a_directory_rules_below_it() {
    let mut machine = Machine::new(1, 1);
    let (one, two) = (component(1), component(2));
    machine.create(&one, "apps", LONG).unwrap();
    machine
        .register(&two, "apps/kv", LONG, Reach::Machine)
        .unwrap();
    assert_eq!(machine.unlink(&one, "apps"), Err(NamingError::NotEmpty));
    assert_eq!(machine.unlink(&two, "apps"), Err(NamingError::NotPermitted));
    assert_eq!(
        machine.register(&one, "apps", LONG, Reach::Machine),
        Err(NamingError::IsADirectory)
    );
    assert_eq!(machine.create(&one, "apps", LONG), Err(NamingError::Exists));
    assert_eq!(machine.unlink(&one, "apps/kv"), Ok(()));
    let gone = machine.below(&two, "apps", Access::Change);
    assert_eq!(machine.unlink(&one, "apps"), Ok(()));
    assert_eq!(machine.revoked, [gone.directory]);
    // Even if its capability were not revoked.
    assert_eq!(machine.lookup(&gone, "kv"), Err(NamingError::NotFound));
    assert_eq!(
        machine.register(&gone, "kv", LONG, Reach::Machine),
        Err(NamingError::NotFound)
    );
    assert_eq!(machine.unlink(&one, "/"), Err(NamingError::NotPermitted));
}

#[test]
fn renaming_moves_all_at_once_or_nothing() {
    let mut machine = Machine::new(1, 1);
    let (one, two) = (component(1), component(2));
    machine.create(&one, "a", LONG).unwrap();
    machine.create(&one, "a/b", LONG).unwrap();
    let kv = machine
        .register(&one, "a/b/kv", LONG, Reach::Machine)
        .unwrap();
    assert_eq!(
        machine.rename(&one, "a", "a/b/c"),
        Err(NamingError::IntoItself)
    );
    assert_eq!(
        machine.rename(&one, "a", "a/c"),
        Err(NamingError::IntoItself)
    );
    assert_eq!(machine.rename(&one, "a/b", "c"), Ok(()));
    assert_eq!(machine.lookup(&one, "c/kv"), Ok(Place::Here(kv)));
    assert_eq!(machine.lookup(&one, "a/b/kv"), Err(NamingError::NotFound));
    assert_eq!(machine.rename(&one, "c", "a"), Err(NamingError::Exists));
    // It may replace the caller's own, and nobody else's.
    let old = machine.register(&one, "kv", LONG, Reach::Machine).unwrap();
    machine
        .register(&two, "theirs", LONG, Reach::Machine)
        .unwrap();
    assert_eq!(
        machine.rename(&one, "c/kv", "theirs"),
        Err(NamingError::Exists)
    );
    assert_eq!(machine.rename(&one, "c/kv", "kv"), Ok(()));
    assert!(!machine.held.contains(&old));
    assert_eq!(machine.lookup(&two, "kv"), Ok(Place::Here(kv)));
    assert_eq!(machine.rename(&one, "kv", "kv"), Ok(()));
    assert_eq!(machine.lookup(&two, "kv"), Ok(Place::Here(kv)));
    assert_eq!(
        machine.rename(&one, "kv", "node"),
        Err(NamingError::Reserved)
    );
    assert_eq!(
        machine.rename(&one, "nothing", "x"),
        Err(NamingError::NotFound)
    );
    assert_eq!(
        machine.rename(&one, "kv", "x/y"),
        Err(NamingError::NotFound)
    );
}

#[test]
fn no_path_becomes_too_long_by_moving() {
    let mut machine = Machine::new(1, 1);
    let one = component(1);
    let long = "x".repeat(24);
    let mut deep = String::new();
    for _ in 0..3 {
        deep = format!("{deep}/{long}");
        machine.create(&one, &deep, LONG).unwrap();
    }
    machine.create(&one, "a", LONG).unwrap();
    machine
        .register(&one, &format!("a/{long}"), LONG, Reach::Machine)
        .unwrap();
    assert_eq!(
        machine.rename(&one, "a", &format!("{deep}/a")),
        Err(NamingError::TooLong)
    );
    machine.unlink(&one, &format!("a/{long}")).unwrap();
    machine.rename(&one, "a", &format!("{deep}/a")).unwrap();
    let below = machine.below(&one, &format!("{deep}/a"), Access::Change);
    assert_eq!(
        machine.register(&below, &long, LONG, Reach::Machine),
        Err(NamingError::TooLong)
    );
    assert!(
        machine
            .register(&below, "short", LONG, Reach::Machine)
            .is_ok()
    );
}

#[test]
fn pages_begin_rightly_whatever_comes_and_goes() {
    let mut machine = Machine::new(1, 1);
    let one = component(1);
    for number in 0..30 {
        machine
            .register(&one, &format!("n{number:02}"), LONG, Reach::Machine)
            .unwrap();
    }
    assert_eq!(machine.list(&one, "/").len(), 30);
    let page = |machine: &mut Machine, after: Option<&str>| {
        let after = after.map(part);
        match machine
            .names
            .list(machine.now, &one, &path("/"), after.as_ref())
        {
            Ok(Place::Here(page)) => page,
            other => panic!("{other:?}"),
        }
    };
    let first = page(&mut machine, None);
    assert_eq!(first.next(), Some(&part("n15")));
    // The last name of the page goes, and names before and after it come.
    machine.unlink(&one, "n15").unwrap();
    machine.register(&one, "a", LONG, Reach::Machine).unwrap();
    machine
        .register(&one, "n15a", LONG, Reach::Machine)
        .unwrap();
    let second = page(&mut machine, Some("n15"));
    assert_eq!(second.items[0].name, part("n15a"));
    assert_eq!(second.items[1].name, part("n16"));
    assert_eq!(page(&mut machine, Some("zzz")).items.len(), 0);
    assert!(first.items.iter().all(|item| item.kind == Kind::Entry));
}

#[test]
fn leases_end_even_if_no_timer_rings() {
    let mut machine = Machine::new(1, 1);
    let one = component(1);
    let kv = machine.register(&one, "kv", 1000, Reach::Machine).unwrap();
    machine.later(999);
    assert_eq!(machine.lookup(&one, "kv"), Ok(Place::Here(kv)));
    let renewed = machine
        .names
        .renew(machine.now, &one, &path("kv"), lease(1000));
    assert_eq!(renewed, Ok(Standing::Holder));
    machine.later(999);
    assert_eq!(machine.lookup(&one, "kv"), Ok(Place::Here(kv)));
    assert_eq!(machine.names.earliest().unwrap().0, 1999);
    machine.later(1);
    assert_eq!(machine.lookup(&one, "kv"), Err(NamingError::NotFound));
    assert!(machine.held.is_empty());
    assert_eq!(
        machine.names.earliest(),
        None,
        "nothing is to be waited for"
    );
    let renewed = machine
        .names
        .renew(machine.now, &one, &path("kv"), lease(1000));
    assert_eq!(renewed, Err(NamingError::NotFound));
}

#[test]
fn a_directory_goes_when_it_is_empty() {
    let mut machine = Machine::new(1, 1);
    let one = component(1);
    machine.create(&one, "a", 1000).unwrap();
    machine.create(&one, "a/b", 500).unwrap();
    machine
        .register(&one, "a/b/kv", 2000, Reach::Machine)
        .unwrap();
    machine.later(1999);
    machine.pass();
    assert_eq!(machine.names.len(), 3);
    assert_eq!(
        machine.names.earliest().unwrap().0,
        2000,
        "it does not ring for what cannot go"
    );
    machine.later(1);
    machine.pass();
    assert!(machine.names.is_empty());
    assert_eq!(machine.revoked.len(), 2);
}

#[test]
fn what_an_ended_component_had_is_gone_at_once() {
    let mut machine = Machine::new(1, 1);
    let (one, two) = (component(1), component(2));
    machine.create(&one, "a", LONG).unwrap();
    machine.register(&one, "a/x", LONG, Reach::Machine).unwrap();
    machine.register(&one, "y", LONG, Reach::Cluster).unwrap();
    let theirs = machine.register(&two, "a/z", LONG, Reach::Machine).unwrap();
    machine.watch(&one, "/", LONG).unwrap();
    machine.names.owner_ended(machine.now, ComponentId(1));
    machine.settle();
    assert_eq!(machine.list(&two, "/"), ["a"], "another's is in it");
    assert_eq!(machine.list(&two, "/a"), ["z"]);
    assert_eq!(machine.held.iter().copied().collect::<Vec<_>>(), [theirs]);
    machine.unlink(&two, "a/z").unwrap();
    machine.pass();
    assert!(machine.names.is_empty());
}

#[test]
fn watchers_hear_of_every_change_and_of_nothing_else() {
    let mut machine = Machine::new(1, 1);
    let (one, two) = (component(1), component(2));
    machine.create(&one, "a", LONG).unwrap();
    let (watcher, id, before) = machine.watch(&two, "a", 5000).unwrap();
    let heard = |machine: &mut Machine, what: &str, times: usize| {
        assert_eq!(
            std::mem::take(&mut machine.signalled),
            vec![watcher; times],
            "{what}"
        );
    };
    machine.register(&one, "x", LONG, Reach::Machine).unwrap();
    machine.create(&one, "a/b", LONG).unwrap();
    heard(&mut machine, "create", 1);
    machine
        .register(&one, "a/b/x", LONG, Reach::Machine)
        .unwrap();
    heard(&mut machine, "below", 0);
    machine
        .register(&one, "a/kv", 1000, Reach::Machine)
        .unwrap();
    heard(&mut machine, "register", 1);
    machine
        .register(&one, "a/kv", 1000, Reach::Machine)
        .unwrap();
    heard(&mut machine, "replace", 1);
    machine.rename(&one, "a/kv", "a/kv2").unwrap();
    heard(&mut machine, "rename within", 1);
    machine.rename(&one, "x", "a/x").unwrap();
    heard(&mut machine, "rename into", 1);
    machine.rename(&one, "a/x", "x").unwrap();
    heard(&mut machine, "rename out of", 1);
    machine.later(1000);
    machine.pass();
    heard(&mut machine, "expiry", 1);
    machine.unlink(&one, "a/b/x").unwrap();
    machine.unlink(&one, "a/b").unwrap();
    heard(&mut machine, "unlink", 1);
    let changes = machine
        .names
        .rewatch(machine.now, &two, &path("a"), id, lease(2000));
    assert_eq!(
        changes,
        Ok(Place::Here(before + 8)),
        "each change is counted"
    );
    let other = machine
        .names
        .rewatch(machine.now, &one, &path("a"), id, lease(2000));
    assert_eq!(other, Err(NamingError::NotFound), "another's watch");
    let other = machine.names.unwatch(machine.now, &one, &path("a"), id);
    assert_eq!(other, Err(NamingError::NotFound));
    machine.later(1999);
    machine.create(&one, "a/c", LONG).unwrap();
    heard(&mut machine, "renewed", 1);
    machine.later(1);
    machine.unlink(&one, "a/c").unwrap();
    heard(&mut machine, "ended", 0);
    assert!(!machine.held.contains(&watcher));
    let (watcher, id, _) = machine.watch(&two, "a", 5000).unwrap();
    assert_eq!(
        machine.names.unwatch(machine.now, &two, &path("a"), id),
        Ok(Place::Here(()))
    );
    machine.settle();
    assert!(!machine.held.contains(&watcher));
    let (watcher, _, _) = machine.watch(&two, "a", 5000).unwrap();
    machine.unlink(&one, "a").unwrap();
    assert_eq!(
        machine.signalled,
        [watcher],
        "its watchers hear that a directory goes"
    );
    assert!(!machine.held.contains(&watcher));
}

#[test]
fn there_are_limits_for_each_and_for_all() {
    let mut machine = Machine::new(1, 1);
    let owner = |number: usize| component((number / ENTRIES_OF_ONE) as u8 + 1);
    for number in 0..ENTRIES {
        if number == CLAIMS {
            let refused = machine.register(&owner(number), "x", LONG, Reach::Cluster);
            assert_eq!(refused, Err(NamingError::TooMany));
        }
        let reach = if number < CLAIMS {
            Reach::Cluster
        } else {
            Reach::Machine
        };
        machine
            .register(&owner(number), &format!("n{number}"), LONG, reach)
            .unwrap();
        if number + 1 == ENTRIES_OF_ONE {
            assert_eq!(
                machine.create(&component(1), "more", LONG),
                Err(NamingError::TooMany)
            );
        }
    }
    assert_eq!(
        machine.register(&component(99), "more", LONG, Reach::Machine),
        Err(NamingError::TooMany)
    );
    assert!(
        machine
            .register(&component(1), "n3", LONG, Reach::Machine)
            .is_ok(),
        "replacing needs no room"
    );
    for number in 0..WATCHES {
        let watcher = component((number / WATCHES_OF_ONE) as u8 + 1);
        machine.watch(&watcher, "/", LONG).unwrap();
        if number + 1 == WATCHES_OF_ONE {
            assert_eq!(
                machine.watch(&component(1), "/", LONG),
                Err(NamingError::TooMany)
            );
        }
    }
    assert_eq!(
        machine.watch(&component(99), "/", LONG),
        Err(NamingError::TooMany)
    );
    machine.signalled.clear();
    machine.unlink(&component(1), "n0").unwrap();
    assert_eq!(machine.signalled.len(), WATCHES);
    machine.later(LONG);
    machine.pass();
    assert!(machine.held.is_empty(), "all ends at once");
}

#[test]
fn a_description_says_where_a_component_begins() {
    let mut machine = Machine::new(1, 2);
    machine
        .names
        .set_root(ComponentId(7), &path("/apps/a"))
        .unwrap();
    let service = |client| EndpointBadge {
        client: ComponentId(client),
        object: ObjectId::SERVICE,
    };
    let netipc = Some(ComponentId(3));
    let slice = machine.names.asker(service(7), netipc);
    machine
        .register(&slice, "kv", LONG, Reach::Machine)
        .unwrap();
    assert_eq!(machine.list(&component(1), "/apps/a"), ["kv"]);
    assert_eq!(
        machine.unlink(&component(7), "/apps/a"),
        Err(NamingError::NotPermitted)
    );
    assert_eq!(machine.names.asker(service(1), netipc), component(1));
    assert_eq!(machine.names.asker(service(3), netipc), PEER);
    machine.later(10 * LONG);
    machine.pass();
    assert_eq!(machine.list(&slice, "/"), [""; 0], "it is for ever");
    for access in [Access::Read, Access::Change] {
        let id = DirectoryId {
            directory: slice.directory,
            access,
        };
        assert_ne!(id.object(), ObjectId::SERVICE);
        let badge = EndpointBadge {
            client: ComponentId(1),
            object: id.object(),
        };
        let asker = Asker {
            client: Client::Component(ComponentId(1)),
            directory: slice.directory,
            access,
        };
        assert_eq!(machine.names.asker(badge, netipc), asker);
        let badge = EndpointBadge {
            client: ComponentId(3),
            ..badge
        };
        let asker = Asker {
            client: Client::Peer,
            access: Access::Read,
            ..asker
        };
        assert_eq!(machine.names.asker(badge, netipc), asker);
    }
    // Any badge is somebody's, and finds no directory that is not there.
    for object in [1, 2, 3, 4, 5, 99, 0xf_ffff] {
        let badge = EndpointBadge {
            client: ComponentId(9),
            object: ObjectId::new(object).unwrap(),
        };
        let asker = machine.names.asker(badge, netipc);
        let found = machine.names.list(machine.now, &asker, &path("/"), None);
        assert!(
            found.is_ok() == (asker.directory <= slice.directory),
            "{object}"
        );
    }
    assert_eq!(
        slice.directory,
        machine
            .below(&component(1), "apps/a", Access::Read)
            .directory
    );
    assert_ne!(slice.directory, Directory::ROOT);
}
