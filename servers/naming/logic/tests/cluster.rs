//! Whole clusters of namings in one process: cluster-wide names have one owner when everybody has heard, and bounds are kept.

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::{Capability, Machine, PEER, component, lease, path};
use naming_interface::{Access, Kind, NamingError, Reach, Standing};
use naming_logic::limits::{ASK_AGAIN, ATTEMPTS, CLAIMS};
use naming_logic::{Asker, Place, Why, drift};
use proptest::prelude::*;

const LONG: u64 = 60_000;

/// What a client gets in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Got {
    It(Capability),
    No(NamingError),
    /// The machine cannot be asked.
    Unreachable(u8),
}

struct Cluster {
    machines: Vec<Machine>,
    /// Pairs that are cut off from each other, the lower number first.
    cut: BTreeSet<(u8, u8)>,
    dead: BTreeSet<u8>,
    /// Calls between machines.
    trips: usize,
}

impl Cluster {
    fn new(count: u8) -> Self {
        Self {
            machines: (1..=count).map(|here| Machine::new(here, count)).collect(),
            cut: BTreeSet::new(),
            dead: BTreeSet::new(),
            trips: 0,
        }
    }

    fn at(&mut self, node: u8) -> &mut Machine {
        &mut self.machines[usize::from(node) - 1]
    }

    fn nodes(&self) -> impl Iterator<Item = u8> + use<> {
        1..=self.machines.len() as u8
    }

    fn reaches(&self, from: u8, to: u8) -> bool {
        !self.dead.contains(&from)
            && !self.dead.contains(&to)
            && !self.cut.contains(&(from.min(to), from.max(to)))
    }

    /// Pokes and pulls until there are none. Time stands still meanwhile.
    fn settle(&mut self) {
        loop {
            let mut quiet = true;
            for node in self.nodes() {
                let pokes = std::mem::take(&mut self.at(node).pokes);
                let peers: Vec<u8> = self.at(node).names.peers().collect();
                for peer in peers {
                    if pokes > 0 && self.reaches(node, peer) {
                        self.at(peer).names.changed(&PEER, node);
                    }
                }
                quiet &= pokes == 0 && !self.pull(node);
            }
            if quiet {
                return;
            }
        }
    }

    fn pull(&mut self, node: u8) -> bool {
        let now = self.at(node).now;
        let Some((peer, after)) = self.at(node).names.next_pull(now) else {
            return false;
        };
        if self.reaches(node, peer) {
            let there = self.at(peer);
            let page = there
                .names
                .claims(there.now, &PEER, after.as_ref())
                .unwrap();
            there.settle();
            self.at(node).names.told(now, peer, &page);
            self.at(node).settle();
        } else {
            self.at(node).names.not_told(peer);
        }
        true
    }

    fn later(&mut self, millis: u64) {
        for machine in &mut self.machines {
            machine.later(millis);
            machine.pass();
        }
        self.settle();
    }

    /// As the shell does it.
    fn resolve(&mut self, from: u8, asker: &Asker, text: &str) -> Got {
        self.trips = 0;
        for _ in 0..ATTEMPTS {
            let question = match self.at(from).lookup(asker, text) {
                Ok(Place::Here(capability)) => return Got::It(capability),
                Ok(Place::There(question)) => question,
                Err(error) => return Got::No(error),
            };
            assert_ne!(question.node, from, "no machine is sent to itself");
            self.trips += 1;
            if !self.reaches(from, question.node) {
                return Got::Unreachable(question.node);
            }
            match self.at(question.node).lookup(&PEER, question.path.as_str()) {
                Ok(Place::Here(capability)) => return Got::It(capability),
                Ok(Place::There(_)) => panic!("a machine is never asked on another's behalf"),
                Err(NamingError::NotFound) if question.why == Why::Mirrored => {
                    self.at(from).names.disown(question.node, &question.path);
                    self.at(from).settle();
                }
                Err(error) => return Got::No(error),
            }
        }
        Got::No(NamingError::NotSure)
    }

    fn find(&mut self, from: u8, text: &str) -> Got {
        self.resolve(from, &component(1), text)
    }

    fn kill(&mut self, node: u8) {
        self.dead.insert(node);
    }

    /// The machine starts again, and knows nothing.
    fn restart(&mut self, node: u8) {
        let count = self.machines.len() as u8;
        let mut machine = Machine::new(node, count);
        machine.names.begin(node, count, 77_000 + u64::from(node));
        machine.now = self.at(1).now;
        machine.settle();
        self.machines[usize::from(node) - 1] = machine;
        self.dead.remove(&node);
        self.settle();
    }
}

