//! The switch's decisions, without sockets and without a clock.

#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use qemu_switch::fabric::Delivery;
use qemu_switch::{Delay, Fabric, Faults, LinkState, PortId, Rate, Verdict};

const A: PortId = PortId(0);
const B: PortId = PortId(1);
const C: PortId = PortId(2);
const BROADCAST: u8 = 0xff;

/// A frame from station `source` to station `destination` that carries `number`.
fn frame(destination: u8, source: u8, number: u32) -> Vec<u8> {
    let first = |station| if station == BROADCAST { 0xff } else { 0x52 };
    let mut frame = vec![
        first(destination),
        0,
        0,
        0,
        0,
        destination,
        first(source),
        0,
        0,
        0,
        0,
        source,
        0x88,
        0xb5,
    ];
    frame.extend_from_slice(&number.to_be_bytes());
    frame.resize(60, 0);
    frame
}

fn number(frame: &[u8]) -> u32 {
    u32::from_be_bytes(frame[14..18].try_into().expect("four bytes"))
}

/// A fabric and what has come out of it.
struct Bench {
    fabric: Fabric,
    out: Vec<(PortId, Vec<u8>)>,
}

impl Bench {
    fn new(ports: u8, seed: u64, faults: Faults) -> Self {
        Self {
            fabric: Fabric::new(ports, seed, faults),
            out: Vec::new(),
        }
    }

    fn collect(out: &mut Vec<(PortId, Vec<u8>)>) -> impl FnMut(PortId, &[u8]) -> Delivery {
        |to, frame| {
            out.push((to, frame.to_vec()));
            Delivery::Taken
        }
    }

    fn receive(&mut self, now: Duration, from: PortId, frame: &[u8]) {
        self.fabric
            .receive(now, from, frame, &mut Self::collect(&mut self.out));
    }

    fn poll(&mut self, now: Duration) {
        self.fabric.poll(now, &mut Self::collect(&mut self.out));
    }

    /// Ports and numbers of what came out since the last time.
    fn take(&mut self) -> Vec<(u8, u32)> {
        self.out
            .drain(..)
            .map(|(to, frame)| (to.0, number(&frame)))
            .collect()
    }

    /// Sends `count` numbered frames from A to B, a tenth of a millisecond apart, and waits until all have come out.
    fn run(&mut self, count: u32) -> Vec<u32> {
        for i in 0..count {
            let now = Duration::from_micros(100) * i;
            self.poll(now);
            self.receive(now, A, &frame(2, 1, i));
        }
        while let Some(due) = self.fabric.next_due() {
            self.poll(due);
        }
        self.take()
            .into_iter()
            .filter(|(to, _)| *to == B.0)
            .map(|(_, number)| number)
            .collect()
    }
}

const NOW: Duration = Duration::from_secs(1);

#[test]
fn unknown_addresses_are_flooded_and_known_ones_are_not() {
    let mut bench = Bench::new(3, 0, Faults::NONE);
    bench.receive(NOW, A, &frame(2, 1, 10));
    assert_eq!(bench.take(), [(1, 10), (2, 10)]);
    bench.receive(NOW, B, &frame(1, 2, 11));
    assert_eq!(bench.take(), [(0, 11)]);
    bench.receive(NOW, A, &frame(2, 1, 12));
    assert_eq!(bench.take(), [(1, 12)]);
    bench.receive(NOW, A, &frame(BROADCAST, 1, 13));
    assert_eq!(bench.take(), [(1, 13), (2, 13)]);
}

#[test]
fn a_station_that_moves_is_found_again() {
    let mut bench = Bench::new(3, 0, Faults::NONE);
    bench.receive(NOW, B, &frame(BROADCAST, 2, 0));
    bench.receive(NOW, C, &frame(BROADCAST, 2, 1));
    bench.take();
    bench.receive(NOW, A, &frame(2, 1, 2));
    assert_eq!(bench.take(), [(2, 2)]);
    bench.receive(NOW, C, &frame(2, 3, 3));
    assert_eq!(bench.take(), [], "a frame to its own side stays there");
}

#[test]
fn a_group_address_is_never_learned() {
    let mut bench = Bench::new(3, 0, Faults::NONE);
    bench.receive(NOW, B, &frame(1, BROADCAST, 0));
    bench.take();
    bench.receive(NOW, A, &frame(BROADCAST, 1, 1));
    assert_eq!(bench.take(), [(1, 1), (2, 1)]);
}

