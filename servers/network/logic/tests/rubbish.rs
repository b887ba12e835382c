//! Frames of any content: nothing panics, nothing is sent without end, the counters add up.
mod common;

use common::{acquainted, netipc};
use proptest::prelude::*;

/// Frames that get past the first look: for us, of a kind we know, then anything.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop_oneof![
        Just([8, 0]),
        Just([8, 6]),
        Just([0x88, 0xb5]),
        any::<[u8; 2]>()
    ];
    let body = prop::collection::vec(any::<u8>(), 0..200);
    (any::<bool>(), kind, body).prop_map(|(everybody, kind, body)| {
        let to = if everybody {
            [0xff; 6]
        } else {
            common::mac(2).0
        };
        [&to[..], &common::mac(1).0, &kind, &body].concat()
    })
}

/// A right datagram with some bytes changed.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec((0_usize..80, any::<u8>()), 0..6);
    (changes, 0_usize..80).prop_map(|(changes, length)| {
        let mut machines = acquainted();
        machines[0].send(netipc(2), &[7; 40], 0).unwrap();
        let mut frame = machines[0].wire.frames.pop_front().unwrap();
        for (at, value) in changes {
            frame[at] = value;
        }
        if length > 42 {
            frame.truncate(length);
        }
        frame
    })
}

proptest! {
    #[test]
    fn nothing_panics_and_everything_is_counted(frames in prop::collection::vec(prop_oneof![frame(), damaged()], 1..20)) {
        let mut machines = acquainted();
        let before = *machines[1].network.counters();
        for (step, frame) in frames.iter().enumerate() {
            machines[1].receive(frame, step as u64 * 100_000);
            prop_assert!(machines[1].wire.frames.len() <= 2);
            machines[1].wire.frames.clear();
        }
        let after = *machines[1].network.counters();
        let seen = |c: network_interface::Counters| c.datagrams_in + c.echoes + c.stack_frames + c.drops.iter().sum::<u64>();
        prop_assert_eq!(after.frames_in - before.frames_in, frames.len() as u64);
        prop_assert_eq!(seen(after) - seen(before), frames.len() as u64);
    }
}
