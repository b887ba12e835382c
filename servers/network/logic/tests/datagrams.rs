//! The fast path and the neighbour table: datagrams between machines, bounds, drops, wrong frames.
mod common;

use std::time::Duration;

use common::{Machine, acquainted, exchange, netipc, node, ticks};
use network_interface::{Drop, MAX_PAYLOAD, Peer};
use network_logic::limits::{ASK_EVERY, ASK_TIMES, ASKING, HELD, HELD_EACH, STALE_AFTER};
use network_logic::{Refused, Ticks};

fn is_arp(frame: &[u8]) -> bool {
    frame[12..14] == [8, 6]
}

#[test]
fn the_first_datagram_waits_for_arp_and_then_arrives() {
    let mut machines = [Machine::new(1), Machine::new(2)];
    machines[0].send(netipc(2), b"first", 0).unwrap();
    assert_eq!(machines[0].wire.frames.len(), 1);
    assert!(is_arp(&machines[0].wire.frames[0]));
    exchange(&mut machines, 0, || false);
    assert_eq!(
        machines[1].client.datagrams,
        [(netipc(1), b"first".to_vec())]
    );
    // The receiver has learned the sender's address from all that: no ARP on the way back.
    machines[1].send(netipc(1), b"second", 0).unwrap();
    assert!(!is_arp(&machines[1].wire.frames[0]));
    exchange(&mut machines, 0, || false);
    assert_eq!(
        machines[0].client.datagrams,
        [(netipc(2), b"second".to_vec())]
    );
    assert_eq!(machines[0].network.counters().drops, [0; 11]);
    assert_eq!(machines[0].network.deadline(), None);
}

#[test]
fn every_length_passes() {
    let mut machines = acquainted();
    for length in [0, 1, 17, 18, 19, 500, MAX_PAYLOAD - 1, MAX_PAYLOAD] {
        let payload: Vec<u8> = (0..length).map(|index| index as u8).collect();
        machines[0].send(netipc(2), &payload, 0).unwrap();
        exchange(&mut machines, 0, || false);
        assert_eq!(
            machines[1].client.datagrams.pop(),
            Some((netipc(1), payload))
        );
    }
    machines[0]
        .send(netipc(2), &[0; MAX_PAYLOAD + 1], 0)
        .unwrap();
    assert_eq!(machines[0].network.counters().dropped(Drop::BadRecord), 1);
}

#[test]
fn a_padded_frame_is_cut_to_its_datagram() {
    let mut machines = acquainted();
    machines[0].send(netipc(2), b"x", 0).unwrap();
    let mut frame = machines[0].wire.frames.pop_front().unwrap();
    frame.resize(60, 0);
    machines[1].receive(&frame, 0);
    assert_eq!(machines[1].client.datagrams, [(netipc(1), b"x".to_vec())]);
}

#[test]
fn a_silent_neighbour_is_asked_for_and_given_up() {
    let mut machine = Machine::new(1);
    machine.send(netipc(9), b"nobody", 0).unwrap();
    let mut now = 0;
    let mut asked = machine.wire.frames.drain(..).count();
    while let Some(Ticks(deadline)) = machine.network.deadline() {
        assert_eq!(deadline, now + ticks(ASK_EVERY));
        now = deadline;
        machine.advance(now);
        asked += machine
            .wire
            .frames
            .drain(..)
            .filter(|frame| is_arp(frame))
            .count();
    }
    assert_eq!(asked, usize::from(ASK_TIMES));
    assert_eq!(machine.network.counters().dropped(Drop::Unreachable), 1);
}

#[test]
fn what_is_held_is_bounded() {
    let mut machine = Machine::new(1);
    for number in 10..20 {
        for _ in 0..HELD_EACH + 1 {
            machine.send(netipc(number), b"held", 0).unwrap();
        }
    }
    let held = HELD.min(10 * HELD_EACH) as u64;
    let counters = *machine.network.counters();
    assert_eq!(
        counters.dropped(Drop::HeldFull),
        10 * (HELD_EACH as u64 + 1) - held
    );
    assert!(machine.wire.frames.len() <= ASKING);
}

#[test]
fn a_stale_address_is_used_and_asked_for_again() {
    let mut machines = acquainted();
    let later = ticks(STALE_AFTER) + 1;
    machines[0].send(netipc(2), b"still there?", later).unwrap();
    assert_eq!(machines[0].wire.frames.len(), 2);
    assert!(!is_arp(&machines[0].wire.frames[0]) && is_arp(&machines[0].wire.frames[1]));
    exchange(&mut machines, later, || false);
    assert_eq!(machines[0].network.deadline(), None);
    // Nobody answers: it is forgotten.
    let later = 3 * later;
    machines[0].send(netipc(2), b"still there?", later).unwrap();
    for step in 1..=4 {
        machines[0].advance(later + step * ticks(ASK_EVERY));
    }
    machines[0].wire.frames.clear();
    machines[0]
        .send(netipc(2), b"anew", later + ticks(Duration::from_secs(2)))
        .unwrap();
    assert!(is_arp(&machines[0].wire.frames[0]));
}

#[test]
fn a_full_device_refuses_and_loses_nothing() {
    let mut machines = acquainted();
    machines[0].wire.room = 1;
    assert_eq!(machines[0].send(netipc(2), b"one", 0), Ok(()));
    assert_eq!(machines[0].send(netipc(2), b"two", 0), Err(Refused));
    exchange(&mut machines, 0, || false);
    assert_eq!(machines[0].send(netipc(2), b"two", 0), Ok(()));
    exchange(&mut machines, 0, || false);
    assert_eq!(machines[1].client.datagrams.len(), 2);
}

