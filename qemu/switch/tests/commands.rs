//! Commands and scripts: what is understood, what is refused and with which words, and what they do to frames.

#![forbid(unsafe_code)]

use std::time::Duration;

use proptest::prelude::*;
use qemu_switch::commands::{Change, Place};
use qemu_switch::fabric::Delivery;
use qemu_switch::{Command, CommandError, Fabric, Faults, PortId, Rate, Script};

const ONE: PortId = PortId(0);
const TWO: PortId = PortId(1);
const MS: Duration = Duration::from_millis(1);

/// From machine to machine, to all.
fn broadcast(from: PortId) -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend([0x52, 0, 0, 0, 0, from.0 + 1, 0x88, 0xb5]);
    frame.resize(1250, 0);
    frame
}

/// Where a frame of `from` arrives by `until`.
fn reached(fabric: &mut Fabric, now: Duration, from: PortId) -> Vec<u8> {
    let mut machines = Vec::new();
    let mut outlet = |to: PortId, _: &[u8]| {
        machines.push(to.0 + 1);
        Delivery::Taken
    };
    fabric.receive(now, from, &broadcast(from), &mut outlet);
    machines
}

fn told(commands: &[&str]) -> Fabric {
    let mut fabric = Fabric::new(4, 1, Faults::NONE);
    for command in commands {
        let command: Command = command.parse().expect(command);
        fabric.apply(&command).expect("the machines are there");
    }
    fabric
}

#[test]
fn places_are_one_way_both_ways_a_machine_or_all() {
    for (commands, of_one, of_two) in [
        (&["cut 1>2"][..], &[3, 4][..], &[1, 3, 4][..]),
        (&["cut 1-2"], &[3, 4], &[3, 4]),
        (&["cut 2"], &[3, 4], &[]),
        (&["cut all"], &[], &[]),
        (&["cut all", "mend 1"], &[2, 3, 4], &[1]),
        (&["partition 1,2 3"], &[2, 4], &[1, 4]),
        (&["partition 1,2 3,4", "partition 1,3 2,4"], &[3], &[4]),
        (
            &["cut all", "loss all 100", "clear all"],
            &[2, 3, 4],
            &[1, 3, 4],
        ),
        (&["loss 1>3 100%"], &[2, 4], &[1, 3, 4]),
    ] {
        let mut fabric = told(commands);
        assert_eq!(reached(&mut fabric, MS, ONE), of_one, "{commands:?}");
        assert_eq!(reached(&mut fabric, MS, TWO), of_two, "{commands:?}");
    }
}

#[test]
fn a_change_leaves_the_other_faults() {
    let mut fabric = told(&["loss 1>2 100", "delay all 5ms"]);
    assert_eq!(reached(&mut fabric, MS, ONE), []);
    let mut late = Vec::new();
    fabric.poll(6 * MS, &mut |to: PortId, _: &[u8]| {
        late.push(to.0 + 1);
        Delivery::Taken
    });
    assert_eq!(late, [3, 4], "what was lost by the earlier command is lost");
}

#[test]
fn bandwidth_is_shared_by_those_who_come_together() {
    // 1250 bytes are 10 000 bits: a millisecond each.
    let mut fabric = told(&["bandwidth 1>2 10Mbit/s"]);
    for _ in 0..3 {
        assert_eq!(reached(&mut fabric, Duration::ZERO, ONE), [3, 4]);
    }
    let mut arrived = |until| {
        let mut count = 0;
        fabric.poll(until, &mut |_: PortId, _: &[u8]| {
            count += 1;
            Delivery::Taken
        });
        count
    };
    assert_eq!(arrived(MS / 2), 0);
    assert_eq!(arrived(MS), 1);
    assert_eq!(arrived(2 * MS), 1);
    assert_eq!(arrived(10 * MS), 1);
}

#[test]
fn a_line_before_a_narrow_link_is_bounded() {
    let mut fabric = told(&["bandwidth 1>2 10Mbit/s"]);
    for _ in 0..1000 {
        reached(&mut fabric, Duration::ZERO, ONE);
    }
    // The one under way, and a hundred milliseconds' worth behind it.
    assert_eq!(fabric.counters().overflowed, 1000 - 101);
    let mut through = 0;
    fabric.poll(Duration::from_secs(1), &mut |_: PortId, _: &[u8]| {
        through += 1;
        Delivery::Taken
    });
    assert_eq!(through, 101);
}

