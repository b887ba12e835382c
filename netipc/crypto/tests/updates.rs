//! Other keys for machines that run: who can make them, what they end, and what goes on.

mod common;

use std::time::Duration;

use common::{A, B, Pair, Said, cluster, kind, node};
use netipc_crypto::update::{LENGTH, is_update, seal};
use netipc_crypto::{ClusterKeys, Heard, Refused, Secret, Urgency, limits};
use netipc_protocol::{BootId, NodeId, NotExecuted, Outcome, Unknown};
use netipc_wire::Kind;

const SOON: Duration = Duration::from_millis(20);
/// Who sends datagrams and is no machine.
const NOBODY: NodeId = NodeId(254);
const ADMINISTRATOR: [u8; 32] = [200; 32];

/// Two machines whose keys an administrator may change.
fn administered() -> [ClusterKeys; 2] {
    let mut keys = cluster(1);
    for keys in &mut keys {
        keys.administrator = Some(Secret(ADMINISTRATOR).public());
    }
    keys
}

/// The next keys of a machine, with another secret.
fn rotated(keys: &ClusterKeys, shared: u8) -> ClusterKeys {
    ClusterKeys {
        shared: Secret([shared; 32]),
        generation: keys.generation + 1,
        ..keys.clone()
    }
}

fn sealed(present: &ClusterKeys, next: &ClusterKeys, urgency: Urgency) -> [u8; LENGTH] {
    seal(
        &Secret(ADMINISTRATOR),
        &present.public,
        next,
        urgency,
        [77; 32],
    )
    .expect("keys are keys")
}

fn give(pair: &mut Pair, machine: usize, update: &[u8]) -> Result<u64, Refused> {
    let now = pair.now;
    let heard = pair.machines[machine].cipher_mut();
    let change = match heard.hear(now, NOBODY, update)? {
        Heard::Changed(change) => change,
        other => panic!("{other:?}"),
    };
    for node in &change.gone {
        pair.machines[machine].expel(now, *node);
    }
    pair.settle(machine);
    Ok(change.generation)
}

fn connected(keys: [ClusterKeys; 2]) -> Pair {
    let mut pair = Pair::new(keys);
    pair.call(A, 1, &[41]);
    pair.run(SOON);
    assert_eq!(pair.last_outcome(A), Some((1, Ok(vec![42]))));
    pair
}

fn works(pair: &mut Pair, from: usize, token: u64) {
    pair.call(from, token, &[token]);
    pair.run(SOON);
    assert_eq!(pair.last_outcome(from), Some((token, Ok(vec![token + 1]))));
}

fn ups(pair: &Pair) -> usize {
    let said = pair.said.concat();
    said.iter().filter(|said| **said == Said::Up).count()
}

// [N50]
#[test]
fn only_the_administrators_newer_word_for_this_machine_is_taken() {
    let [a, b] = administered();
    let mut pair = connected([a.clone(), b.clone()]);
    let next = rotated(&a, 9);
    let update = sealed(&a, &next, Urgency::Overlap);
    assert!(is_update(&update));
    // The codes of other machines are not this one's to judge, and come last.
    let judged = LENGTH - (netipc_crypto::keys::NODES - 1) * 16;
    for bit in (0..judged * 8).step_by(7) {
        let mut changed = update;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(give(&mut pair, A, &changed).is_err(), "bit {bit}");
    }
    for length in 0..update.len() {
        let cut = give(&mut pair, A, &update[..length]);
        assert_eq!(cut, Err(Refused::Malformed));
    }
    // Somebody else's: an outsider's, and one by a machine of the cluster, which knows all but the administrator's key.
    for other in [Secret([201; 32]), b.private.clone()] {
        let forged = seal(&other, &a.public, &next, Urgency::AtOnce, [1; 32]);
        let forged = forged.expect("keys are keys");
        assert_eq!(give(&mut pair, A, &forged), Err(Refused::Forged));
    }
    // Another machine's: for it, and passed off as ours.
    let others = sealed(&b, &rotated(&b, 9), Urgency::Overlap);
    let now = pair.now;
    let kept = pair.machines[A].cipher_mut().hear(now, NOBODY, &others);
    assert_eq!(kept, Ok(Heard::Kept(b.node)));
    let mut passed_off = others;
    passed_off[8] = a.node.0;
    assert_eq!(give(&mut pair, A, &passed_off), Err(Refused::Forged));
    // No newer than what is there, though it is the administrator's.
    let same = sealed(&a, &a, Urgency::Overlap);
    assert_eq!(give(&mut pair, A, &same), Err(Refused::Old));
    // Of another cluster, or with another machine's identity inside.
    let mut foreign = next.clone();
    foreign.cluster.0 += 1;
    let foreign = sealed(&a, &foreign, Urgency::Overlap);
    assert_eq!(give(&mut pair, A, &foreign), Err(Refused::Malformed));
    works(&mut pair, A, 2);

    assert_eq!(give(&mut pair, A, &update), Ok(2));
    for _ in 0..3 {
        assert_eq!(give(&mut pair, A, &update), Err(Refused::Old), "a replay");
    }
    assert_eq!(pair.machines[A].cipher_mut().generation(), 2);
    works(&mut pair, A, 3);
    // A machine without an administrator has its keys for good.
    let [c, d] = cluster(1);
    let mut pair = connected([c.clone(), d]);
    let update = sealed(&c, &rotated(&c, 9), Urgency::Overlap);
    assert_eq!(give(&mut pair, A, &update), Err(Refused::Forged));
}

