//! All of it together: one received frame or one datagram at a time.
use network_interface::echo::EchoReport;
use network_interface::{Counters, Drop, MAX_PAYLOAD, Node, Peer};
use smoltcp::wire::EthernetAddress;

use crate::arp;
use crate::datagram::{self, Class, HEADERS, Own};
use crate::echo::{self, EchoError, EchoFrame, EchoRequest, EchoRun};
use crate::limits::{HELD, HELD_EACH};
use crate::neighbour::{Due, Neighbours};
use crate::port::{Full, Transmit};
use crate::stack::{Frame, Stack};
use crate::time::{Clock, Ticks};

/// Bytes of an Ethernet header.
const ETHERNET: usize = 14;
const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_ARP: u16 = 0x0806;

/// Where received datagrams go.
pub trait Deliver {
    /// Takes a datagram.
    ///
    /// # Errors
    /// [`Undelivered`]: there was no room; it is lost, as a datagram may be.
    fn deliver(&mut self, from: Peer, payload: &[u8]) -> Result<(), Undelivered>;
}

/// The client has no room for a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undelivered;

/// A datagram cannot be sent now: there is no transmit buffer. It was not touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// Who the machine is, and what it counts time with.
#[derive(Clone, Copy, Debug)]
pub struct Configuration {
    /// The device's address.
    pub mac: EthernetAddress,
    /// The machine's number.
    pub node: Node,
    /// The counter.
    pub clock: Clock,
    /// Makes the IP stack's identifiers unpredictable.
    pub seed: u64,
}

/// A datagram that waits for its neighbour's address.
struct Held {
    peer: Peer,
    length: usize,
    payload: [u8; MAX_PAYLOAD],
}

/// The network of one machine. It is large (about 16 KiB): keep it in a static or on the heap.
pub struct Network {
    own: Own,
    clock: Clock,
    neighbours: Neighbours,
    held: heapless::Vec<Held, HELD>,
    stack: Stack,
    echo: Option<EchoRun>,
    echo_sequence: u32,
    counters: Counters,
}

impl Network {
    /// A network that knows nobody yet.
    #[must_use]
    pub fn new(configuration: Configuration, now: Ticks) -> Self {
        let Configuration {
            mac,
            node,
            clock,
            seed,
        } = configuration;
        Self {
            own: Own { mac, node },
            clock,
            neighbours: Neighbours::new(clock),
            held: heapless::Vec::new(),
            stack: Stack::new(mac, node, clock, seed, now),
            echo: None,
            echo_sequence: seed as u32,
            counters: Counters::default(),
        }
    }

    /// What was counted.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Counts something that the server dropped before it came here.
    pub fn dropped(&mut self, reason: Drop) {
        self.counters.drop(reason);
    }

    /// Handles one received frame. Call [`advance`](Self::advance) after the last one of a batch.
    pub fn handle_frame(
        &mut self,
        frame: &[u8],
        now: Ticks,
        transmit: &mut impl Transmit,
        client: &mut impl Deliver,
    ) {
        self.counters.frames_in += 1;
        let Some((header, body)) = frame.split_first_chunk::<ETHERNET>() else {
            return self.counters.drop(Drop::NotForUs);
        };
        let destination = EthernetAddress::from_bytes(&header[..6]);
        let source = EthernetAddress::from_bytes(&header[6..12]);
        let ethertype = u16::from_be_bytes([header[12], header[13]]);
        if destination != self.own.mac {
            // Only ARP has business with everybody.
            if !destination.is_broadcast() || ethertype != ETHERTYPE_ARP {
                return self.counters.drop(Drop::NotForUs);
            }
        }
        match ethertype {
            ETHERTYPE_IPV4 => match datagram::classify(self.own, source, body) {
                Class::Datagram { from, mac, payload } => {
                    self.neighbours.learn(from.node, mac, now);
                    match client.deliver(from, payload) {
                        Ok(()) => self.counters.datagrams_in += 1,
                        Err(Undelivered) => self.counters.drop(Drop::ClientFull),
                    }
                }
                Class::Wrong(reason) => self.counters.drop(reason),
                Class::Other => self.hand_to_stack(frame, now, transmit),
            },
            ETHERTYPE_ARP => {
                if let Some((node, mac)) = arp::sender(body) {
                    self.neighbours.learn(node, mac, now);
                }
                self.hand_to_stack(frame, now, transmit);
            }
            echo::ETHERTYPE => self.handle_echo(frame, source, now, transmit),
            _ => self.hand_to_stack(frame, now, transmit),
        }
    }

