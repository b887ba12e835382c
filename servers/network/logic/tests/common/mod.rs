//! Machines joined by a wire, under virtual time.
#![allow(dead_code)]
use std::collections::VecDeque;
use std::time::Duration;

use network_interface::{Node, Peer};
use network_logic::{
    Clock, Configuration, Deliver, Full, Mac, Network, Refused, Ticks, Transmit, Undelivered,
};

/// The counter of every machine here: a million ticks a second.
pub const CLOCK: Clock = Clock::new(1_000_000);

pub fn ticks(duration: Duration) -> u64 {
    CLOCK.ticks(duration)
}

pub fn mac(node: u8) -> Mac {
    Mac([0x52, 0x54, 0, 0x49, 0x53, node])
}

pub fn node(number: u8) -> Node {
    Node::new(number).unwrap()
}

pub fn netipc(number: u8) -> Peer {
    Peer::netipc(node(number))
}

/// Transmit buffers of a device, emptied by the test.
pub struct Wire {
    pub frames: VecDeque<Vec<u8>>,
    pub room: usize,
}

impl Transmit for Wire {
    fn has_room(&mut self) -> bool {
        self.frames.len() < self.room
    }

    fn transmit(&mut self, length: usize, fill: impl FnOnce(&mut [u8])) -> Result<(), Full> {
        if !self.has_room() {
            return Err(Full);
        }
        assert!(length <= 1514);
        let mut frame = vec![0xaa; length];
        fill(&mut frame);
        self.frames.push_back(frame);
        Ok(())
    }
}

/// A client that keeps what it gets, up to `room` datagrams.
pub struct Client {
    pub datagrams: Vec<(Peer, Vec<u8>)>,
    pub room: usize,
}

impl Deliver for Client {
    fn deliver(&mut self, from: Peer, payload: &[u8]) -> Result<(), Undelivered> {
        if self.datagrams.len() == self.room {
            return Err(Undelivered);
        }
        self.datagrams.push((from, payload.to_vec()));
        Ok(())
    }
}

pub struct Machine {
    pub network: Network,
    pub wire: Wire,
    pub client: Client,
}

impl Machine {
    pub fn new(number: u8) -> Self {
        let configuration = Configuration {
            mac: mac(number),
            node: node(number),
            clock: CLOCK,
            seed: 7,
        };
        Self {
            network: Network::new(configuration, Ticks(0)),
            wire: Wire {
                frames: VecDeque::new(),
                room: 64,
            },
            client: Client {
                datagrams: Vec::new(),
                room: 1000,
            },
        }
    }

    pub fn receive(&mut self, frame: &[u8], now: u64) {
        self.network
            .handle_frame(frame, Ticks(now), &mut self.wire, &mut self.client);
        self.network.advance(Ticks(now), &mut self.wire);
    }

    pub fn send(&mut self, to: Peer, payload: &[u8], now: u64) -> Result<(), Refused> {
        let fill = |into: &mut [u8]| {
            if !into.is_empty() {
                into.copy_from_slice(payload);
            }
        };
        self.network
            .send(to, payload.len(), Ticks(now), &mut self.wire, fill)?;
        self.network.advance(Ticks(now), &mut self.wire);
        Ok(())
    }

    pub fn advance(&mut self, now: u64) {
        self.network.advance(Ticks(now), &mut self.wire);
    }
}

/// Carries frames between the machines, every one to all others, until there are none; `lose` decides which are lost.
pub fn exchange(machines: &mut [Machine], now: u64, mut lose: impl FnMut() -> bool) {
    while let Some(from) = machines
        .iter()
        .position(|machine| !machine.wire.frames.is_empty())
    {
        let frame = machines[from].wire.frames.pop_front().unwrap();
        for (to, machine) in machines.iter_mut().enumerate() {
            if to != from && !lose() {
                machine.receive(&frame, now);
            }
        }
    }
}

/// Two machines that know each other.
pub fn acquainted() -> [Machine; 2] {
    let mut machines = [Machine::new(1), Machine::new(2)];
    machines[0].send(netipc(2), b"hello", 0).unwrap();
    exchange(&mut machines, 0, || false);
    assert_eq!(machines[1].client.datagrams.len(), 1);
    machines[1].client.datagrams.clear();
    machines
}