#[test]
fn what_was_held_waits_for_a_buffer() {
    let mut machines = [Machine::new(1), Machine::new(2)];
    machines[0].send(netipc(2), b"held", 0).unwrap();
    let request = machines[0].wire.frames.pop_front().unwrap();
    machines[1].receive(&request, 0);
    let answer = machines[1].wire.frames.pop_front().unwrap();
    machines[0].wire.room = 0;
    machines[0].receive(&answer, 0);
    machines[0].wire.room = 1;
    machines[0].advance(0);
    exchange(&mut machines, 0, || false);
    assert_eq!(
        machines[1].client.datagrams,
        [(netipc(1), b"held".to_vec())]
    );
}

#[test]
fn a_client_without_room_loses_datagrams_and_nothing_else() {
    let mut machines = acquainted();
    machines[1].client.room = 0;
    machines[0].send(netipc(2), b"lost", 0).unwrap();
    exchange(&mut machines, 0, || false);
    assert_eq!(machines[1].network.counters().dropped(Drop::ClientFull), 1);
}

#[test]
fn a_datagram_to_oneself_is_unreachable() {
    let mut machine = Machine::new(1);
    machine.send(netipc(1), b"me", 0).unwrap();
    assert_eq!(machine.network.counters().dropped(Drop::Unreachable), 1);
}

#[test]
fn another_port_is_answered_to() {
    let mut machines = acquainted();
    let peer = Peer {
        node: node(2),
        port: 4000,
    };
    machines[0].send(peer, b"no such port there", 0).unwrap();
    let frame = machines[0].wire.frames.pop_front().unwrap();
    machines[1].receive(&frame, 0);
    assert!(machines[1].client.datagrams.is_empty());
    // smoltcp says that the port is closed.
    let answer = &machines[1].wire.frames[0];
    assert_eq!((answer[23], answer[34], answer[35]), (1, 3, 3));
}

/// A change to a right frame, and the reason for which it must be dropped.
type Damage = (fn(&mut Vec<u8>), Drop);

#[test]
fn wrong_datagrams_are_dropped_by_reason() {
    let damages: [Damage; 9] = [
        (|frame| frame[0] ^= 4, Drop::NotForUs),
        (|frame| frame.truncate(13), Drop::NotForUs),
        (|frame| frame.truncate(44), Drop::BadLength),
        (|frame| frame[25] ^= 1, Drop::BadHeaderChecksum),
        (|frame| frame[38] = 0xff, Drop::BadLength),
        (|frame| frame[39] -= 1, Drop::BadLength),
        (|frame| frame[39] = 0, Drop::BadLength),
        (
            |frame| *frame.last_mut().unwrap() ^= 1,
            Drop::BadDatagramChecksum,
        ),
        (|frame| frame[6] |= 1, Drop::ForeignSource),
    ];
    for (index, (damage, reason)) in damages.into_iter().enumerate() {
        let mut machines = acquainted();
        machines[0].send(netipc(2), b"to be damaged", 0).unwrap();
        let mut frame = machines[0].wire.frames.pop_front().unwrap();
        damage(&mut frame);
        machines[1].receive(&frame, 0);
        assert_eq!(
            machines[1].network.counters().dropped(reason),
            1,
            "damage {index}"
        );
        assert!(machines[1].client.datagrams.is_empty(), "damage {index}");
        assert!(machines[1].wire.frames.is_empty(), "damage {index}");
    }
}

#[test]
fn a_source_outside_the_network_is_foreign() {
    let mut machines = acquainted();
    machines[0].send(netipc(2), b"from elsewhere", 0).unwrap();
    let mut frame = machines[0].wire.frames.pop_front().unwrap();
    // 10.73.0.1 becomes 10.72.1.1: the same sum, so both checksums stay right only if carried over; swap whole words instead.
    frame[26..28].copy_from_slice(&[10, 72]);
    frame[28..30].copy_from_slice(&[1, 1]);
    // The sum fell by 1 and rose by 0x100: take the difference out of the identification field and the UDP source port.
    let adjust = |word: &mut [u8]| {
        let value = u16::from_be_bytes([word[0], word[1]]);
        word.copy_from_slice(&value.wrapping_sub(0x00ff).to_be_bytes());
    };
    adjust(&mut frame[34..36]);
    let identification = u16::from_be_bytes([frame[18], frame[19]]);
    let (value, borrowed) = identification.overflowing_sub(0x00ff);
    frame[18..20].copy_from_slice(&(value - u16::from(borrowed)).to_be_bytes());
    machines[1].receive(&frame, 0);
    assert_eq!(
        machines[1].network.counters().dropped(Drop::ForeignSource),
        1
    );
}

#[test]
fn a_lossy_wire_loses_only_datagrams() {
    let mut machines = [Machine::new(1), Machine::new(2), Machine::new(3)];
    let mut state = 1_u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 24 < 64
    };
    let mut now = 0;
    for round in 0..400_u32 {
        now += 10_000;
        let (from, to) = (round as usize % 3, (round + 1 + round % 2) as usize % 3);
        if from != to {
            machines[from]
                .send(netipc(to as u8 + 1), &round.to_le_bytes(), now)
                .unwrap();
        }
        exchange(&mut machines, now, &mut random);
        for machine in &mut machines {
            machine.advance(now);
        }
    }
    let received: usize = machines
        .iter()
        .map(|machine| machine.client.datagrams.len())
        .sum();
    assert!(received > 150, "{received}");
    for machine in &machines {
        let counters = machine.network.counters();
        assert_eq!(
            counters.datagrams_in as usize,
            machine.client.datagrams.len()
        );
        assert_eq!(
            machine
                .client
                .datagrams
                .iter()
                .filter(|(_, payload)| payload.len() != 4)
                .count(),
            0
        );
    }
}
