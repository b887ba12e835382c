//! The proxy's own card. Frames that are not netipc's are answered by the port: ARP, pings, the wire echo.

use isthmus_abi::{EventBit, Events};
use isthmus_runtime::{Startup, time};
use netipc_interface::Statistics;
use netipc_protocol::{FRAME_LENGTH_MAX, Instant, NodeId};
use netipc_proxy_logic::limits::CHUNKS_WAITING;
use network_interface::{NETIPC_PORT, Peer};
use network_logic::{Deliver, Refused, Ticks, Undelivered};
use network_port::Port;
use shared_memory::Wait;
use virtio_net::Room;

use super::{More, Voices};
use crate::Unfit;

/// Frames that are looked at for one of netipc's, before the turn goes on without: others must not keep it.
const OTHERS: usize = 32;

/// The card, and what is under way to and from it.
pub struct CardLink {
    port: Port,
    received: Received,
    frame: [u8; FRAME_LENGTH_MAX],
    /// The frame that has found no room yet: its receiver and its length.
    unsent: Option<(Peer, usize)>,
}

/// The frame that came last.
struct Received {
    from: Option<NodeId>,
    length: usize,
    frame: [u8; FRAME_LENGTH_MAX],
}

impl Deliver for Received {
    fn deliver(&mut self, from: Peer, payload: &[u8]) -> Result<(), Undelivered> {
        if from.port != NETIPC_PORT {
            return Err(Undelivered);
        }
        let place = self.frame.get_mut(..payload.len()).ok_or(Undelivered)?;
        place.copy_from_slice(payload);
        self.length = payload.len();
        self.from = Some(NodeId(from.node.number()));
        Ok(())
    }
}

impl CardLink {
    /// Brings the card up.
    pub fn open(startup: &'static Startup) -> Result<Self, Unfit> {
        Ok(Self {
            port: Port::open(startup).map_err(Unfit::Port)?,
            received: Received {
                from: None,
                length: 0,
                frame: [0; FRAME_LENGTH_MAX],
            },
            frame: [0; FRAME_LENGTH_MAX],
            unsent: None,
        })
    }

    pub const fn event(&self) -> EventBit {
        self.port.event()
    }

    pub fn acknowledge(&mut self, events: Events) {
        self.port.acknowledge(events);
        if events.contains(self.port.event()) {
            self.port.begin();
        }
    }

    pub fn receive(&mut self) -> Option<(NodeId, &mut [u8])> {
        let now = now();
        self.received.from = None;
        for _ in 0..OTHERS {
            if !self.port.receive(now, &mut self.received) {
                return None;
            }
            if let Some(from) = self.received.from {
                return Some((from, &mut self.received.frame[..self.received.length]));
            }
        }
        None
    }

    pub fn transmit(
        &mut self,
        mut voices: Voices<'_>,
        now: Instant,
        statistics: &mut Statistics,
    ) -> More {
        let ticks = self::now();
        let mut chunks = 0;
        loop {
            let next = self.unsent.take();
            let frame = &mut self.frame;
            let mut next = next.or_else(|| voices.next_frame(now, frame, statistics));
            if next.is_none() && voices.protocol.has_bulk() {
                if chunks == voices.chunks || self.port.under_way() >= CHUNKS_WAITING {
                    return More::Perhaps;
                }
                chunks += 1;
                next = voices.next_chunk(now, frame, statistics);
            }
            let Some((peer, length)) = next else {
                return More::No;
            };
            // A frame that is dropped here counts as lost on the wire.
            let write = |payload: &mut [u8]| {
                if let Some(frame) = self.frame.get(..payload.len()) {
                    payload.copy_from_slice(frame);
                }
            };
            match self.port.send(peer, length, ticks, write) {
                Ok(()) => statistics.frames_out += 1,
                Err(Refused) => {
                    self.unsent = Some((peer, length));
                    return More::No;
                }
            }
        }
    }

    pub fn flush(&mut self) {
        self.port.finish(now());
    }

    pub fn prepare_to_wait(&mut self) -> Wait {
        let room = match self.unsent {
            Some(_) => Room::Wanted,
            None => Room::NotWanted,
        };
        self.port.prepare_to_wait(room)
    }

    pub fn deadline(&self) -> Option<Ticks> {
        self.port.deadline()
    }

    pub const fn port(&mut self) -> &mut Port {
        &mut self.port
    }
}

fn now() -> Ticks {
    Ticks(time::now().ticks())
}