#[test]
fn a_cluster_wide_name_is_found_from_everywhere_in_one_trip() {
    let mut all = Cluster::new(4);
    all.settle();
    let kv = all
        .at(3)
        .register(&component(1), "kv", LONG, Reach::Cluster)
        .unwrap();
    all.at(3)
        .register(&component(1), "own", LONG, Reach::Machine)
        .unwrap();
    all.settle();
    for node in 1..=4 {
        assert_eq!(all.find(node, "/kv"), Got::It(kv), "from {node}");
        assert_eq!(all.trips, usize::from(node != 3), "from {node}");
        assert_eq!(all.find(node, "/node/3/kv"), Got::It(kv));
        assert_eq!(all.trips, usize::from(node != 3));
    }
    assert_eq!(all.find(1, "own"), Got::No(NamingError::NotFound));
    assert_eq!(all.trips, 0, "every machine has told its names");
    assert!(matches!(all.find(1, "/node/3/own"), Got::It(_)));
    assert_eq!(all.find(1, "/node/2/kv"), Got::No(NamingError::NotFound));
    assert_eq!(all.find(1, "/node/9/kv"), Got::No(NamingError::NotFound));
    assert_eq!(all.find(1, "/node/1/kv"), Got::No(NamingError::NotFound));
    assert_eq!(all.find(1, "/node"), Got::No(NamingError::IsADirectory));
    assert_eq!(
        all.at(1)
            .register(&component(2), "kv", LONG, Reach::Cluster),
        Err(NamingError::Exists)
    );
    assert_eq!(all.at(1).list(&component(1), "/"), ["kv"]);
    assert_eq!(all.at(1).list(&component(1), "/node"), ["1", "2", "3", "4"]);
    assert_eq!(
        all.at(1).list(&PEER, "/"),
        [""; 0],
        "a peer sees this machine only"
    );
    all.at(3).unlink(&component(1), "kv").unwrap();
    all.settle();
    assert_eq!(all.find(1, "/kv"), Got::No(NamingError::NotFound));
    assert_eq!(all.trips, 0);
}

#[test]
fn a_slice_looks_like_a_cluster() {
    let mut all = Cluster::new(2);
    for node in 1..=2 {
        all.at(node).create(&component(1), "apps", LONG).unwrap();
        all.at(node)
            .register(&component(1), "secret", LONG, Reach::Cluster)
            .unwrap_or_default();
        all.settle();
    }
    let [one, two] = [1, 2].map(|node| all.at(node).below(&component(1), "apps", Access::Change));
    let kv = all
        .at(2)
        .register(&two, "kv", LONG, Reach::Cluster)
        .unwrap();
    let own = all
        .at(2)
        .register(&two, "own", LONG, Reach::Machine)
        .unwrap();
    all.settle();
    assert_eq!(all.resolve(1, &one, "kv"), Got::It(kv));
    assert_eq!(all.resolve(1, &one, "/node/2/own"), Got::It(own));
    assert_eq!(all.resolve(1, &one, "/node/2/../2/kv"), Got::It(kv));
    assert_eq!(all.find(1, "/apps/kv"), Got::It(kv));
    assert_eq!(all.find(1, "/node/2/apps/own"), Got::It(own));
    for text in [
        "secret",
        "/node/1/secret",
        "/node/2/secret",
        "../secret",
        "/node/2/apps/kv",
    ] {
        assert_eq!(
            all.resolve(1, &one, text),
            Got::No(NamingError::NotFound),
            "{text}"
        );
    }
    assert_eq!(all.at(1).list(&one, "/"), ["kv"]);
    assert_eq!(all.at(1).list(&one, "/node"), ["1", "2"]);
    for (text, error) in [
        ("/node/2/x", NamingError::NotPermitted),
        ("/node", NamingError::Reserved),
        ("node", NamingError::Reserved),
    ] {
        assert_eq!(
            all.at(1).register(&one, text, LONG, Reach::Machine),
            Err(error),
            "{text}"
        );
    }
}

