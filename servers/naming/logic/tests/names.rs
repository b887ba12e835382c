//! The table against a naive model, and the client library against whole clusters.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use isthmus_abi::label::Way;
use isthmus_abi::{ComponentId, Label, NotExecuted, Outcome, Slot, Unknown};
use isthmus_interface::loopback::{Handler, Ledger, Loopback};
use isthmus_interface::{Answer, Anything, Caller, Cap, Disposition, Request};
use naming_interface::{Name, Naming, NamingError, Path, ResolveError, Step, naming, resolve};
use naming_logic::{Asker, Decision, NAMES, NAMES_OF_ONE, Names};
use proptest::prelude::*;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn path(text: &str) -> Path {
    Path::new(text).unwrap()
}

const ONE: Asker = Asker::Component(ComponentId(1));
const TWO: Asker = Asker::Component(ComponentId(2));

#[test]
fn a_name_belongs_to_who_registered_it() {
    let mut names = Names::new(1, 1);
    assert_eq!(names.register(ONE, name("kv"), 10), Ok(None));
    assert_eq!(
        names.register(TWO, name("kv"), 11).unwrap_err().error,
        NamingError::Exists
    );
    assert_eq!(
        names
            .register(Asker::Peer, name("x"), 12)
            .unwrap_err()
            .error,
        NamingError::NotPermitted
    );
    assert_eq!(names.register(ONE, name("kv"), 13), Ok(Some(10)));
    assert_eq!(names.look_up(TWO, &path("/kv"), 0), Ok(Decision::Give(13)));
    assert_eq!(
        names.unregister(TWO, &name("kv")),
        Err(NamingError::NotPermitted)
    );
    assert_eq!(
        names.unregister(Asker::Peer, &name("kv")),
        Err(NamingError::NotPermitted)
    );
    assert_eq!(names.unregister(ONE, &name("kv")), Ok(13));
    assert_eq!(
        names.unregister(ONE, &name("kv")),
        Err(NamingError::NotFound)
    );
}

#[test]
fn there_is_a_limit_for_each_and_for_all() {
    let mut names = Names::new(1, 1);
    let owner = |i: usize| Asker::Component(ComponentId((i / NAMES_OF_ONE) as u8 + 1));
    for i in 0..NAMES {
        assert_eq!(
            names.register(owner(i), name(&format!("n{i}")), i),
            Ok(None)
        );
    }
    assert_eq!(
        names.register(ONE, name("more"), 99).unwrap_err().error,
        NamingError::TooMany
    );
    let another = Asker::Component(ComponentId(200));
    assert_eq!(
        names.register(another, name("more"), 99).unwrap_err().error,
        NamingError::TooMany
    );
    assert_eq!(
        names.register(ONE, name("n3"), 99),
        Ok(Some(3)),
        "replacing needs no room"
    );
}

#[test]
fn peers_are_referred_to_one_after_the_other() {
    let names = Names::<u32>::new(2, 4);
    let refer = |node, consumed| Ok(Decision::Refer { node, consumed });
    assert_eq!(names.look_up(ONE, &path("kv"), 0), refer(1, 0));
    assert_eq!(names.look_up(ONE, &path("kv"), 1), refer(3, 0));
    assert_eq!(names.look_up(ONE, &path("kv"), 3), refer(4, 0));
    assert_eq!(
        names.look_up(ONE, &path("kv"), 4),
        Err(NamingError::NotFound)
    );
    assert_eq!(
        names.look_up(ONE, &path("kv"), 255),
        Err(NamingError::NotFound)
    );
    assert_eq!(names.look_up(ONE, &path("/node/4/kv"), 0), refer(4, 8));
    assert_eq!(
        names.look_up(ONE, &path("node/4/kv"), 4),
        Err(NamingError::NotFound)
    );
    assert_eq!(
        names.look_up(ONE, &path("/node/2/kv"), 0),
        Err(NamingError::NotFound)
    );
    assert_eq!(
        names.look_up(ONE, &path("/node/9/kv"), 0),
        Err(NamingError::NotFound)
    );
    assert_eq!(
        names.look_up(Asker::Peer, &path("kv"), 0),
        Err(NamingError::NotFound)
    );
    assert_eq!(
        names.look_up(Asker::Peer, &path("/node/4/kv"), 0),
        Err(NamingError::NotFound)
    );
    for other in [
        "/node/2",
        "/node/x/kv",
        "/node/300/kv",
        "/a/b",
        "/node/2/a/b",
        "3",
    ] {
        assert_eq!(
            names.look_up(ONE, &path(other), 0),
            Err(NamingError::NotSupported),
            "{other}"
        );
    }
}