#[test]
fn malformed_frames_are_counted_and_go_nowhere() {
    let mut bench = Bench::new(2, 0, Faults::NONE);
    bench.receive(NOW, A, &[]);
    bench.receive(NOW, A, &[0; 13]);
    bench.receive(NOW, A, &vec![0; qemu_switch::framing::MAX_FRAME + 1]);
    assert_eq!(bench.take(), []);
    assert_eq!(bench.fabric.counters().malformed, 3);
}

#[test]
fn a_cut_is_one_way_if_asked_and_loses_what_is_under_way() {
    let slow = Duration::from_millis(5);
    let mut bench = Bench::new(
        2,
        0,
        Faults {
            delay: Delay {
                least: slow,
                most: slow,
            },
            ..Faults::NONE
        },
    );
    bench.receive(NOW, A, &frame(2, 1, 0));
    bench.receive(NOW, B, &frame(1, 2, 1));
    bench.fabric.set_link(A, B, LinkState::Cut);
    bench.poll(NOW + slow);
    assert_eq!(bench.take(), [(0, 1)]);
    bench.receive(NOW, A, &frame(2, 1, 2));
    bench.fabric.set_link(A, B, LinkState::Whole);
    bench.poll(NOW + 2 * slow);
    assert_eq!(bench.take(), []);
    assert_eq!(bench.fabric.counters().cut, 2);
}

#[test]
fn a_delay_is_kept_to_the_nanosecond() {
    let slow = Duration::from_millis(5);
    let mut bench = Bench::new(
        2,
        0,
        Faults {
            delay: Delay {
                least: slow,
                most: slow,
            },
            ..Faults::NONE
        },
    );
    bench.receive(NOW, A, &frame(2, 1, 0));
    bench.receive(NOW, A, &frame(2, 1, 1));
    assert_eq!(bench.fabric.next_due(), Some(NOW + slow));
    bench.poll(NOW + slow - Duration::from_nanos(1));
    assert_eq!(bench.take(), []);
    bench.poll(NOW + slow);
    assert_eq!(bench.take(), [(1, 0), (1, 1)], "in order");
    assert_eq!(bench.fabric.next_due(), None);
}

#[test]
fn a_reordered_frame_alone_arrives_when_its_window_is_over() {
    let mut bench = Bench::new(
        2,
        0,
        Faults {
            reorder: Rate::ALWAYS,
            ..Faults::NONE
        },
    );
    bench.receive(NOW, A, &frame(2, 1, 0));
    assert_eq!(bench.take(), []);
    let due = bench.fabric.next_due().expect("it waits");
    assert_eq!(due, NOW + Faults::DEFAULT_REORDER_WINDOW);
    bench.poll(due);
    assert_eq!(bench.take(), [(1, 0)]);
}

#[test]
fn reordering_loses_and_doubles_nothing() {
    let mut bench = Bench::new(
        2,
        3,
        Faults {
            reorder: Rate::percent(20),
            ..Faults::NONE
        },
    );
    let mut seen = bench.run(1000);
    assert!(!seen.is_sorted());
    seen.sort_unstable();
    assert_eq!(seen, (0..1000).collect::<Vec<_>>());
}

#[test]
fn duplicates_come_later_and_once_more() {
    let mut bench = Bench::new(
        2,
        3,
        Faults {
            duplicate: Rate::ALWAYS,
            ..Faults::NONE
        },
    );
    let mut seen = bench.run(100);
    seen.sort_unstable();
    assert_eq!(seen, (0..100).flat_map(|i| [i, i]).collect::<Vec<_>>());
}

#[test]
fn corruption_turns_one_bit() {
    let mut bench = Bench::new(
        2,
        3,
        Faults {
            corrupt: Rate::ALWAYS,
            ..Faults::NONE
        },
    );
    let sent = frame(2, 1, 77);
    for _ in 0..100 {
        bench.receive(NOW, A, &sent);
    }
    for (_, got) in bench.out {
        let turned: u32 = got
            .iter()
            .zip(&sent)
            .map(|(a, b)| (a ^ b).count_ones())
            .sum();
        assert_eq!(turned, 1);
    }
}

#[test]
fn one_direction_may_be_worse_than_the_other() {
    let mut bench = Bench::new(2, 3, Faults::NONE);
    bench.fabric.set_faults(
        A,
        B,
        Faults {
            drop: Rate::ALWAYS,
            ..Faults::NONE
        },
    );
    bench.receive(NOW, A, &frame(2, 1, 0));
    bench.receive(NOW, B, &frame(1, 2, 1));
    assert_eq!(bench.take(), [(0, 1)]);
}