#[test]
fn of_two_owners_the_lowest_holds_the_name() {
    let mut all = Cluster::new(3);
    all.settle();
    all.cut.insert((1, 3));
    all.cut.insert((1, 2));
    let three = all
        .at(3)
        .register(&component(1), "kv", LONG, Reach::Cluster)
        .unwrap();
    let one = all
        .at(1)
        .register(&component(1), "kv", LONG, Reach::Cluster)
        .unwrap();
    all.settle();
    assert_eq!(all.find(2, "kv"), Got::It(three));
    assert_eq!(all.find(1, "kv"), Got::It(one), "each side its own");
    all.cut.clear();
    for node in [1, 3] {
        let now = all.at(node).now;
        let renewed = all
            .at(node)
            .names
            .renew(now, &component(1), &path("kv"), lease(LONG));
        assert_eq!(
            renewed,
            Ok(Standing::Holder),
            "it has not heard of the other"
        );
        all.at(node).settle();
    }
    all.settle();
    for node in 1..=3 {
        assert_eq!(all.find(node, "kv"), Got::It(one), "from {node}");
    }
    assert_eq!(
        all.find(2, "/node/3/kv"),
        Got::It(three),
        "who stands by is there"
    );
    let now = all.at(3).now;
    let renewed = all
        .at(3)
        .names
        .renew(now, &component(1), &path("kv"), lease(LONG));
    assert_eq!(renewed, Ok(Standing::Standby { node: 1 }));
    all.at(3).settle();
    all.settle();
    let listed = all.at(3).names.list(now, &component(1), &path("/"), None);
    assert!(
        matches!(listed, Ok(Place::Here(page)) if page.items[0].kind == Kind::Elsewhere { node: 1 })
    );
    // The holder takes its name back: the other holds it.
    all.at(1).unlink(&component(1), "kv").unwrap();
    all.settle();
    for node in 1..=3 {
        assert_eq!(all.find(node, "kv"), Got::It(three), "from {node}");
    }
}

#[test]
fn an_entry_whose_owner_died_is_gone_within_lease_and_drift() {
    let mut all = Cluster::new(2);
    all.settle();
    all.at(1)
        .register(&component(1), "kv", 10_000, Reach::Cluster)
        .unwrap();
    all.settle();
    all.later(4000);
    // The component dies: its machine forgets it with the lease.
    all.later(5999);
    assert!(matches!(all.find(2, "kv"), Got::It(_)));
    all.later(1);
    assert_eq!(all.find(1, "kv"), Got::No(NamingError::NotFound));
    assert_eq!(all.find(2, "kv"), Got::No(NamingError::NotFound));
    // The machine dies.
    all.at(1)
        .register(&component(1), "kv", 10_000, Reach::Cluster)
        .unwrap();
    all.settle();
    all.kill(1);
    let bound = 10_000 + drift(Duration::from_millis(10_000)).as_millis() as u64;
    all.later(bound - 1);
    assert_eq!(all.find(2, "kv"), Got::Unreachable(1));
    assert_eq!(all.at(2).list(&component(1), "/"), ["kv"]);
    all.later(1);
    assert_eq!(
        all.find(2, "kv"),
        Got::No(NamingError::NotSure),
        "it may have come back, unheard"
    );
    assert_eq!(all.at(2).list(&component(1), "/"), [""; 0]);
    assert_eq!(all.at(2).names.earliest(), None, "an idle machine sleeps");
    // Another may have the name now.
    let second = all
        .at(2)
        .register(&component(1), "kv", LONG, Reach::Cluster)
        .unwrap();
    assert_eq!(all.find(2, "kv"), Got::It(second));
}

#[test]
fn a_machine_that_starts_again_has_told_nothing_of_before() {
    let mut all = Cluster::new(3);
    all.settle();
    all.at(1)
        .register(&component(1), "kv", LONG, Reach::Cluster)
        .unwrap();
    let other = all
        .at(2)
        .register(&component(1), "other", LONG, Reach::Cluster)
        .unwrap();
    all.settle();
    all.kill(1);
    assert_eq!(all.find(2, "kv"), Got::Unreachable(1));
    all.restart(1);
    assert_eq!(all.find(2, "kv"), Got::No(NamingError::NotFound));
    assert_eq!(all.find(1, "other"), Got::It(other), "it has asked");
    let kv = all
        .at(1)
        .register(&component(1), "kv", LONG, Reach::Cluster)
        .unwrap();
    all.settle();
    assert_eq!(all.find(3, "kv"), Got::It(kv));
}