#[test]
fn calls_go_on_while_the_secret_is_rotated() {
    for (first, second) in [(A, B), (B, A)] {
        let keys = administered();
        let mut pair = connected(keys.clone());
        let next = keys.clone().map(|keys| rotated(&keys, 9));
        let update = |machine: usize| sealed(&keys[machine], &next[machine], Urgency::Overlap);
        for token in 2..300 {
            if token == 20 {
                give(&mut pair, first, &update(first)).expect("the administrator's");
            }
            if token == 40 {
                give(&mut pair, second, &update(second)).expect("the administrator's");
            }
            works(&mut pair, if token % 2 == 0 { A } else { B }, token);
        }
        assert_eq!(ups(&pair), 2, "one session, seen by both");
        // It has a key that was agreed on by the new secret: the last exchange was after both had it.
        let exchanges = pair.frames(Kind::RekeyAck).len();
        assert!((1..=3).contains(&exchanges), "{exchanges} exchanges");
        let before = pair.frames(Kind::Rekey).len();
        for token in 300..600 {
            works(&mut pair, A, token);
        }
        assert_eq!(
            pair.frames(Kind::Rekey).len(),
            before,
            "and no more are wanted"
        );
    }
}

/// New sessions while one side, the other, or both have the new keys, and when the old ones are no good any more.
#[test]
fn sessions_are_made_by_either_secret_for_a_while() {
    for restarting in [A, B] {
        for updated in [A, B] {
            let keys = administered();
            let mut pair = connected(keys.clone());
            let next = keys.clone().map(|keys| rotated(&keys, 9));
            let update = |machine: usize| sealed(&keys[machine], &next[machine], Urgency::Overlap);
            give(&mut pair, updated, &update(updated)).expect("the administrator's");
            for (boot, from) in [(10, A), (11, B)] {
                pair.boot(restarting, boot);
                // A call that finds the old session says so.
                pair.run(Duration::from_secs(2));
                pair.call(from, 100 + boot, &[1]);
                pair.run(Duration::from_secs(1));
                if pair.last_outcome(from) != Some((100 + boot, Ok(vec![2]))) {
                    works(&mut pair, from, 200 + boot);
                }
            }
            // After the overlap the one without the new keys is nobody, until it has them.
            pair.run(limits::OVERLAP_OF_CLUSTER_KEYS);
            pair.boot(restarting, 12);
            pair.run(Duration::from_secs(2));
            for (token, from) in [(300, A), (301, B), (302, A), (303, B)] {
                pair.call(from, token, &[1]);
                pair.run(Duration::from_secs(1));
            }
            let unreachable = |token| Some((token, Err(NotExecuted::PeerUnreachable.into())));
            assert_eq!(
                pair.last_outcome(A),
                unreachable(302),
                "{restarting} {updated}"
            );
            assert_eq!(pair.last_outcome(B), unreachable(303));
            give(&mut pair, 1 - updated, &update(1 - updated)).expect("the administrator's");
            works(&mut pair, A, 400);
            works(&mut pair, B, 401);
        }
    }
}