    fn hand_to_stack(&mut self, frame: &[u8], now: Ticks, transmit: &mut impl Transmit) {
        let handled = self.stack.handle(frame, now, transmit);
        self.counters.frames_out += handled.sent;
        match handled.frame {
            Frame::Taken => self.counters.stack_frames += 1,
            Frame::Dropped => self.counters.drop(Drop::TransmitFull),
        }
    }

    fn handle_echo(
        &mut self,
        frame: &[u8],
        source: EthernetAddress,
        now: Ticks,
        transmit: &mut impl Transmit,
    ) {
        match echo::parse(frame) {
            Some(EchoFrame::Request) if source.is_unicast() => {
                let own = self.own;
                let fill = |reply: &mut [u8]| echo::reply(reply, frame, own, source);
                match transmit.transmit(frame.len(), fill) {
                    Ok(()) => {
                        self.counters.echoes += 1;
                        self.counters.frames_out += 1;
                    }
                    Err(Full) => self.counters.drop(Drop::TransmitFull),
                }
            }
            Some(EchoFrame::Reply(sequence)) => {
                let run = self.echo.as_mut();
                if !run.is_some_and(|run| run.replied(sequence, now)) {
                    self.counters.drop(Drop::BadEcho);
                }
            }
            _ => self.counters.drop(Drop::BadEcho),
        }
    }

    /// Sends a datagram of `length` bytes, at most [`MAX_PAYLOAD`]. `payload` is called once, to write them; if the datagram is dropped (and
    /// counted) it is called with an empty slice. Call [`advance`](Self::advance) after the last one of a batch.
    ///
    /// # Errors
    /// [`Refused`]: there is no transmit buffer. `payload` was not called.
    pub fn send(
        &mut self,
        peer: Peer,
        length: usize,
        now: Ticks,
        transmit: &mut impl Transmit,
        payload: impl FnOnce(&mut [u8]),
    ) -> Result<(), Refused> {
        if length > MAX_PAYLOAD {
            return self.discard(Drop::BadRecord, payload);
        }
        if let Some(mac) = self.neighbours.resolve(peer.node, now) {
            let own = self.own;
            let fill = |frame: &mut [u8]| datagram::build(frame, own, mac, peer, payload);
            transmit
                .transmit(HEADERS + length, fill)
                .map_err(|Full| Refused)?;
            self.counters.frames_out += 1;
            self.counters.datagrams_out += 1;
            return Ok(());
        }
        self.hold(peer, length, now, payload)
    }

    fn discard(&mut self, reason: Drop, payload: impl FnOnce(&mut [u8])) -> Result<(), Refused> {
        self.counters.drop(reason);
        payload(&mut []);
        Ok(())
    }

    /// Keeps a datagram until its neighbour's address is known.
    fn hold(
        &mut self,
        peer: Peer,
        length: usize,
        now: Ticks,
        payload: impl FnOnce(&mut [u8]),
    ) -> Result<(), Refused> {
        if peer.node == self.own.node {
            return self.discard(Drop::Unreachable, payload);
        }
        let same = |held: &&Held| held.peer.node == peer.node;
        let full = self.held.is_full() || self.held.iter().filter(same).count() >= HELD_EACH;
        if full || self.neighbours.ask(peer.node, now).is_err() {
            return self.discard(Drop::HeldFull, payload);
        }
        let mut held = Held {
            peer,
            length,
            payload: [0; MAX_PAYLOAD],
        };
        payload(&mut held.payload[..length]);
        // There is room, looked at above.
        let _ = self.held.push(held);
        Ok(())
    }

