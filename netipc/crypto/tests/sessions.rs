//! Two endpoints with the real cipher: who gets a session, what an attacker gets, and how keys are replaced.

mod common;

use std::time::Duration;

use common::{A, B, Pair, Said, cluster, kind, node};
use netipc_crypto::limits;
use netipc_protocol::{BootId, Dropped, NotExecuted, Outcome};
use netipc_wire::{HEADER_LENGTH, Kind, TAG_LENGTH};

const SOON: Duration = Duration::from_millis(20);

fn connected() -> Pair {
    let mut pair = Pair::new(cluster(1));
    pair.call(A, 1, &[41]);
    pair.run(SOON);
    assert_eq!(pair.last_outcome(A), Some((1, Ok(vec![42]))));
    pair
}

fn is_unreachable(pair: &Pair, machine: usize, token: u64) -> bool {
    let ended: Outcome = NotExecuted::PeerUnreachable.into();
    pair.last_outcome(machine) == Some((token, Err(ended)))
}

#[test]
fn machines_of_one_cluster_call_each_other() {
    let mut pair = connected();
    pair.call(B, 2, &[1, 2, 3]);
    pair.run(SOON);
    assert_eq!(pair.last_outcome(B), Some((2, Ok(vec![2, 3, 4]))));
    assert_eq!(pair.dropped, []);
}

#[test]
fn no_word_of_a_call_is_on_the_wire() {
    const MARK: u64 = 0x1234_5678_9abc_def1;
    let mut pair = connected();
    pair.call(A, 2, &[MARK; 100]);
    pair.run(SOON);
    assert_eq!(pair.last_outcome(A), Some((2, Ok(vec![MARK + 1; 100]))));
    for (_, frame) in &pair.sent {
        for mark in [MARK, MARK + 1] {
            let mark = mark.to_le_bytes();
            assert!(!frame.windows(8).any(|bytes| bytes == mark));
        }
    }
}

#[test]
fn another_cluster_is_not_spoken_to() {
    let [a, _] = cluster(1);
    let [_, b] = cluster(2);
    let mut pair = Pair::new([a, b]);
    pair.call(A, 1, &[]);
    pair.run(Duration::from_secs(1));
    assert!(is_unreachable(&pair, A, 1));
    assert!(pair.dropped.iter().all(|(_, why)| *why == Dropped::Corrupt));
    assert_eq!(pair.frames(Kind::HelloAck).len(), 0);
}

#[test]
fn a_machine_with_anothers_number_but_not_its_key_is_not_spoken_to() {
    let [a, mut b] = cluster(1);
    // An insider: it knows the cluster's secret, and every public key.
    b.private = netipc_crypto::Secret([99; 32]);
    let mut pair = Pair::new([a, b]);
    for (from, token) in [(A, 1), (B, 2)] {
        pair.call(from, token, &[]);
        pair.run(Duration::from_secs(1));
        assert!(is_unreachable(&pair, from, token), "{from}");
    }
    assert_eq!(pair.frames(Kind::HelloAck).len(), 0);
    assert!(!pair.said.concat().contains(&Said::Up));
}

#[test]
fn a_recorded_hello_does_no_harm() {
    let mut pair = connected();
    let recorded = pair.frames(Kind::Hello).remove(0);
    pair.boot(A, 3);
    pair.call(A, 2, &[7]);
    pair.run(SOON);
    assert_eq!(pair.last_outcome(A), Some((2, Ok(vec![8]))));
    // Of the boot before: it is answered, but who replays it cannot confirm.
    pair.said[B].clear();
    for _ in 0..100 {
        let _ = pair.inject(B, &recorded);
        pair.call(A, 3, &[8]);
        pair.run(Duration::from_millis(10));
        assert_eq!(pair.last_outcome(A), Some((3, Ok(vec![9]))));
    }
    assert_eq!(pair.said[B], [], "the session went on");
}

