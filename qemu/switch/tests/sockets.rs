//! The running switch on its sockets, with threads in the place of machines.

#![forbid(unsafe_code)]

use std::io::{Read, Write};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};

use qemu_switch::framing::{StreamDecoder, length_prefix};
use qemu_switch::{Attachment, Config, PortId, Switch, SwitchError, Verdict};

const A: PortId = PortId(0);
const B: PortId = PortId(1);

/// What QEMU is to the switch.
struct Machine {
    socket: UnixStream,
    decoder: StreamDecoder,
}

impl Machine {
    fn start(switch: &Switch, port: PortId, path: &Path) -> Self {
        let socket = UnixStream::connect(path).expect("the switch listens");
        socket
            .set_read_timeout(Some(Duration::from_secs(10)))
            .expect("a duration");
        let machine = Self {
            socket,
            decoder: StreamDecoder::new(),
        };
        wait(|| switch.is_plugged(port));
        machine
    }

    fn send(&mut self, frame: &[u8]) {
        let bytes = [&length_prefix(frame).expect("short")[..], frame].concat();
        self.socket.write_all(&bytes).expect("the switch reads");
    }

    fn receive(&mut self) -> Vec<u8> {
        loop {
            if let Some(frame) = self.decoder.next_frame().expect("well framed") {
                return frame.to_vec();
            }
            assert_ne!(
                self.decoder
                    .read_from(&mut self.socket)
                    .expect("a frame comes"),
                0,
                "the switch closed"
            );
        }
    }
}

fn wait(mut ready: impl FnMut() -> bool) {
    let start = Instant::now();
    while !ready() {
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "it did not happen"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn frame(length: usize, tag: u8) -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend_from_slice(&[0x52, 0, 0, 0, 0, tag, 0x88, 0xb5]);
    frame.resize(length, tag);
    frame
}

fn streams(folder: &Path) -> Vec<Attachment> {
    ["a", "b"]
        .iter()
        .map(|name| Attachment::Stream {
            listen: folder.join(name),
        })
        .collect()
}

#[test]
fn frames_cross_are_recorded_and_the_sockets_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let pcap = folder.path().join("wire.pcap");
    let config = Config {
        ports: streams(folder.path()),
        pcap: Some(pcap.clone()),
        ..Config::default()
    };
    let switch = Switch::start(config).expect("a switch");
    let mut a = Machine::start(&switch, A, &folder.path().join("a"));
    let mut b = Machine::start(&switch, B, &folder.path().join("b"));
    for length in [14, 60, 1514, 65_000] {
        a.send(&frame(length, 1));
        assert_eq!(b.receive(), frame(length, 1));
        b.send(&frame(length, 2));
        assert_eq!(a.receive(), frame(length, 2));
    }
    switch.stop().expect("it went well");
    assert!(!folder.path().join("a").exists() && !folder.path().join("b").exists());
    let mut bytes = Vec::new();
    std::fs::File::open(pcap)
        .expect("a capture")
        .read_to_end(&mut bytes)
        .expect("readable");
    let mut reader = pcap_file::pcap::PcapReader::new(&bytes[..]).expect("a header");
    let lengths: Vec<usize> = std::iter::from_fn(|| {
        reader
            .next_packet()
            .map(|packet| packet.expect("readable").data.len())
    })
    .collect();
    assert_eq!(lengths, [14, 14, 60, 60, 1514, 1514, 65_000, 65_000]);
}

#[test]
fn a_machine_that_takes_nothing_stops_nobody_and_gets_what_fits() {
    let folder = tempfile::tempdir().expect("a folder");
    let switch = Switch::start(Config {
        ports: streams(folder.path()),
        ..Config::default()
    })
    .expect("a switch");
    let mut a = Machine::start(&switch, A, &folder.path().join("a"));
    let mut b = Machine::start(&switch, B, &folder.path().join("b"));
    const FRAMES: u64 = 10_000;
    for _ in 0..FRAMES {
        a.send(&frame(1500, 1));
    }
    wait(|| switch.counters().received == FRAMES);
    let counters = switch.counters();
    assert!(counters.overflowed > 0, "{counters}");
    for _ in 0..counters.delivered {
        assert_eq!(b.receive().len(), 1500);
    }
    a.send(&frame(60, 3));
    assert_eq!(b.receive(), frame(60, 3), "and it goes on");
}

#[test]
fn a_machine_may_go_and_come_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let switch = Switch::start(Config {
        ports: streams(folder.path()),
        ..Config::default()
    })
    .expect("a switch");
    let mut a = Machine::start(&switch, A, &folder.path().join("a"));
    let b = Machine::start(&switch, B, &folder.path().join("b"));
    drop(b);
    wait(|| !switch.is_plugged(B));
    a.send(&frame(60, 1));
    wait(|| switch.counters().unplugged == 1);
    let mut b = Machine::start(&switch, B, &folder.path().join("b"));
    a.send(&frame(60, 2));
    assert_eq!(b.receive(), frame(60, 2), "what was sent meanwhile is lost");
}