proptest! {
    #[test]
    fn no_capability_is_lost_or_deleted_twice(
        steps in proptest::collection::vec((0u8..4, 0u8..6, any::<bool>()), 0..200),
    ) {
        let mut names = Names::new(1, 1);
        let mut model: BTreeMap<String, (u8, u32)> = BTreeMap::new();
        let mut held: BTreeSet<u32> = BTreeSet::new();
        for (next, (owner, which, register)) in steps.into_iter().enumerate() {
            let next = next as u32;
            let text = format!("n{which}");
            let asker = Asker::Component(ComponentId(owner));
            let may = model.get(&text).is_none_or(|(of, _)| *of == owner);
            let deleted = if register {
                held.insert(next);
                match names.register(asker, name(&text), next) {
                    Ok(old) => {
                        prop_assert!(may);
                        prop_assert_eq!(old, model.insert(text, (owner, next)).map(|(_, c)| c));
                        old
                    }
                    Err(refused) => {
                        prop_assert!(!may && refused.error == NamingError::Exists);
                        Some(refused.capability)
                    }
                }
            } else {
                let result = names.unregister(asker, &name(&text)).ok();
                let expected = if may { model.remove(&text).map(|(_, c)| c) } else { None };
                prop_assert_eq!(result, expected);
                result
            };
            if let Some(capability) = deleted {
                prop_assert!(held.remove(&capability), "deleted once, and only what was handed over");
            }
            prop_assert_eq!(names.len(), held.len());
        }
    }
}

/// What a machine's naming does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Honest,
    Silent,
    Refers,
    Backwards,
}

/// A cluster: node n's naming is capability n for its own clients, n + 100 for peers. Everything else is a server, or a name
/// for a peer's naming (above 1000) that somebody has to delete.
struct Cluster {
    namings: RefCell<Vec<(Names<Slot>, Manner)>>,
    open: RefCell<BTreeSet<Slot>>,
}

struct Serving<'a> {
    cluster: &'a Cluster,
    names: &'a mut Names<Slot>,
    manner: Manner,
    asker: Asker,
}

impl Naming for Serving<'_> {
    fn register(
        &mut self,
        _: Caller,
        name: Name,
        capability: Cap<Anything>,
    ) -> Result<(), NamingError> {
        self.names
            .register(self.asker, name, capability.into_slot())
            .map(|_| ())
            .map_err(|refused| refused.error)
    }

    fn unregister(&mut self, _: Caller, name: Name) -> Result<(), NamingError> {
        self.names.unregister(self.asker, &name).map(|_| ())
    }

    fn lookup(
        &mut self,
        _: Caller,
        path: Path,
        after: u8,
    ) -> Result<(Step, Cap<Anything>), NamingError> {
        let refer = |node: u8, consumed| {
            let capability =
                Slot(1000 + 300 * self.cluster.open.borrow().len() as u32 + u32::from(node));
            self.cluster.open.borrow_mut().insert(capability);
            Ok((Step::Referral { node, consumed }, capability.into()))
        };
        if self.manner == Manner::Refers && self.asker == Asker::Peer {
            return refer(1, 0);
        }
        if self.manner == Manner::Backwards && self.asker != Asker::Peer && after > 0 {
            return refer(after, 0);
        }
        match self.names.look_up(self.asker, &path, after)? {
            Decision::Give(capability) => Ok((Step::Found, capability.into())),
            Decision::Refer { node, consumed } => refer(node, consumed),
        }
    }
}

impl Handler for Cluster {
    fn handle(&self, to: Slot, request: &mut Request<'_>, answer: &mut Answer) -> Disposition {
        let (node, asker) = match to.0 {
            to @ 1..=99 => (to, ONE),
            to => ((to - 1000) % 300, Asker::Peer),
        };
        let mut namings = self.namings.borrow_mut();
        let (names, manner) = &mut namings[node as usize - 1];
        if *manner == Manner::Silent {
            answer.outcome(Outcome::NotExecuted(NotExecuted::PeerUnreachable));
            return Disposition::Reply;
        }
        let mut serving = Serving {
            cluster: self,
            names,
            manner: *manner,
            asker,
        };
        naming::dispatch(&mut serving, request, answer)
    }
}