#[test]
fn a_stale_mirror_is_followed_by_a_better_one() {
    let mut all = Cluster::new(3);
    all.settle();
    all.at(1)
        .register(&component(1), "kv", LONG, Reach::Cluster)
        .unwrap();
    all.settle();
    // It moves to machine 2, and machine 3 hears nothing of it.
    all.at(1).unlink(&component(1), "kv").unwrap();
    all.at(1).pokes = 0;
    let now = all.at(2).now;
    all.at(2).names.disown(1, &path("kv"));
    let moved = all
        .at(2)
        .register(&component(1), "kv", LONG, Reach::Cluster)
        .unwrap();
    all.at(2).pokes = 0;
    assert_eq!(all.find(3, "kv"), Got::No(NamingError::NotSure));
    assert_eq!(all.trips, 1);
    let renewed = all
        .at(2)
        .names
        .renew(now, &component(1), &path("kv"), lease(LONG));
    assert!(renewed.is_ok());
    all.at(2).settle();
    all.settle();
    assert_eq!(all.find(3, "kv"), Got::It(moved));
    // Both are in the mirror of 3, and the first has it no more.
    all.cut.insert((1, 2));
    all.at(1).names.disown(2, &path("kv"));
    all.at(1)
        .register(&component(1), "kv", LONG, Reach::Cluster)
        .unwrap();
    all.settle();
    all.at(1).unlink(&component(1), "kv").unwrap();
    all.at(1).pokes = 0;
    assert_eq!(all.find(3, "kv"), Got::It(moved));
    assert_eq!(all.trips, 2);
    all.settle();
    assert_eq!(all.find(3, "kv"), Got::It(moved));
    assert_eq!(all.trips, 1);
}

#[test]
fn who_was_not_heard_is_asked_again_but_not_at_once() {
    let mut all = Cluster::new(2);
    all.cut.insert((1, 2));
    all.settle();
    assert_eq!(all.find(2, "kv"), Got::No(NamingError::NotSure));
    all.settle();
    all.cut.clear();
    let kv = all
        .at(1)
        .register(&component(1), "kv", LONG, Reach::Cluster)
        .unwrap();
    all.at(1).pokes = 0;
    assert_eq!(all.find(2, "kv"), Got::No(NamingError::NotSure));
    assert!(!all.pull(2), "that would be too soon");
    all.later(ASK_AGAIN.as_millis() as u64);
    assert_eq!(all.find(2, "kv"), Got::No(NamingError::NotSure));
    all.settle();
    assert_eq!(all.find(2, "kv"), Got::It(kv));
    assert_eq!(all.find(2, "nothing"), Got::No(NamingError::NotFound));
}

#[test]
fn watchers_hear_of_what_other_machines_have() {
    let mut all = Cluster::new(2);
    all.settle();
    all.at(2).create(&component(1), "apps", LONG).unwrap();
    all.at(1).create(&component(1), "apps", LONG).unwrap();
    let (root, ..) = all.at(2).watch(&component(2), "/", LONG).unwrap();
    let (apps, ..) = all.at(2).watch(&component(2), "/apps", LONG).unwrap();
    all.at(1)
        .register(&component(1), "apps/kv", 1000, Reach::Cluster)
        .unwrap();
    all.settle();
    assert_eq!(std::mem::take(&mut all.at(2).signalled), [apps]);
    all.at(1).rename(&component(1), "apps/kv", "kv").unwrap();
    all.settle();
    let mut heard = std::mem::take(&mut all.at(2).signalled);
    heard.sort_unstable();
    assert_eq!(heard, [root, apps]);
    all.later(2000);
    assert_eq!(std::mem::take(&mut all.at(2).signalled), [root]);
}

#[test]
fn many_names_are_told_page_by_page() {
    let mut all = Cluster::new(2);
    all.settle();
    for number in 0..CLAIMS {
        all.at(1)
            .register(&component(1), &format!("n{number}"), LONG, Reach::Cluster)
            .unwrap();
    }
    all.settle();
    assert_eq!(all.at(2).list(&component(1), "/").len(), CLAIMS);
    // One goes in the middle of the pages, while they are told.
    all.at(2).names.changed(&PEER, 1);
    assert!(all.pull(2));
    all.at(1).unlink(&component(1), "n0").unwrap();
    all.at(1).unlink(&component(1), "n20").unwrap();
    all.settle();
    assert_eq!(all.at(2).list(&component(1), "/").len(), CLAIMS - 2);
    let now = all.at(2).now;
    let refused = all.at(2).names.claims(now, &component(1), None);
    assert_eq!(refused, Err(NamingError::NotPermitted));
    all.at(2).names.changed(&component(1), 1);
    assert!(!all.pull(2), "only a peer pokes");
}