    /// Does what has become due or possible: asks for neighbours, sends what was held, goes on with the echo. Call it after each batch of
    /// frames and datagrams, when [`deadline`](Self::deadline) has come, and when transmit buffers have become free.
    pub fn advance(&mut self, now: Ticks, transmit: &mut impl Transmit) {
        self.ask_for_echo(now);
        while let Some(due) = self.neighbours.due(now) {
            match due {
                Due::Ask(target) => self.ask(target, transmit),
                Due::Unreachable(node) => self.give_up(node),
            }
        }
        if !self.held.is_empty() {
            self.send_held(transmit);
        }
        self.send_echo(now, transmit);
    }

    fn ask(&mut self, target: Node, transmit: &mut impl Transmit) {
        let Own { mac, node } = self.own;
        let fill = |frame: &mut [u8]| arp::request(frame, mac, node, target);
        match transmit.transmit(arp::FRAME, fill) {
            Ok(()) => self.counters.frames_out += 1,
            Err(Full) => self.counters.drop(Drop::TransmitFull), // it is asked for again
        }
    }

    fn give_up(&mut self, node: Node) {
        let before = self.held.len();
        self.held.retain(|held| held.peer.node != node);
        for _ in self.held.len()..before {
            self.counters.drop(Drop::Unreachable);
        }
        if let Some(run) = &mut self.echo
            && run.request.node == node
        {
            run.unreachable();
        }
    }

    fn send_held(&mut self, transmit: &mut impl Transmit) {
        let (own, neighbours, counters) = (self.own, &self.neighbours, &mut self.counters);
        self.held.retain(|held| {
            let Some(mac) = neighbours.get(held.peer.node) else {
                return true;
            };
            let bytes = &held.payload[..held.length];
            let fill = |frame: &mut [u8]| {
                datagram::build(frame, own, mac, held.peer, |payload| {
                    payload.copy_from_slice(bytes)
                });
            };
            if transmit.transmit(HEADERS + held.length, fill).is_err() {
                return true; // when there is a buffer
            }
            counters.frames_out += 1;
            counters.datagrams_out += 1;
            false
        });
    }

    /// An echo that is due needs its neighbour's address.
    fn ask_for_echo(&mut self, now: Ticks) {
        let Some(run) = &mut self.echo else { return };
        run.timed_out(now);
        let node = run.request.node;
        if run.is_due() && self.neighbours.get(node).is_none() {
            // With too many requests under way, another one's end calls for another try.
            let _ = self.neighbours.ask(node, now);
        }
    }

    fn send_echo(&mut self, now: Ticks, transmit: &mut impl Transmit) {
        let Some(run) = &mut self.echo else { return };
        if !run.is_due() {
            return;
        }
        let Some(mac) = self.neighbours.resolve(run.request.node, now) else {
            return;
        };
        let own = self.own;
        let fill = |frame: &mut [u8]| run.write(frame, own, mac);
        if transmit.transmit(run.request.length, fill).is_ok() {
            run.sent(now, self.clock);
            self.counters.frames_out += 1;
        }
    }

    /// Starts a run of echoes. Call [`advance`](Self::advance) next; [`take_echo`](Self::take_echo) has the result one day.
    ///
    /// # Errors
    /// [`EchoError`].
    pub fn start_echo(&mut self, request: EchoRequest) -> Result<(), EchoError> {
        if self.echo.is_some() {
            return Err(EchoError::Busy);
        }
        if request.node == self.own.node {
            return Err(EchoError::Invalid);
        }
        self.echo = Some(EchoRun::new(request, self.echo_sequence)?);
        Ok(())
    }

    /// The result of the run, when it has ended.
    pub fn take_echo(&mut self) -> Option<EchoReport> {
        let run = self.echo.as_ref()?;
        let report = run.finished()?.clone();
        self.echo_sequence = run.next_sequence();
        self.echo = None;
        Some(report)
    }

    /// When [`advance`](Self::advance) must be called though nothing arrives. It moves with every call into this.
    #[must_use]
    pub fn deadline(&self) -> Option<Ticks> {
        let echo = self.echo.as_ref().and_then(EchoRun::deadline);
        [self.neighbours.deadline(), echo]
            .into_iter()
            .flatten()
            .min()
    }
}
