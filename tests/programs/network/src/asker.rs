//! What machine 1 tries.

use alloc::vec::Vec;

use isthmus_runtime::calls::Kernel;
use isthmus_runtime::time::{self, Duration};
use isthmus_runtime::{Instant, say, startup};
use network_interface::{Drop, MAX_PAYLOAD, NetworkClient, Peer};

use crate::link::Link;

/// Round trips of datagrams, unless the argument `datagrams` says otherwise.
const DATAGRAMS: u32 = 500;
/// Datagrams sent without waiting.
const BURST: u32 = 300;
/// Calls of the wire echo, of 100 round trips each.
const ECHO_CALLS: usize = 5;
/// How long to wait for an answer before asking again.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long to wait for the other machine to come up.
const ARRIVAL: Duration = Duration::from_secs(30);

/// Tries everything, and says what it found.
pub fn ask(link: &mut Link, other: Peer) {
    let (mut passed, mut failed) = (0, 0);
    let mut check = |name: &str, held: Result<(), &str>| match held {
        Ok(()) => {
            passed += 1;
            say!("fact {name}: ok");
        }
        Err(why) => {
            failed += 1;
            say!("fact {name}: FAILED {why}");
        }
    };
    check("arrival", arrival(link, other));
    check("datagrams", datagrams(link, other));
    check("burst", burst(link, other));
    check("wire_echo", wire_echo(link, other, "wire_echo", 64));
    check(
        "wire_echo_1100",
        wire_echo(link, other, "wire_echo_1100", 1100),
    );
    check("counters", counters(link));
    say!("{passed} passed, {failed} failed");
}

/// Waits for the other machine.
fn arrival(link: &mut Link, other: Peer) -> Result<(), &'static str> {
    let end = time::now() + ARRIVAL;
    while time::now() < end {
        if round_trip(link, other, &0_u32.to_le_bytes()).is_some() {
            return Ok(());
        }
    }
    Err("machine 2 does not answer")
}

/// One datagram there and back; the time it took, unless it was lost.
fn round_trip(link: &mut Link, other: Peer, sent: &[u8]) -> Option<u64> {
    let start = time::now();
    let until: Instant = start + PATIENCE;
    if !link.send(other, sent) {
        return None;
    }
    let mut payload = [0; MAX_PAYLOAD];
    loop {
        while let Some((from, length)) = link.receive(&mut payload) {
            if from == other && payload[..length] == *sent {
                return Some(time::now().ticks() - start.ticks());
            }
            // An answer to what was given up already.
        }
        if link.wait(Some(until)) && time::now() >= until {
            return None;
        }
    }
}

/// Round trips of all lengths.
fn datagrams(link: &mut Link, other: Peer) -> Result<(), &'static str> {
    let count = startup().machine.argument("datagrams");
    let count = count
        .and_then(|text| text.parse().ok())
        .unwrap_or(DATAGRAMS);
    let mut payload = [0; MAX_PAYLOAD];
    let mut times = Vec::new();
    for number in 1..=count {
        let length = 4 + (number as usize * 37) % (MAX_PAYLOAD - 3);
        payload[..4].copy_from_slice(&number.to_le_bytes());
        payload[4..length].fill(number as u8);
        times.extend(round_trip(link, other, &payload[..length]));
    }
    let lost = count as usize - times.len();
    say!("probe: {count} datagrams, {lost} lost");
    figure("datagram_echo", &mut times);
    match lost {
        0 => Ok(()),
        _ => Err("datagrams were lost on a wire that loses nothing"),
    }
}

/// Many datagrams at once: the rings and the card fill, and everything goes on afterwards.
fn burst(link: &mut Link, other: Peer) -> Result<(), &'static str> {
    let (mut sent, mut received) = (0, 0);
    let mut payload = [0; MAX_PAYLOAD];
    for number in 0..BURST {
        payload[..4].copy_from_slice(&number.to_le_bytes());
        sent += u32::from(link.send(other, &payload));
    }
    let mut until = time::now() + PATIENCE;
    let mut into = [0; MAX_PAYLOAD];
    loop {
        while let Some((_, length)) = link.receive(&mut into) {
            if length == MAX_PAYLOAD && into[4..] == payload[4..] {
                received += 1;
                until = time::now() + PATIENCE;
            }
        }
        if received == sent || (link.wait(Some(until)) && time::now() >= until) {
            break;
        }
    }
    say!("probe: burst of {BURST}: {sent} taken, {received} came back");
    if received == 0 {
        return Err("nothing came back");
    }
    round_trip(link, other, b"still there?")
        .map(|_| ())
        .ok_or("nothing passes after the burst")
}

/// The wire echo, with frames of `length` bytes.
fn wire_echo(link: &Link, other: Peer, name: &str, length: u16) -> Result<(), &'static str> {
    let network = NetworkClient::new(Kernel, link.network());
    let mut times = Vec::new();
    for _ in 0..ECHO_CALLS {
        let report = network.wire_echo(other.node.number(), length, 100);
        let report = report.map_err(|_| "the call failed")?;
        if report.lost > 0 {
            return Err("frames were lost on a wire that loses nothing");
        }
        times.extend_from_slice(&report.round_trips);
    }
    figure(name, &mut times);
    Ok(())
}

/// What the network server counted.
fn counters(link: &Link) -> Result<(), &'static str> {
    let network = NetworkClient::new(Kernel, link.network());
    let counters = network.counters().map_err(|_| "the call failed")?;
    say!(
        "probe: {} frames in, {} out, {} datagrams in, {} out",
        counters.frames_in,
        counters.frames_out,
        counters.datagrams_in,
        counters.datagrams_out
    );
    for reason in Drop::ALL {
        let count = counters.dropped(reason);
        if count > 0 {
            say!("probe: {count} dropped: {reason:?}");
        }
    }
    match network.allocations() {
        Ok(0) => Ok(()),
        Ok(_) => Err("the network server allocates after its start"),
        Err(_) => Err("the call failed"),
    }
}

/// Says the median and the 99th percentile, in microseconds.
fn figure(name: &str, times: &mut [u64]) {
    times.sort_unstable();
    let at = |percent: usize| {
        let ticks = times.get(times.len() * percent / 100).copied().unwrap_or(0);
        time::duration(ticks).as_micros()
    };
    say!("bench: {name} us {} {} {}", at(50), at(99), times.len());
}