#[test]
fn a_machine_that_speaks_something_else_is_unplugged() {
    let folder = tempfile::tempdir().expect("a folder");
    let switch = Switch::start(Config {
        ports: streams(folder.path()),
        ..Config::default()
    })
    .expect("a switch");
    let mut a = Machine::start(&switch, A, &folder.path().join("a"));
    a.socket
        .write_all(b"GET / HTTP/1.1\r\n")
        .expect("the switch reads");
    wait(|| !switch.is_plugged(A));
}

#[test]
fn what_is_held_goes_on_when_released() {
    let folder = tempfile::tempdir().expect("a folder");
    let switch = Switch::start(Config {
        ports: streams(folder.path()),
        ..Config::default()
    })
    .expect("a switch");
    let mut a = Machine::start(&switch, A, &folder.path().join("a"));
    let mut b = Machine::start(&switch, B, &folder.path().join("b"));
    switch.observe(|_| Verdict::Hold);
    a.send(&frame(60, 1));
    wait(|| switch.held() == 1);
    switch.stop_observing();
    a.send(&frame(60, 2));
    assert_eq!(b.receive(), frame(60, 2));
    switch.release_held();
    assert_eq!(b.receive(), frame(60, 1));
}

#[test]
fn delayed_frames_leave_without_being_pushed() {
    let folder = tempfile::tempdir().expect("a folder");
    let switch = Switch::start(Config {
        ports: streams(folder.path()),
        ..Config::default()
    })
    .expect("a switch");
    let mut a = Machine::start(&switch, A, &folder.path().join("a"));
    let mut b = Machine::start(&switch, B, &folder.path().join("b"));
    let slow = Duration::from_millis(20);
    let delay = qemu_switch::Delay {
        least: slow,
        most: slow,
    };
    switch.set_all_faults(qemu_switch::Faults {
        delay,
        ..qemu_switch::Faults::NONE
    });
    let start = Instant::now();
    a.send(&frame(60, 1));
    assert_eq!(b.receive(), frame(60, 1));
    assert!(start.elapsed() >= slow);
}

#[test]
fn datagram_machines_may_start_in_any_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let port = |name: &str| Attachment::Dgram {
        local: path(name),
        remote: folder.path().join(format!("{name}-qemu")),
    };
    let switch = Switch::start(Config {
        ports: vec![port("a"), port("b")],
        ..Config::default()
    })
    .expect("a switch");
    let a = UnixDatagram::bind(path("a-qemu")).expect("a socket");
    a.send_to(&frame(60, 1), path("a"))
        .expect("the switch is there");
    wait(|| switch.counters().received == 1);
    for tag in [2, 3] {
        let b = UnixDatagram::bind(path("b-qemu")).expect("a socket");
        b.set_read_timeout(Some(Duration::from_secs(10)))
            .expect("a duration");
        a.send_to(&frame(1514, tag), path("a"))
            .expect("the switch is there");
        let mut buffer = [0; 2000];
        let length = b.recv(&mut buffer).expect("a frame");
        assert_eq!(
            &buffer[..length],
            frame(1514, tag),
            "also after the machine was started anew"
        );
        drop(b);
        std::fs::remove_file(path("b-qemu")).expect("it was there");
    }
}

#[test]
fn a_socket_in_use_is_refused_and_a_stale_one_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config {
        ports: streams(folder.path()),
        ..Config::default()
    };
    let first = Switch::start(config.clone()).expect("a switch");
    assert!(matches!(
        Switch::start(config.clone()),
        Err(SwitchError::Socket { .. })
    ));
    drop(first);
    drop(std::os::unix::net::UnixListener::bind(folder.path().join("a")).expect("a socket"));
    assert!(
        folder.path().join("a").exists(),
        "a listener leaves its file behind"
    );
    Switch::start(config).expect("nobody is there any more");
}

#[test]
fn an_observer_that_panics_is_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    let switch = Switch::start(Config {
        ports: streams(folder.path()),
        ..Config::default()
    })
    .expect("a switch");
    let mut a = Machine::start(&switch, A, &folder.path().join("a"));
    let _b = Machine::start(&switch, B, &folder.path().join("b"));
    switch.observe(|_| panic!("on purpose"));
    a.send(&frame(60, 1));
    wait(|| switch.counters().received == 1);
    assert!(matches!(switch.stop(), Err(SwitchError::ObserverPanicked)));
}
