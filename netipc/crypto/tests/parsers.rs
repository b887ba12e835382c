//! Nothing that comes from a wire or a file makes a parser panic, and no handshake frame of an outsider is believed.

mod common;

use std::time::Duration;

use common::{A, B, Pair, cluster};
use netipc_crypto::{
    BadKeys, BadVoters, ClusterKeys, Noise, Old, Secret, Urgency, Voters, Window, keys, update,
};
use netipc_protocol::NodeId;
use netipc_wire::{HEADER_LENGTH, Header, Kind, SessionId, TAG_LENGTH};
use proptest::collection::vec;
use proptest::prelude::*;

fn frame(kind: Kind, key: u32, session: u64, number: u64, body: &[u8]) -> Vec<u8> {
    let session = if kind.is_handshake() {
        0
    } else {
        session.max(1)
    };
    let header = Header {
        kind,
        key,
        session: SessionId(session),
        number,
    };
    let mut frame = vec![0; HEADER_LENGTH + body.len() + TAG_LENGTH];
    header.emit(&mut frame);
    frame[HEADER_LENGTH..][..body.len()].copy_from_slice(body);
    frame
}

proptest! {
    #[test]
    fn no_forged_frame_has_an_effect(
        kind in prop::sample::select(Kind::ALL),
        key in 0..3u32,
        session in any::<u64>(),
        number in 0..50u64,
        body in vec(any::<u8>(), 0..300),
        tag in any::<[u8; TAG_LENGTH]>(),
    ) {
        let mut pair = Pair::new(cluster(1));
        pair.call(A, 1, &[1]);
        pair.run(Duration::from_millis(5));
        let (own, _) = &pair.sent.iter().map(|(_, frame)| frame).rev().map(|frame| {
            (u64::from_le_bytes(frame[8..16].try_into().unwrap()), ())
        }).next().unwrap();
        let session = if session % 2 == 0 { *own } else { session };
        let mut forged = frame(kind, key, session, number, &body);
        let at = forged.len() - TAG_LENGTH;
        forged[at..].copy_from_slice(&tag);
        pair.said = Default::default();
        prop_assert!(pair.inject(B, &forged).is_err());
        prop_assert!(pair.inject(A, &forged).is_err());
        prop_assert!(pair.said.concat().is_empty());
    }

    /// The same from a machine of the cluster, which knows what the code of a handshake frame is made with.
    #[test]
    fn a_genuine_hello_with_any_content_makes_nothing_panic(
        at in any::<prop::sample::Index>(),
        with in vec(any::<u8>(), 1..40),
    ) {
        let mut attacker = Pair::new(cluster(1));
        attacker.call(A, 1, &[1]);
        let mut hello = attacker.wire.pop().unwrap().2;
        let start = HEADER_LENGTH + at.index(hello.len() - HEADER_LENGTH - TAG_LENGTH);
        let end = (start + with.len()).min(hello.len() - TAG_LENGTH);
        let changed = hello[start..end] != with[..end - start];
        hello[start..end].copy_from_slice(&with[..end - start]);
        // Sealed again, as its maker would.
        let header = netipc_wire::frame::Packet::new_checked(&hello[..]).unwrap().header();
        netipc_protocol::Cipher::seal(attacker.machines[A].cipher_mut(), common::node(B), &header, &mut hello);
        let mut pair = Pair::new(cluster(1));
        let _ = pair.inject(B, &hello);
        let cookie = start >= HEADER_LENGTH + 48 && end <= HEADER_LENGTH + 64;
        if changed && !cookie {
            prop_assert!(pair.frames(Kind::HelloAck).is_empty(), "bound to all that it says");
        }
    }

    #[test]
    // [N4]
    fn the_window_takes_each_number_once(numbers in vec((0..4u8, 0..3000u64), 1..600)) {
        let mut window = Window::new();
        let mut seen = std::collections::BTreeSet::new();
        let mut newest = 0u64;
        for (way, by) in numbers {
            let number = match way {
                0 => newest + by,
                1 => newest.saturating_sub(by),
                2 => newest.saturating_sub(by % 70),
                _ => newest + by % 3,
            };
            let in_reach = newest.saturating_sub(number) < netipc_crypto::limits::WINDOW;
            let expected = if in_reach && !seen.contains(&number) { Ok(()) } else { Err(Old) };
            // What is too old is never taken; what is within reach exactly once.
            prop_assert_eq!(window.check(number), expected, "{} of {}", number, newest);
            prop_assert_eq!(window.accept(number), expected);
            if expected.is_ok() {
                seen.insert(number);
                newest = newest.max(number);
            }
        }
    }

    #[test]
    fn keys_are_read_as_they_were_written_or_refused(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let [keys, _] = cluster(1);
        let mut bytes = keys.to_bytes();
        prop_assert_eq!(ClusterKeys::from_bytes(&bytes), Ok(keys));
        bytes[at.index(keys::LENGTH)] = to;
        if let Ok(keys) = ClusterKeys::from_bytes(&bytes) {
            prop_assert_eq!(keys.to_bytes(), bytes);
        }
        prop_assert_eq!(ClusterKeys::from_bytes(&bytes[1..]), Err(BadKeys::NotKeys));
    }
}

