//! The way to the other machines: the card itself, where the description gives it to the proxy, or else the network server's datagram channel.
//! What carries frames is seen here and nowhere above.

mod card;
mod ring;

use isthmus_abi::startup::RegionKind;
use isthmus_abi::{EventBit, Events};
use isthmus_runtime::Startup;
use netipc_interface::Statistics;
use netipc_protocol::bulk::Chunk;
use netipc_protocol::{Instant, NodeId, Transmit};
use netipc_proxy_logic::Clock;
use network_interface::{Node, Peer, channel};
use network_port::Port;
use shared_memory::Wait;

use crate::Unfit;
use crate::bulk::Bulk;
use crate::homes::{Said, Viewed};
use crate::proxy::Protocol;

use card::CardLink;
use ring::RingLink;

/// Whether frames wait to be taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum More {
    /// Not everything that came was looked at.
    Perhaps,
    /// There were none a moment ago.
    No,
}

/// The way out and in.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one, made once and never moved again"
)]
pub enum Link {
    /// The proxy's own card: a call changes the address space only for its server.
    Card(CardLink),
    /// The network server has the card.
    Ring(RingLink),
}

impl Link {
    /// Takes what the description grants: the channel to a network server, or else the card.
    pub fn open(startup: &'static Startup) -> Result<Self, Unfit> {
        match startup.region(RegionKind::Channel, channel::NAME) {
            Ok(_) => RingLink::open(startup).map(Self::Ring),
            Err(_) => CardLink::open(startup).map(Self::Card),
        }
    }

    /// By which event frames come.
    pub const fn event(&self) -> EventBit {
        match self {
            Self::Card(link) => link.event(),
            Self::Ring(link) => link.event(),
        }
    }

    /// Its event has come, perhaps with others.
    pub fn acknowledge(&mut self, events: Events) {
        if let Self::Card(link) = self {
            link.acknowledge(events);
        }
    }

    /// The next frame that came, and the machine that it came from by the network's word.
    pub fn receive(&mut self) -> Option<(NodeId, &mut [u8])> {
        match self {
            Self::Card(link) => link.receive(),
            Self::Ring(link) => link.receive(),
        }
    }

    /// Sends every frame that there is, as long as there is room, and then the chunks of lent memory that may be sent now; whether there are more of them.
    pub fn transmit(
        &mut self,
        voices: Voices<'_>,
        now: Instant,
        statistics: &mut Statistics,
    ) -> More {
        match self {
            Self::Card(link) => link.transmit(voices, now, statistics),
            Self::Ring(link) => link.transmit(voices, now, statistics),
        }
    }

    /// At the end of a turn: tells whoever carries frames, once for all of them.
    pub fn flush(&mut self) {
        match self {
            Self::Card(link) => link.flush(),
            Self::Ring(link) => link.wake(),
        }
    }

    /// The second look before sleeping.
    pub fn prepare_to_wait(&mut self) -> Wait {
        match self {
            Self::Card(link) => link.prepare_to_wait(),
            Self::Ring(link) => link.prepare_to_wait(),
        }
    }

    /// When a turn must look at the link though nothing came.
    pub fn deadline(&self, clock: &Clock) -> Option<Instant> {
        match self {
            Self::Card(link) => Some(clock.instant(link.deadline()?.0)),
            Self::Ring(_) => None,
        }
    }

    /// The port that answers the network's typed calls, where the proxy has the card.
    pub fn port(&mut self) -> Option<&mut Port> {
        match self {
            Self::Card(link) => Some(link.port()),
            Self::Ring(_) => None,
        }
    }
}

/// Whoever has something to say to other machines.
pub struct Voices<'p> {
    /// The calls and what belongs to them come first.
    pub protocol: &'p mut Protocol,
    /// Then the view of the cluster, and the cipher, which passes on the administrator's updates.
    pub viewed: Option<&'p mut Viewed>,
    /// And then, when nothing else is to be said, lent memory.
    pub bulk: &'p Bulk,
    /// Of that, so many chunks.
    pub chunks: usize,
}

impl Voices<'_> {
    /// The next chunk of lent memory, written to `frame`: for whom, and how long it is.
    fn next_chunk(
        &mut self,
        now: Instant,
        frame: &mut [u8],
        statistics: &mut Statistics,
    ) -> Option<(Peer, usize)> {
        let fill = |chunk: &Chunk, bytes: &mut [u8]| self.bulk.read(chunk, bytes);
        let transmit = self.protocol.poll_bulk(now, frame, fill)?;
        statistics.chunks_out += 1;
        // Peers are numbered as machines are.
        Some((Peer::netipc(Node::new(transmit.to.0)?), transmit.length))
    }

    fn next_of_view(&mut self, now: Instant, frame: &mut [u8]) -> Option<Said> {
        let viewed = self.viewed.as_mut()?;
        viewed.next_frame(self.protocol, now, frame)
    }

    /// The next frame, or datagram about keys, written to `frame`: for whom, and how long it is.
    fn next_frame(
        &mut self,
        now: Instant,
        frame: &mut [u8],
        statistics: &mut Statistics,
    ) -> Option<(Peer, usize)> {
        loop {
            let transmit = match self.protocol.poll_transmit(now, frame) {
                Some(transmit) => transmit,
                None => match self.next_of_view(now, frame) {
                    Some(Said::Frame(transmit)) => {
                        statistics.views_out += 1;
                        transmit
                    }
                    Some(Said::Lost) => continue,
                    None => {
                        let (to, length) = self.protocol.cipher_mut().next_said(now, frame)?;
                        Transmit { to, length }
                    }
                },
            };
            // Peers are numbered as machines are.
            if let Some(node) = Node::new(transmit.to.0) {
                return Some((Peer::netipc(node), transmit.length));
            }
        }
    }
}