// [N51]
#[test]
fn who_is_expelled_is_nobody_at_once() {
    let keys = administered();
    let mut pair = connected(keys.clone());
    let mut next = rotated(&keys[A], 9);
    next.public[B] = None;
    // One call is under way, and one waits for nothing: its frame is lost.
    pair.lose = Box::new(|machine, of| machine == B && of == Kind::Reply);
    pair.call(A, 2, &[1]);
    pair.run(SOON);
    pair.lose = Box::new(|_, _| false);
    let update = sealed(&keys[A], &next, Urgency::AtOnce);
    give(&mut pair, A, &update).expect("the administrator's");
    let lost: Outcome = Unknown::PeerLost.into();
    assert_eq!(pair.last_outcome(A), Some((2, Err(lost))));
    assert!(pair.said[A].contains(&Said::Down));
    let sent = pair.sent.len();
    for (from, token) in [(A, 3), (B, 4), (A, 5), (B, 6)] {
        pair.call(from, token, &[1]);
        pair.run(Duration::from_secs(2));
    }
    let unreachable: Outcome = NotExecuted::PeerUnreachable.into();
    assert_eq!(pair.last_outcome(A), Some((5, Err(unreachable))));
    assert_eq!(pair.last_outcome(B), Some((6, Err(unreachable))));
    let answers = pair.sent[sent..].iter().filter(|(by, _)| *by == A);
    assert_eq!(answers.count(), 0, "not a word is said to it");
    // Nor does a start of it help, nor that it says HELLO under the secret that it knows.
    pair.boot(B, 7);
    pair.call(B, 8, &[1]);
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.last_outcome(B), Some((8, Err(unreachable))));
    assert!(pair.frames(Kind::HelloAck).len() <= 1);
    assert!(
        pair.sent
            .iter()
            .any(|(by, frame)| *by == B && kind(frame) == Kind::Hello)
    );
}

/// The keys of one that was only removed are in nobody's hands; still nobody speaks to it, overlap or not.
// [N51]
#[test]
fn who_is_removed_is_nobody_in_spite_of_the_overlap() {
    let keys = administered();
    let mut pair = connected(keys.clone());
    let mut next = rotated(&keys[A], 1);
    next.public[B] = None;
    let update = sealed(&keys[A], &next, Urgency::Overlap);
    give(&mut pair, A, &update).expect("the administrator's");
    assert!(pair.said[A].contains(&Said::Down));
    pair.run(Duration::from_secs(2));
    for (token, boot) in [(4, 20), (5, 21)] {
        pair.boot(B, boot);
        pair.call(B, token, &[1]);
        pair.run(Duration::from_secs(1));
        let unreachable: Outcome = NotExecuted::PeerUnreachable.into();
        assert_eq!(pair.last_outcome(B), Some((token, Err(unreachable))));
    }
    assert_eq!(ups(&pair), 2, "there was one session");
}

#[test]
fn a_machine_that_is_added_is_spoken_to() {
    let keys = administered();
    let mut alone = keys[A].clone();
    alone.public[B] = None;
    let mut pair = Pair::new([alone.clone(), keys[B].clone()]);
    for (from, token) in [(A, 1), (B, 2)] {
        pair.call(from, token, &[1]);
        pair.run(Duration::from_secs(1));
        let unreachable: Outcome = NotExecuted::PeerUnreachable.into();
        assert_eq!(pair.last_outcome(from), Some((token, Err(unreachable))));
    }
    let next = ClusterKeys {
        generation: 2,
        ..keys[A].clone()
    };
    let update = sealed(&alone, &next, Urgency::Overlap);
    give(&mut pair, A, &update).expect("the administrator's");
    works(&mut pair, A, 3);
    works(&mut pair, B, 4);
}

/// A machine's own key pair is replaced by a start with the new one; the others take either for a while.
#[test]
fn a_machines_own_key_pair_is_rotated_by_its_start() {
    let keys = administered();
    let mut pair = connected(keys.clone());
    let replaced = Secret([55; 32]);
    let mut next = ClusterKeys {
        generation: 2,
        ..keys[A].clone()
    };
    next.public[B] = Some(replaced.public());
    let update = sealed(&keys[A], &next, Urgency::Overlap);
    give(&mut pair, A, &update).expect("the administrator's");
    works(&mut pair, A, 2);
    // Started again with the old pair: it may still come.
    pair.boot(B, 20);
    works(&mut pair, B, 3);
    assert_eq!(pair.last_outcome(B), Some((3, Ok(vec![4]))));
    assert_eq!(node(B), keys[B].node);
    assert_ne!(BootId(20), BootId(2));
}
