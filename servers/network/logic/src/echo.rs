//! Echo at driver level: the floor under every figure about remote calls (`wire_echo`).
//!
//! An echo frame has ethertype 0x88B5 (IEEE 802: for local experiments), then:
//!
//! | byte | what |
//! |---|---|
//! | 14 | 1: request, 2: reply |
//! | 15 | zero |
//! | 16–19 | sequence number, little-endian |
//! | 20… | zero up to the frame's length; a reply repeats the request |
use network_interface::echo::{EchoReport, MAX_SAMPLES};
use network_interface::{MAX_ECHO_FRAME, MIN_ECHO_FRAME, Node};
use smoltcp::wire::EthernetAddress;

use crate::datagram::Own;
use crate::limits::{ECHO_LOST, ECHO_TIMEOUT};
use crate::time::{Clock, Ticks};

/// The ethertype.
pub const ETHERTYPE: u16 = 0x88b5;
const REQUEST: u8 = 1;
const REPLY: u8 = 2;
/// Where the kind is.
const KIND: usize = 14;
/// Where the sequence number is.
const SEQUENCE: usize = 16;
/// Bytes that an echo frame has at least.
const HEADER: usize = 20;

/// What to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EchoRequest {
    /// The machine that answers.
    pub node: Node,
    /// Bytes of each frame.
    pub length: usize,
    /// How many round trips.
    pub count: usize,
}

/// Why no echo was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EchoError {
    /// Another run has not ended.
    Busy,
    /// A length or a count that is not offered, or the machine itself.
    Invalid,
}

/// What an echo frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EchoFrame {
    Request,
    Reply(u32),
}

/// Reads an echo frame.
pub(crate) fn parse(frame: &[u8]) -> Option<EchoFrame> {
    let header = frame.first_chunk::<HEADER>()?;
    let sequence = header[SEQUENCE..]
        .first_chunk()
        .map(|bytes| u32::from_le_bytes(*bytes))?;
    match header[KIND] {
        REQUEST => Some(EchoFrame::Request),
        REPLY => Some(EchoFrame::Reply(sequence)),
        _ => None,
    }
}

/// Writes the reply to `request`, an echo frame from `to`, into a frame of the same length.
pub(crate) fn reply(frame: &mut [u8], request: &[u8], own: Own, to: EthernetAddress) {
    frame.copy_from_slice(request);
    frame[..6].copy_from_slice(&to.0);
    frame[6..12].copy_from_slice(&own.mac.0);
    frame[KIND] = REPLY;
}

/// Writes a request.
fn request(frame: &mut [u8], own: Own, to: EthernetAddress, sequence: u32) {
    frame.fill(0);
    frame[..6].copy_from_slice(&to.0);
    frame[6..12].copy_from_slice(&own.mac.0);
    frame[12..14].copy_from_slice(&ETHERTYPE.to_be_bytes());
    frame[KIND] = REQUEST;
    frame[SEQUENCE..HEADER].copy_from_slice(&sequence.to_le_bytes());
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The next request goes out as soon as the neighbour is known and there is a buffer.
    Ready,
    /// A request is out.
    Waiting { sent: Ticks, deadline: Ticks },
}

/// A run of echoes, one frame on its way at a time.
pub(crate) struct EchoRun {
    pub request: EchoRequest,
    state: State,
    sequence: u32,
    lost_in_a_row: u8,
    report: EchoReport,
}

impl EchoRun {
    /// `sequence`: the first frame's number, so that a late reply to an earlier run is not taken for one to this.
    pub fn new(request: EchoRequest, sequence: u32) -> Result<Self, EchoError> {
        let lengths = MIN_ECHO_FRAME..=MAX_ECHO_FRAME;
        if !lengths.contains(&request.length) || !(1..=MAX_SAMPLES).contains(&request.count) {
            return Err(EchoError::Invalid);
        }
        Ok(Self {
            request,
            state: State::Ready,
            sequence,
            lost_in_a_row: 0,
            report: EchoReport::default(),
        })
    }

    /// Whether a request is to be sent now.
    pub fn is_due(&self) -> bool {
        self.state == State::Ready && self.finished().is_none()
    }

    /// Writes the request that is due.
    pub fn write(&self, frame: &mut [u8], own: Own, to: EthernetAddress) {
        request(frame, own, to, self.sequence);
    }

    /// The request was handed to the device.
    pub fn sent(&mut self, now: Ticks, clock: Clock) {
        self.state = State::Waiting {
            sent: now,
            deadline: clock.after(now, ECHO_TIMEOUT),
        };
    }

    /// A reply came. `false` if it is not the one awaited.
    pub fn replied(&mut self, sequence: u32, now: Ticks) -> bool {
        let State::Waiting { sent, .. } = self.state else {
            return false;
        };
        if sequence != self.sequence {
            return false;
        }
        // At most MAX_SAMPLES, checked in `new`.
        let _ = self.report.round_trips.push(now.since(sent));
        self.lost_in_a_row = 0;
        self.next();
        true
    }

    /// Time has passed.
    pub fn timed_out(&mut self, now: Ticks) {
        if let State::Waiting { deadline, .. } = self.state
            && now >= deadline
        {
            self.lose();
        }
    }

    /// The neighbour has no address: all that is left is lost.
    pub fn unreachable(&mut self) {
        self.lost_in_a_row = ECHO_LOST - 1;
        self.lose();
    }

    fn lose(&mut self) {
        self.report.lost += 1;
        self.lost_in_a_row += 1;
        self.next();
    }

    fn next(&mut self) {
        self.sequence = self.sequence.wrapping_add(1);
        self.state = State::Ready;
    }

    /// When to look at it again.
    pub fn deadline(&self) -> Option<Ticks> {
        match self.state {
            State::Ready => None,
            State::Waiting { deadline, .. } => Some(deadline),
        }
    }

    /// What was measured, once all is.
    pub fn finished(&self) -> Option<&EchoReport> {
        let done = self.report.round_trips.len() + usize::from(self.report.lost);
        let over = done >= self.request.count || self.lost_in_a_row >= ECHO_LOST;
        over.then_some(&self.report)
    }

    /// The sequence number that a run after this one starts with.
    pub fn next_sequence(&self) -> u32 {
        self.sequence.wrapping_add(1)
    }
}