#[test]
fn the_last_numbers_are_windowed_too() {
    let mut window = Window::new();
    for number in [u64::MAX - 1, u64::MAX - 3, 0] {
        let expected = if number == 0 { Err(Old) } else { Ok(()) };
        assert_eq!(window.accept(number), expected);
    }
    assert_eq!(window.accept(u64::MAX - 1), Err(Old));
}

#[test]
fn secrets_are_not_printed() {
    let [keys, _] = cluster(0x5a);
    let text = format!("{keys:?}");
    assert!(
        text.contains("Secret(..)") && !text.contains("90, 90"),
        "{text}"
    );
}

#[test]
fn a_private_key_of_another_machine_is_refused() {
    let [mut keys, other] = cluster(1);
    keys.private = other.private;
    assert_eq!(
        ClusterKeys::from_bytes(&keys.to_bytes()),
        Err(BadKeys::Mismatch)
    );
}

proptest! {
    /// An update for the other machine and what that machine has answered, with anything in them, to either of the two.
    #[test]
    fn no_changed_datagram_about_keys_has_an_effect(
        which in 0..2usize,
        at in any::<prop::sample::Index>(),
        with in vec(any::<u8>(), 1..40),
        cut in any::<prop::sample::Index>(),
    ) {
        let (mut machines, said) = passed_on();
        let mut changed = said[which].clone();
        let start = at.index(changed.len());
        let end = (start + with.len()).min(changed.len());
        changed[start..end].copy_from_slice(&with[..end - start]);
        let now = netipc_protocol::Instant::from_nanos(0);
        for (own, machine) in machines.iter_mut().enumerate() {
            let generation = machine.generation();
            let _ = machine.hear(now, common::node(1 - own), &changed[..cut.index(changed.len())]);
            let heard = machine.hear(now, common::node(1 - own), &changed);
            // The codes of updates for other machines are at the end, and not its to judge.
            let judged = |datagram: &[u8]| match which {
                0 => {
                    let codes = update::LENGTH - keys::NODES * CODE;
                    let own = codes + own * CODE;
                    [&datagram[..codes], &datagram[own..own + CODE]].concat()
                }
                _ => datagram.to_vec(),
            };
            let same = judged(&changed) == judged(&said[which]);
            prop_assert!(same || heard.is_err(), "{:?}", heard);
            prop_assert_eq!(machine.generation(), generation);
        }
    }
}

#[test]
fn voters_are_machines_named_once_and_witnesses_are_voters() {
    let of = |voters: &[u8], witnesses: &[u8]| {
        let nodes = |of: &[u8]| of.iter().copied().map(NodeId).collect::<Vec<_>>();
        Voters::new(nodes(voters), nodes(witnesses))
    };
    let voters = of(&[3, 1, 8], &[8]).expect("machines");
    assert!(voters.voters().eq([1, 3, 8].map(NodeId)));
    assert!(voters.witnesses().eq([NodeId(8)]));
    assert_eq!(voters.without(NodeId(8)), of(&[1, 3], &[]).expect("two"));
    assert!(of(&[], &[]).expect("nobody").is_empty());
    for node in [0, 9, 255] {
        assert_eq!(of(&[1, node], &[]), Err(BadVoters::Machine(NodeId(node))));
    }
    assert_eq!(of(&[1, 2, 1], &[]), Err(BadVoters::Machine(NodeId(1))));
    assert_eq!(of(&[1, 2], &[3]), Err(BadVoters::IdleWitness));
    let [mut keys, _] = cluster(1);
    keys.voters = voters;
    let bytes = keys.to_bytes();
    assert_eq!(
        ClusterKeys::from_bytes(&bytes).expect("keys").voters,
        voters
    );
    let mut idle = bytes;
    idle[19] |= 2;
    assert_eq!(ClusterKeys::from_bytes(&idle), Err(BadKeys::Field));
}

/// Bytes of a code.
const CODE: usize = 16;

/// Two machines, of which the first has passed on the second's keys; what was said.
fn passed_on() -> ([Noise; 2], [Vec<u8>; 2]) {
    let administrator = Secret([200; 32]);
    let keys = cluster::<2>(1).map(|mut keys| {
        keys.administrator = Some(administrator.public());
        keys
    });
    let mut machines = keys.clone().map(|keys| Noise::new(keys, &[3; 32]));
    let next = ClusterKeys {
        generation: 2,
        ..keys[B].clone()
    };
    let update = update::seal(
        &administrator,
        &keys[B].public,
        &next,
        Urgency::Overlap,
        [4; 32],
    );
    let update = update.expect("keys are keys");
    let now = netipc_protocol::Instant::from_nanos(0);
    let mut buffer = [0; update::LENGTH];
    machines[A].hear(now, NodeId(254), &update).expect("kept");
    machines[A]
        .next_said(now, &mut buffer)
        .expect("it is offered");
    machines[B].hear(now, NodeId(1), &buffer).expect("taken");
    let (_, length) = machines[B]
        .next_said(now, &mut buffer)
        .expect("it is answered");
    (machines, [update.to_vec(), buffer[..length].to_vec()])
}