#[test]
fn the_observer_sees_each_way_and_may_hold_or_drop() {
    let mut bench = Bench::new(3, 0, Faults::NONE);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    bench.fabric.set_observer(Some(Box::new(move |sighting| {
        log.lock().expect("no panic").push((
            sighting.from.0,
            sighting.to.0,
            number(sighting.frame),
        ));
        match number(sighting.frame) {
            1 => Verdict::Hold,
            2 => Verdict::Drop,
            _ => Verdict::Pass,
        }
    })));
    for i in 0..4 {
        bench.receive(NOW, A, &frame(BROADCAST, 1, i));
    }
    assert_eq!(bench.take(), [(1, 0), (2, 0), (1, 3), (2, 3)]);
    assert_eq!(bench.fabric.held(), 2);
    bench
        .fabric
        .release_held(NOW, &mut Bench::collect(&mut bench.out));
    assert_eq!(bench.take(), [(1, 1), (2, 1)]);
    assert_eq!(
        seen.lock().expect("no panic").len(),
        8,
        "what is released is not asked about again"
    );
}

#[test]
fn the_observer_is_told_of_frames_on_cut_links() {
    let mut bench = Bench::new(2, 0, Faults::NONE);
    let cut = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&cut);
    bench.fabric.set_observer(Some(Box::new(move |sighting| {
        count.fetch_add(
            usize::from(sighting.link == LinkState::Cut),
            Ordering::Relaxed,
        );
        Verdict::Pass
    })));
    bench.fabric.set_link(A, B, LinkState::Cut);
    bench.receive(NOW, A, &frame(2, 1, 0));
    assert_eq!((cut.load(Ordering::Relaxed), bench.take()), (1, vec![]));
}

fn faults() -> impl Strategy<Value = Faults> {
    (0u32..60, 0u32..60, 0u32..60, 0u64..2000, 0u64..2000).prop_map(
        |(drop, duplicate, reorder, least, span)| Faults {
            drop: Rate::percent(drop),
            duplicate: Rate::percent(duplicate),
            reorder: Rate::percent(reorder),
            delay: Delay {
                least: Duration::from_micros(least),
                most: Duration::from_micros(least + span),
            },
            ..Faults::NONE
        },
    )
}

proptest! {
    #[test]
    fn a_seed_repeats_itself(seed: u64, faults in faults()) {
        prop_assert_eq!(Bench::new(2, seed, faults).run(200), Bench::new(2, seed, faults).run(200));
    }

    #[test]
    fn every_frame_is_accounted_for(seed: u64, faults in faults()) {
        let mut bench = Bench::new(2, seed, faults);
        let out = bench.run(300).len() as u64;
        let counters = bench.fabric.counters();
        prop_assert_eq!(counters.received, 300);
        prop_assert_eq!(counters.delivered, out);
        prop_assert_eq!(out, 300 - counters.dropped + counters.duplicated);
    }

    #[test]
    fn any_frame_is_survived(frames in prop::collection::vec((0u8..3, prop::collection::vec(any::<u8>(), 0..100)), 0..100), seed: u64) {
        let mut bench = Bench::new(3, seed, Faults { corrupt: Rate::percent(50), ..Faults::all_at(Rate::percent(20)) });
        for (port, frame) in frames {
            bench.fabric.receive(NOW, PortId(port), &frame, &mut |_: PortId, _: &[u8]| Delivery::Taken);
        }
    }

    #[test]
    fn other_directions_do_not_change_what_befalls_one(seed: u64, others in prop::collection::vec(any::<bool>(), 100)) {
        let alone = Bench::new(2, seed, Faults { drop: Rate::percent(30), ..Faults::NONE }).run(100);
        let mut bench = Bench::new(2, seed, Faults { drop: Rate::percent(30), ..Faults::NONE });
        for (i, other) in (0..).zip(others) {
            bench.receive(NOW, A, &frame(2, 1, i));
            if other {
                bench.receive(NOW, B, &frame(1, 2, 1000));
            }
        }
        let beside: Vec<u32> = bench.take().into_iter().filter(|(to, _)| *to == B.0).map(|(_, number)| number).collect();
        prop_assert_eq!(alone, beside);
    }
}