#[test]
fn nothing_that_was_recorded_is_taken_again() {
    let mut pair = connected();
    pair.call(A, 2, &[7; 50]);
    pair.run(SOON);
    let recorded = pair.sent.clone();
    pair.dropped.clear();
    pair.said = Default::default();
    let mut taken = 0;
    for (from, frame) in &recorded {
        taken += usize::from(pair.inject(1 - from, frame).is_ok());
        // Nor by its sender, as the other's.
        taken += usize::from(pair.inject(*from, frame).is_ok());
    }
    assert_eq!(taken, 0);
    assert_eq!(pair.dropped.len(), 2 * recorded.len());
    assert_eq!(pair.said, <[Vec<Said>; 2]>::default());
}

#[test]
// [N5]
fn no_changed_or_shortened_frame_is_taken() {
    let mut pair = connected();
    pair.wire.clear();
    pair.call(A, 2, &[7; 3]);
    let (_, to, frame) = pair.wire.pop().unwrap();
    for byte in 0..frame.len() {
        for bit in [1, 0x80] {
            let mut changed = frame.clone();
            changed[byte] ^= bit;
            assert!(pair.inject(to, &changed).is_err(), "byte {byte}");
        }
        assert!(pair.inject(to, &frame[..byte]).is_err(), "{byte} bytes");
    }
    assert_eq!(pair.inject(to, &frame), Ok(()));
}

#[test]
fn no_changed_or_shortened_hello_causes_arithmetic() {
    let mut pair = Pair::new(cluster(1));
    pair.call(A, 1, &[]);
    let (_, to, frame) = pair.wire.pop().unwrap();
    assert_eq!(kind(&frame), Kind::Hello);
    for byte in 0..frame.len() {
        let mut changed = frame.clone();
        changed[byte] ^= 4;
        assert!(pair.inject(to, &changed).is_err(), "byte {byte}");
        assert!(pair.inject(to, &frame[..byte]).is_err(), "{byte} bytes");
    }
    assert_eq!(pair.frames(Kind::HelloAck).len(), 0);
}

/// HELLOs of other boots of A, as an attacker may have recorded them.
fn recorded_hellos(count: u64) -> Vec<Vec<u8>> {
    let mut pair = Pair::new(cluster(1));
    pair.lose = Box::new(|_, _| true);
    for boot in 0..count {
        pair.boot(A, 100 + boot);
        pair.call(A, boot, &[]);
    }
    pair.frames(Kind::Hello)
}

#[test]
// [N12]
fn a_flood_of_recorded_hellos_costs_little_and_honest_machines_get_through() {
    let recorded = recorded_hellos(400);
    let mut pair = Pair::new(cluster(1));
    let begun = pair.now;
    for (round, flood) in recorded.chunks(20).enumerate() {
        for frame in flood {
            let _ = pair.inject(B, frame);
            pair.run(Duration::from_micros(200));
        }
        // An honest machine, newly started each time, in the middle of it.
        pair.boot(A, 1000 + round as u64);
        pair.call(A, round as u64, &[round as u64]);
        for frame in flood {
            let _ = pair.inject(B, frame);
            pair.run(Duration::from_micros(200));
        }
        pair.run(limits::PEER_HANDSHAKE_EVERY);
        let right = Some((round as u64, Ok(vec![round as u64 + 1])));
        assert_eq!(pair.last_outcome(A), right, "round {round}");
    }
    let answered = pair.frames(Kind::HelloAck).len();
    let time = begun.until(pair.now).as_millis();
    let allowed = limits::HANDSHAKES + (time / limits::HANDSHAKE_EVERY.as_millis()) as u32 + 20;
    assert!(answered <= allowed as usize, "{answered} answered");
    assert!(!pair.frames(Kind::HelloCookie).is_empty());
    let twins = pair.said.concat();
    assert!(!twins.iter().any(|said| matches!(said, Said::Twin(_))));
}

#[test]
fn crossed_hellos_make_one_session() {
    let mut pair = Pair::new(cluster(1));
    pair.call(A, 1, &[1]);
    pair.call(B, 2, &[2]);
    pair.run(SOON);
    assert_eq!(pair.last_outcome(A), Some((1, Ok(vec![2]))));
    assert_eq!(pair.last_outcome(B), Some((2, Ok(vec![3]))));
    let up = |machine: usize| {
        pair.said[machine]
            .iter()
            .filter(|s| **s == Said::Up)
            .count()
    };
    assert_eq!((up(A), up(B)), (1, 1));
}