#[test]
fn mistakes_are_named_with_the_remedy() {
    for (line, says) in [
        ("", "is no command"),
        ("sever 1-2", "`sever` is no command"),
        ("cut", "write `cut WHERE`"),
        ("cut 1 2", "write `cut WHERE`"),
        ("cut 1-1", "`1-1` is no place"),
        ("cut 0", "`0` is no place"),
        ("cut 300", "`300` is no place"),
        ("loss all", "write `loss WHERE 5%`"),
        ("loss all 101", "`101` is no share"),
        ("delay all 20ms..10ms", "`20ms..10ms` is no delay"),
        ("delay all 10", "`10` is no delay"),
        ("delay all 2h", "`2h` is no delay"),
        ("bandwidth all fast", "`fast` is no bandwidth"),
        ("partition 1,2", "write `partition 1,2 3`"),
        ("partition 1,2 2,3", "machine 2 is in two groups"),
        ("partition 1;2 3", "`1;2` is no group"),
    ] {
        let error = line.parse::<Command>().expect_err(line).to_string();
        assert!(error.contains(says), "{line}: {error}");
    }
}

#[test]
fn a_machine_that_is_not_there_changes_nothing() {
    let mut fabric = Fabric::new(2, 1, Faults::NONE);
    for line in ["cut 1-3", "loss 3 100", "partition 1 2,3"] {
        let command: Command = line.parse().expect(line);
        assert_eq!(fabric.apply(&command), Err(CommandError::NoMachine(3, 2)));
    }
    assert_eq!(reached(&mut fabric, MS, ONE), [2]);
}

#[test]
fn scripts_have_times_in_order_and_errors_have_lines() {
    let script: Script =
        "# a bad second\n1s loss all 5% # and more\n\n1500ms cut 1>2\n2s clear all"
            .parse()
            .expect("a script");
    assert_eq!(script.length(), Duration::from_secs(2));
    assert_eq!(script.check(2), Ok(()));
    assert_eq!(script.check(1), Err(CommandError::NoMachine(2, 1)));
    for (text, says) in [
        ("cut all", "line 1: `cut` is no time"),
        ("\n2s", "line 2: `` is no command"),
        ("2s cut 1-2\n1s mend 1-2", "line 2: its time is before"),
        ("1s cut 1-2\n2s fix", "line 2: `fix` is no command"),
    ] {
        let error = text.parse::<Script>().expect_err(text).to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
}

proptest! {
    /// Any text is a command or is refused.
    #[test]
    fn any_line_is_survived(line in "[a-z0-9 ,.>%-]{0,40}|.{0,40}") {
        let _ = line.parse::<Command>();
        let _ = line.parse::<Script>();
    }

    #[test]
    fn places_are_read_as_they_are_written(a in 1u8..=255, b in 1u8..=255) {
        let texts = [format!("{a}"), format!("{a}>{b}"), format!("{a}-{b}")];
        for text in &texts[..if a == b { 1 } else { 3 }] {
            let place: Place = text.parse().expect("a place");
            prop_assert_eq!(&place.to_string(), text);
        }
    }

    /// A command about one direction does nothing to another.
    #[test]
    fn other_ways_are_left_alone(from in 0u8..3, to in 0u8..3) {
        prop_assume!(from != to);
        let mut fabric = Fabric::new(3, 1, Faults::NONE);
        let place = Place::Way(PortId(from), PortId(to));
        fabric.apply(&Command::Change(place, Change::Loss(Rate::ALWAYS))).expect("there");
        for sender in 0..3u8 {
            let reaches = reached(&mut fabric, MS, PortId(sender));
            let all = (0..3).filter(|other| *other != sender);
            let expected: Vec<u8> = all.filter(|other| (sender, *other) != (from, to)).map(|other| other + 1).collect();
            prop_assert_eq!(reaches, expected);
        }
    }
}
