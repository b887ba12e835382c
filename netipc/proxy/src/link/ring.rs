//! The way to the network server: the datagram channel.

use isthmus_abi::EventBit;
use isthmus_abi::startup::Startup;
use isthmus_runtime::grants;
use isthmus_runtime::sel4::cap;
use netipc_interface::Statistics;
use netipc_protocol::{FRAME_LENGTH_MAX, Instant, NodeId};
use network_interface::{Channel, NETIPC_PORT, Peer, ReceiveError, SendError, Side, channel};
use shared_memory::{Wait, Wake};

use super::{More, Voices};
use crate::Unfit;

/// The client's end of the datagram channel.
pub struct RingLink {
    channel: Channel<'static>,
    network: cap::Notification,
    event: EventBit,
    /// Whether the network server must be woken at the end of the turn.
    wake: Wake,
    received: [u8; FRAME_LENGTH_MAX],
    frame: [u8; FRAME_LENGTH_MAX],
    /// The frame that has found no room yet: its receiver and its length.
    unsent: Option<(Peer, usize)>,
}

impl RingLink {
    /// Takes the channel that the description grants.
    pub fn open(startup: &'static Startup) -> Result<Self, Unfit> {
        let memory = grants::shared_memory(channel::NAME)?;
        Ok(Self {
            channel: Channel::attach(memory, Side::Client).map_err(Unfit::Channel)?,
            network: grants::channel_signal(channel::NAME)?,
            event: startup.channel_event(channel::NAME)?,
            wake: Wake::NotNeeded,
            received: [0; FRAME_LENGTH_MAX],
            frame: [0; FRAME_LENGTH_MAX],
            unsent: None,
        })
    }

    pub const fn event(&self) -> EventBit {
        self.event
    }

    /// The next frame that came, and the machine that it came from by the network's word.
    pub fn receive(&mut self) -> Option<(NodeId, &mut [u8])> {
        loop {
            match self.channel.receive() {
                Ok(None) => return None,
                Ok(Some(datagram)) => {
                    let peer = datagram.peer();
                    let (length, wake) = datagram.take(&mut self.received);
                    self.wake = self.wake.or(wake);
                    if peer.port == NETIPC_PORT {
                        let frame = self.received.get_mut(..length)?;
                        return Some((NodeId(peer.node.number()), frame));
                    }
                }
                Err(ReceiveError::Malformed(wake)) => self.wake = self.wake.or(wake),
                Err(ReceiveError::Corrupt) => {
                    defmt::error!("netipc: the network server wrote rubbish into the ring");
                    self.wake = self.wake.or(self.channel.discard());
                    return None;
                }
            }
        }
    }

    /// Puts every frame that the protocol has into the ring, as long as there is room.
    pub fn transmit(
        &mut self,
        mut voices: Voices<'_>,
        now: Instant,
        statistics: &mut Statistics,
    ) -> More {
        let mut chunks = 0;
        loop {
            let next = self.unsent.take();
            let frame = &mut self.frame;
            let mut next = next.or_else(|| voices.next_frame(now, frame, statistics));
            if next.is_none() && voices.protocol.has_bulk() {
                if chunks == voices.chunks {
                    return More::Perhaps;
                }
                chunks += 1;
                next = voices.next_chunk(now, frame, statistics);
            }
            let Some((peer, length)) = next else {
                return More::No;
            };
            match self.channel.send(peer, &self.frame[..length]) {
                Ok(wake) => {
                    self.wake = self.wake.or(wake);
                    statistics.frames_out += 1;
                }
                Err(SendError::Full) => {
                    self.unsent = Some((peer, length));
                    if self.channel.prepare_to_wait_for_room() == Wait::Sleep {
                        return More::No;
                    }
                }
                // It counts as lost on the wire. A frame is never longer than a datagram.
                Err(SendError::TooLong | SendError::Corrupt) => {}
            }
        }
    }

    /// Wakes the network server, once for all that was put into the ring, if it sleeps.
    pub fn wake(&mut self) {
        if core::mem::replace(&mut self.wake, Wake::NotNeeded) == Wake::Needed {
            self.network.signal();
        }
    }

    /// The second look before sleeping.
    pub fn prepare_to_wait(&mut self) -> Wait {
        self.channel.prepare_to_wait()
    }
}