#[test]
fn a_restarted_machine_is_spoken_to_again() {
    let mut pair = connected();
    pair.boot(B, 9);
    pair.call(A, 2, &[]);
    pair.run(Duration::from_secs(1));
    pair.call(A, 3, &[5]);
    pair.run(SOON);
    assert_eq!(pair.last_outcome(A), Some((3, Ok(vec![6]))));
}

#[test]
// [N11]
fn two_machines_with_one_identity_are_noticed() {
    let mut pair = connected();
    // Another with B's keys takes over; then the first one speaks again, having lost nothing.
    pair.boot(B, 9);
    pair.call(B, 2, &[1]);
    pair.run(SOON);
    assert_eq!(pair.last_outcome(B), Some((2, Ok(vec![2]))));
    pair.boot(B, 2);
    pair.call(B, 3, &[1]);
    pair.run(Duration::from_secs(1));
    assert!(pair.said[A].contains(&Said::Twin(BootId(2))));
    assert_ne!(
        pair.last_outcome(B),
        Some((3, Ok(vec![2]))),
        "it is not believed"
    );
}

#[test]
// [N14]
fn keys_are_replaced_while_calls_go_on_and_slots_do_not_notice() {
    for loss in [0, 3] {
        let mut pair = Pair::rekeying(cluster(1), Duration::from_millis(50));
        let mut frames = 0;
        pair.lose = Box::new(move |_, _| {
            frames += 1;
            loss > 0 && frames % 7 < loss - 1
        });
        for token in 0..2000 {
            let from = (token % 2) as usize;
            pair.call(from, token, &[token]);
            pair.run(Duration::from_millis(if loss == 0 { 2 } else { 200 }));
            let right = Some((token, Ok(vec![token + 1])));
            assert_eq!(pair.last_outcome(from), right, "call {token}");
            if loss > 0 && token > 300 {
                break;
            }
        }
        let keys = |machine: usize| {
            let sealed = pair.sent.iter().filter(|(from, _)| *from == machine);
            let key = |frame: &[u8]| u32::from_le_bytes(frame[4..8].try_into().unwrap());
            sealed.map(|(_, frame)| key(frame)).max().unwrap()
        };
        // A try is not repeated before REKEY_AGAIN has passed, a new key makes the next one due after 50 ms.
        assert!(keys(A) > 5 && keys(B) > 5, "{} {}", keys(A), keys(B));
        assert_eq!(pair.said[A].iter().filter(|s| **s == Said::Up).count(), 1);
        assert!(!pair.said.concat().contains(&Said::Down));
        assert!(
            !pair
                .dropped
                .iter()
                .any(|(_, why)| *why == Dropped::UnknownSession)
        );
    }
}

#[test]
// [N15]
fn an_old_key_is_good_for_late_frames_only() {
    let mut pair = Pair::rekeying(cluster(1), Duration::from_secs(1));
    pair.call(A, 1, &[]);
    pair.run(Duration::from_millis(1100));
    pair.call(A, 2, &[]);
    let (_, _, late) = pair.wire.remove(0);
    assert_eq!(late[4], 0, "the session's first key");
    pair.run(SOON);
    assert_eq!(pair.last_outcome(A), Some((2, Ok(vec![]))));
    assert_eq!(pair.frames(Kind::RekeyAck).len(), 1);
    assert_eq!(
        pair.inject(B, &late),
        Ok(()),
        "on its way, and a repetition"
    );
    pair.run(limits::OVERLAP);
    let too_late = pair.inject(B, &late);
    assert_eq!(too_late, Err(Dropped::UnknownSession));
}

#[test]
fn what_is_sealed_has_the_length_that_it_had() {
    let pair = connected();
    let calls = pair.frames(Kind::Request);
    assert_eq!(calls[0].len(), HEADER_LENGTH + 64 + 8 + TAG_LENGTH);
    assert_eq!(node(B).0, calls.len() as u8 + 1);
}