fn cluster(manners: &[Manner], registered: &[(u8, &str, u32)]) -> Loopback<Cluster> {
    let nodes = manners.len() as u8;
    let mut namings: Vec<_> = (1..=nodes)
        .map(|n| Names::new(n, nodes))
        .zip(manners.iter().copied())
        .collect();
    for (node, text, capability) in registered {
        namings[usize::from(*node) - 1]
            .0
            .register(ONE, name(text), Slot(*capability))
            .unwrap();
    }
    Loopback(Cluster {
        namings: RefCell::new(namings),
        open: RefCell::default(),
    })
}

#[track_caller]
fn find(cluster: &Loopback<Cluster>, from: u32, text: &str) -> Result<u32, ResolveError> {
    let result = resolve(cluster, Slot(from), &path(text)).map(|found| found.into_slot().0);
    for capability in Ledger::take_discarded() {
        let open = cluster.0.open.borrow_mut().remove(&capability);
        assert!(open, "{capability:?} is discarded once");
    }
    assert!(
        cluster.0.open.borrow().is_empty(),
        "every referral's capability is discarded"
    );
    result
}

use Manner::{Backwards, Honest, Refers, Silent};

#[test]
fn a_name_is_found_wherever_it_is() {
    let all = cluster(
        &[Honest; 3],
        &[(1, "kv", 501), (3, "kv", 503), (3, "far", 504)],
    );
    assert_eq!(find(&all, 1, "kv"), Ok(501));
    assert_eq!(find(&all, 2, "kv"), Ok(501), "the first peer that has it");
    assert_eq!(find(&all, 3, "kv"), Ok(503), "the nearest");
    assert_eq!(find(&all, 1, "/far"), Ok(504));
    assert_eq!(find(&all, 1, "/node/3/kv"), Ok(503));
    assert_eq!(find(&all, 1, "/node/1/kv"), Ok(501));
    assert_eq!(find(&all, 1, "/node/2/kv"), Err(ResolveError::NotFound));
    assert_eq!(find(&all, 1, "nothing"), Err(ResolveError::NotFound));
    assert_eq!(
        find(&all, 1, "/a/b"),
        Err(ResolveError::Refused(NamingError::NotSupported))
    );
    assert_eq!(
        find(&cluster(&[Honest], &[(1, "kv", 501)]), 1, "kv"),
        Ok(501),
        "one machine"
    );
}

#[test]
fn a_peer_that_is_silent_is_passed_over_and_remembered() {
    let unreachable = ResolveError::Unreachable {
        node: 2,
        outcome: NotExecuted::PeerUnreachable.into(),
    };
    let all = cluster(&[Honest, Silent, Honest], &[(3, "kv", 503)]);
    assert_eq!(find(&all, 1, "kv"), Ok(503));
    assert_eq!(find(&all, 1, "nothing"), Err(unreachable));
    assert_eq!(find(&all, 1, "/node/2/kv"), Err(unreachable));
    assert_eq!(find(&all, 1, "/node/3/kv"), Ok(503));
    let alone = cluster(&[Silent], &[]);
    let failed = ResolveError::NamingFailed(NotExecuted::PeerUnreachable.into());
    assert_eq!(find(&alone, 1, "kv"), Err(failed));
}

#[test]
fn a_naming_that_lies_keeps_nobody_for_ever() {
    assert_eq!(
        find(&cluster(&[Honest, Refers], &[]), 1, "kv"),
        Err(ResolveError::BadReferral)
    );
    assert_eq!(
        find(&cluster(&[Backwards, Honest], &[]), 1, "kv"),
        Err(ResolveError::BadReferral)
    );
}

#[test]
fn what_is_not_naming_is_noticed() {
    let other = |_: Slot, request: &mut Request<'_>, answer: &mut Answer| {
        answer.raw(Label::method("x", 1, Way::Call), request.words, None);
        Disposition::Reply
    };
    let error = resolve(&Loopback(other), Slot(1), &path("kv")).unwrap_err();
    assert_eq!(error, ResolveError::NamingFailed(Unknown::BadReply.into()));
}
