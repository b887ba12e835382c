//! The datagram channel: two rings in one piece of shared memory, one in each direction.
//!
//! A record is a datagram: eight bytes that name the peer, then the UDP payload. To the client it names the sender, from the client the
//! destination.
//!
//! | byte | what |
//! |---|---|
//! | 0 | node |
//! | 1 | zero |
//! | 2–3 | UDP port, little-endian |
//! | 4–7 | zero |
use core::fmt;

use shared_memory::{
    AttachError, Consumer, Corrupt, Producer, Reservation, ReserveError, SharedMemory, Wait, Wake,
};

use crate::address::{Node, Peer};

/// The channel's name in the system description.
pub const NAME: &str = "datagrams";
/// The longest UDP payload that fits one Ethernet frame: 1500 bytes less the IPv4 and UDP headers.
pub const MAX_PAYLOAD: usize = 1500 - 20 - 8;
/// Bytes in front of the payload.
const HEADER: usize = 8;
/// Bytes of the longest record.
const MAX_RECORD: usize = HEADER + MAX_PAYLOAD;

/// Which end of the channel this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The network server: writes the first ring.
    Server,
    /// The client: writes the second ring.
    Client,
}

/// Why the channel cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelError {
    /// The memory does not hold two rings with a datagram each.
    TooSmall,
}

/// Why a datagram was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The ring is full for now: [`Channel::prepare_to_wait_for_room`], or drop the datagram.
    Full,
    /// The payload exceeds [`MAX_PAYLOAD`].
    TooLong,
    /// The other side wrote rubbish; nothing can be sent until the channel is set up again.
    Corrupt,
}

/// Why nothing was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiveError {
    /// The other side wrote rubbish into the ring itself. [`Channel::discard`] goes on after it.
    Corrupt,
    /// A record that is no datagram. It is gone; the next one may be right.
    Malformed(Wake),
}

impl fmt::Display for ChannelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the datagram channel is too small: it must hold a datagram in each direction")
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the datagram ring is full",
            Self::TooLong => "the datagram does not fit one frame",
            Self::Corrupt => "the other side of the datagram channel wrote rubbish",
        })
    }
}

impl fmt::Display for ReceiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Corrupt => "the other side of the datagram channel wrote rubbish",
            Self::Malformed(_) => {
                "the other side of the datagram channel wrote a record that is no datagram"
            }
        })
    }
}

impl core::error::Error for ChannelError {}
impl core::error::Error for SendError {}
impl core::error::Error for ReceiveError {}

impl From<AttachError> for ChannelError {
    fn from(AttachError::TooSmall: AttachError) -> Self {
        Self::TooSmall
    }
}

impl From<ReserveError> for SendError {
    fn from(error: ReserveError) -> Self {
        match error {
            ReserveError::Full => Self::Full,
            ReserveError::TooLong => Self::TooLong,
            ReserveError::Corrupt => Self::Corrupt,
        }
    }
}

impl From<Corrupt> for ReceiveError {
    fn from(Corrupt: Corrupt) -> Self {
        Self::Corrupt
    }
}

/// One end of the channel.
pub struct Channel<'m> {
    outgoing: Producer<'m>,
    incoming: Consumer<'m>,
}

impl<'m> Channel<'m> {
    /// Attaches to a channel's memory, which is zero or was attached to before.
    ///
    /// # Errors
    /// [`ChannelError::TooSmall`].
    pub fn attach(memory: SharedMemory<'m>, side: Side) -> Result<Self, ChannelError> {
        let half = memory.len() / 2 / 8 * 8;
        let (first, second) = memory.split_at(half).map_err(|_| ChannelError::TooSmall)?;
        let (outgoing, incoming) = match side {
            Side::Server => (first, second),
            Side::Client => (second, first),
        };
        let outgoing = Producer::attach(outgoing.words())?;
        let incoming = Consumer::attach(incoming.words())?;
        if outgoing.max_record() < MAX_RECORD {
            return Err(ChannelError::TooSmall);
        }
        Ok(Self { outgoing, incoming })
    }

    /// Room for a datagram with up to `payload` bytes, for callers that write it in pieces.
    ///
    /// # Errors
    /// [`SendError`]; nothing changed.
    pub fn reserve(
        &mut self,
        peer: Peer,
        payload: usize,
    ) -> Result<Reservation<'_, 'm>, SendError> {
        if payload > MAX_PAYLOAD {
            return Err(SendError::TooLong);
        }
        let mut reservation = self.outgoing.reserve(HEADER + payload)?;
        reservation.append(&encode(peer))?;
        Ok(reservation)
    }

    /// Sends one datagram. When the answer is [`Wake::Needed`], signal the other side (once for a batch is enough).
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent.
    pub fn send(&mut self, peer: Peer, payload: &[u8]) -> Result<Wake, SendError> {
        let mut reservation = self.reserve(peer, payload.len())?;
        reservation.append(payload)?;
        Ok(reservation.commit())
    }

    /// The oldest datagram that was not [taken](Datagram::take) yet, if there is one.
    ///
    /// # Errors
    /// [`ReceiveError`].
    pub fn receive(&mut self) -> Result<Option<Datagram<'_, 'm>>, ReceiveError> {
        let Some(mut record) = self.incoming.next()? else {
            return Ok(None);
        };
        let mut header = [0; HEADER];
        let complete = record.read(&mut header) == HEADER && record.len() <= MAX_RECORD;
        match decode(header) {
            Some(peer) if complete => Ok(Some(Datagram { peer, record })),
            _ => Err(ReceiveError::Malformed(record.release())),
        }
    }

    /// Throws away everything that was received: the way out of [`ReceiveError::Corrupt`].
    pub fn discard(&mut self) -> Wake {
        self.incoming.discard()
    }

    /// Before sleeping: asks to be signalled when a datagram comes. Sleep only if the answer is [`Wait::Sleep`].
    pub fn prepare_to_wait(&mut self) -> Wait {
        self.incoming.prepare_to_wait()
    }

    /// After [`SendError::Full`]: asks to be signalled when a datagram of any length may fit. [`Wait::Ready`]: try again now.
    pub fn prepare_to_wait_for_room(&mut self) -> Wait {
        self.outgoing.prepare_to_wait(MAX_RECORD)
    }
}

/// A datagram in the channel. Dropped without [`take`](Self::take), it stays the next one.
pub struct Datagram<'c, 'm> {
    peer: Peer,
    record: shared_memory::Record<'c, 'm>,
}

impl Datagram<'_, '_> {
    /// The sender (at the client) or the destination (at the server).
    #[must_use]
    pub fn peer(&self) -> Peer {
        self.peer
    }

    /// Bytes of the payload: at most [`MAX_PAYLOAD`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.record.len() - HEADER
    }

    /// Whether the payload is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies the payload out, gives its room back, and answers how many bytes there were (the rest is lost if `into` is shorter than
    /// [`len`](Self::len)) and whether the other side waits for room.
    pub fn take(mut self, into: &mut [u8]) -> (usize, Wake) {
        let bytes = self.record.read(into);
        (bytes, self.record.release())
    }
}

fn encode(peer: Peer) -> [u8; HEADER] {
    let [low, high] = peer.port.to_le_bytes();
    [peer.node.number(), 0, low, high, 0, 0, 0, 0]
}

fn decode(header: [u8; HEADER]) -> Option<Peer> {
    match header {
        [node, 0, low, high, 0, 0, 0, 0] => Some(Peer {
            node: Node::new(node)?,
            port: u16::from_le_bytes([low, high]),
        }),
        _ => None,
    }
}
