//! The wire echo, and what the IP stack answers.
mod common;

use common::{Machine, acquainted, exchange, mac, node, ticks};
use network_interface::Drop;
use network_interface::echo::MAX_SAMPLES;
use network_logic::limits::{ECHO_LOST, ECHO_TIMEOUT};
use network_logic::{EchoError, EchoRequest, Ticks};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    EthernetFrame, EthernetProtocol, EthernetRepr, Icmpv4Packet, Icmpv4Repr, IpProtocol,
    Ipv4Packet, Ipv4Repr,
};

fn request(length: usize, count: usize) -> EchoRequest {
    EchoRequest {
        node: node(2),
        length,
        count,
    }
}

#[test]
fn a_run_measures_every_round_trip() {
    for length in [64, 1100, 1514] {
        let mut machines = [Machine::new(1), Machine::new(2)];
        machines[0]
            .network
            .start_echo(request(length, MAX_SAMPLES))
            .unwrap();
        assert_eq!(
            machines[0].network.start_echo(request(64, 1)),
            Err(EchoError::Busy)
        );
        machines[0].advance(0);
        exchange(&mut machines, 0, || false); // ARP, and then all of them, at one instant
        let report = machines[0].network.take_echo().unwrap();
        assert_eq!((report.round_trips.len(), report.lost), (MAX_SAMPLES, 0));
        assert_eq!(machines[1].network.counters().echoes, MAX_SAMPLES as u64);
        assert!(machines[0].network.take_echo().is_none());
    }
}

#[test]
fn frames_have_the_length_asked_for_and_the_time_is_measured() {
    let mut machines = acquainted();
    machines[0].network.start_echo(request(1100, 1)).unwrap();
    machines[0].advance(1000);
    let frame = machines[0].wire.frames.pop_front().unwrap();
    assert_eq!(frame.len(), 1100);
    machines[1].receive(&frame, 5);
    let reply = machines[1].wire.frames.pop_front().unwrap();
    assert_eq!(reply.len(), 1100);
    machines[0].receive(&reply, 1250);
    assert_eq!(
        machines[0].network.take_echo().unwrap().round_trips[..],
        [250]
    );
    // The same reply once more is nobody's.
    machines[0].receive(&reply, 1251);
    assert_eq!(machines[0].network.counters().dropped(Drop::BadEcho), 1);
}

#[test]
fn lost_echoes_time_out() {
    let mut machines = acquainted();
    machines[0].network.start_echo(request(64, 50)).unwrap();
    machines[0].advance(0);
    let mut now = 0;
    let report = loop {
        machines[0].wire.frames.clear();
        if let Some(report) = machines[0].network.take_echo() {
            break report;
        }
        let Ticks(deadline) = machines[0]
            .network
            .deadline()
            .expect("it waits for a reply");
        assert_eq!(deadline, now + ticks(ECHO_TIMEOUT));
        now = deadline;
        machines[0].advance(now);
    };
    assert_eq!((report.round_trips.len(), report.lost), (0, ECHO_LOST));
}

#[test]
fn a_machine_without_address_ends_the_run() {
    let mut machine = Machine::new(1);
    machine.network.start_echo(request(64, 50)).unwrap();
    machine.advance(0);
    while let Some(Ticks(deadline)) = machine.network.deadline() {
        machine.advance(deadline);
    }
    assert_eq!(machine.network.take_echo().unwrap().lost, 1);
}

#[test]
fn impossible_runs_are_refused() {
    let mut machine = Machine::new(2);
    assert_eq!(
        machine.network.start_echo(request(64, 1)),
        Err(EchoError::Invalid)
    );
    let mut machine = Machine::new(1);
    for (length, count) in [(63, 1), (1515, 1), (64, 0), (64, MAX_SAMPLES + 1)] {
        assert_eq!(
            machine.network.start_echo(request(length, count)),
            Err(EchoError::Invalid)
        );
    }
}

/// An ICMP echo request from machine 1 to machine 2.
fn ping(payload: &[u8]) -> Vec<u8> {
    let icmp = Icmpv4Repr::EchoRequest {
        ident: 1,
        seq_no: 2,
        data: payload,
    };
    let ip = Ipv4Repr {
        src_addr: node(1).address().into(),
        dst_addr: node(2).address().into(),
        next_header: IpProtocol::Icmp,
        payload_len: icmp.buffer_len(),
        hop_limit: 64,
    };
    let ethernet = EthernetRepr {
        src_addr: mac(1),
        dst_addr: mac(2),
        ethertype: EthernetProtocol::Ipv4,
    };
    let mut bytes = vec![0; 14 + 20 + icmp.buffer_len()];
    let mut frame = EthernetFrame::new_unchecked(&mut bytes);
    ethernet.emit(&mut frame);
    let mut packet = Ipv4Packet::new_unchecked(frame.payload_mut());
    ip.emit(&mut packet, &ChecksumCapabilities::default());
    icmp.emit(
        &mut Icmpv4Packet::new_unchecked(packet.payload_mut()),
        &ChecksumCapabilities::default(),
    );
    bytes
}

#[test]
fn a_ping_is_answered() {
    let mut machines = acquainted();
    machines[1].receive(&ping(b"are you there?"), 0);
    let answer = machines[1].wire.frames.pop_front().unwrap();
    let packet = Ipv4Packet::new_checked(&answer[14..]).unwrap();
    let icmp = Icmpv4Packet::new_checked(packet.payload()).unwrap();
    let repr = Icmpv4Repr::parse(&icmp, &ChecksumCapabilities::default()).unwrap();
    assert_eq!(
        repr,
        Icmpv4Repr::EchoReply {
            ident: 1,
            seq_no: 2,
            data: b"are you there?"
        }
    );
    assert_eq!(answer[..6], mac(1).0);
}

#[test]
fn a_ping_without_a_buffer_for_the_answer_is_dropped() {
    let mut machines = acquainted();
    machines[1].wire.room = 0;
    machines[1].receive(&ping(b"are you there?"), 0);
    assert_eq!(
        machines[1].network.counters().dropped(Drop::TransmitFull),
        1
    );
}