#[derive(Clone, Debug)]
enum Step {
    Register(u8, u8),
    Renew(u8, u8),
    Unlink(u8, u8),
    Cut(u8, u8),
    Mend,
    Restart(u8),
    LosePokes(u8),
    Later(u64),
    Settle,
    Find(u8, u8),
}

fn steps(count: u8) -> impl Strategy<Value = Vec<Step>> {
    let node = 1..=count;
    let name = 0u8..3;
    let step = prop_oneof![
        3 => (node.clone(), name.clone()).prop_map(|(n, k)| Step::Register(n, k)),
        3 => (node.clone(), name.clone()).prop_map(|(n, k)| Step::Renew(n, k)),
        2 => (node.clone(), name.clone()).prop_map(|(n, k)| Step::Unlink(n, k)),
        1 => (node.clone(), node.clone()).prop_map(|(a, b)| Step::Cut(a.min(b), a.max(b))),
        1 => Just(Step::Mend),
        1 => node.clone().prop_map(Step::Restart),
        1 => node.clone().prop_map(Step::LosePokes),
        2 => (1u64..900).prop_map(Step::Later),
        3 => Just(Step::Settle),
        3 => (node, name).prop_map(|(n, k)| Step::Find(n, k)),
    ];
    proptest::collection::vec(step, 0..60)
}

/// The lease of every name.
const LEASE: u64 = 1000;

proptest! {
    /// Whatever happens: what is found is what somebody has registered and has not ended; and once all have been heard for as long as a lease and
    /// its drift, all machines find the same, and it is the lowest machine's.
    #[test]
    fn all_find_the_same_in_the_end(steps in steps(3)) {
        let mut all = Cluster::new(3);
        let text = |name: u8| format!("n{name}");
        for step in steps {
            match step {
                Step::Register(node, name) => {
                    let _ = all.at(node).register(&component(1), &text(name), LEASE, Reach::Cluster);
                }
                Step::Renew(node, name) => {
                    let now = all.at(node).now;
                    let _ = all.at(node).names.renew(now, &component(1), &path(&text(name)), lease(LEASE));
                    all.at(node).settle();
                }
                Step::Unlink(node, name) => {
                    let _ = all.at(node).unlink(&component(1), &text(name));
                }
                Step::Cut(a, b) => { all.cut.insert((a, b)); }
                Step::Mend => all.cut.clear(),
                Step::Restart(node) => all.restart(node),
                Step::LosePokes(node) => all.at(node).pokes = 0,
                Step::Later(millis) => all.later(millis),
                Step::Settle => all.settle(),
                Step::Find(node, name) => {
                    if let Got::It(found) = all.find(node, &text(name)) {
                        prop_assert!(all.machines.iter().any(|m| m.held.contains(&found)), "it is registered now");
                    }
                    prop_assert!(all.trips <= usize::from(ATTEMPTS));
                }
            }
        }
        // All is well: who has a name renews it, until every lease that was told before has ended.
        all.cut.clear();
        for _ in 0..4 {
            for node in 1..=3 {
                for name in 0..3 {
                    let now = all.at(node).now;
                    let _ = all.at(node).names.renew(now, &component(1), &path(&text(name)), lease(LEASE));
                }
                all.at(node).settle();
            }
            all.later(LEASE / 3);
        }
        for name in 0..3 {
            let owner = (1..=3).find_map(|node| match all.find(node, &format!("/node/{node}/{}", text(name))) {
                Got::It(capability) => Some(capability),
                _ => None,
            });
            for node in 1..=3 {
                let first = all.find(node, &text(name));
                if first == Got::No(NamingError::NotSure) {
                    // Nobody has it, and somebody was not heard in the meantime: it is asked now.
                    prop_assert_eq!(owner, None);
                    all.later(ASK_AGAIN.as_millis() as u64);
                    let _ = all.find(node, &text(name));
                    all.settle();
                    prop_assert_eq!(all.find(node, &text(name)), Got::No(NamingError::NotFound));
                    continue;
                }
                prop_assert_eq!(first, owner.map_or(Got::No(NamingError::NotFound), Got::It));
                prop_assert!(all.trips <= 1);
            }
        }
    }
}
