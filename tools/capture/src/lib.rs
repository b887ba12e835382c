//! Opens the encrypted frames of a capture, with the keys that machines have said on their consoles.
//!
//! Machines say their sessions' keys only when their own keys ask for it, which is for tests ([`netipc_crypto::KeyLog`]; `isthmus up --key-log`).
//! [`KeyLog::read`] finds them in whatever the machines said; [`decrypt`] writes the same capture with netipc's frames as they would be with
//! encryption off: the body readable, a sum instead of the tag. So everything that reads such captures reads these, `tools/wireshark/netipc.lua`
//! among it. A frame whose key is not in the log stays as it is.
//!
//! It breaks nothing: without the log it can open no more than anybody. Next: `frame` (where netipc lies in an Ethernet frame).
#![forbid(unsafe_code)]

mod frame;
mod log;

use std::io::{Read, Write};

use netipc_protocol::{Cipher, Transparent};
use netipc_wire::frame::Packet;
use pcap_file::PcapError;
use pcap_file::pcap::{PcapReader, PcapWriter};

pub use log::KeyLog;

/// Why a capture cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is not one, it ends early, or it cannot be written.
    #[error("the capture: {0}")]
    Capture(#[from] PcapError),
}

/// What became of a capture's frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Opened.
    pub opened: usize,
    /// Of netipc, and readable as they were: handshakes.
    pub plain: usize,
    /// Of netipc, and of a session whose keys are not in the log, or damaged.
    pub closed: usize,
    /// Of something else.
    pub foreign: usize,
}

/// Copies a capture, with those frames opened whose keys are in the log.
///
/// # Errors
/// If the capture is none, or the copy cannot be written.
pub fn decrypt(capture: impl Read, keys: &KeyLog, copy: impl Write) -> Result<Counts, Unreadable> {
    let mut reader = PcapReader::new(capture)?;
    let mut writer = PcapWriter::with_header(copy, reader.header())?;
    let mut counts = Counts::default();
    while let Some(packet) = reader.next_packet() {
        let mut packet = packet?.into_owned();
        let place = match frame::netipc_mut(packet.data.to_mut(), |netipc| open(netipc, keys)) {
            None => &mut counts.foreign,
            Some(Opened::Now) => &mut counts.opened,
            Some(Opened::Already) => &mut counts.plain,
            Some(Opened::Never) => &mut counts.closed,
        };
        *place += 1;
        writer.write_packet(&packet)?;
    }
    Ok(counts)
}

/// What became of a frame.
enum Opened {
    Now,
    Already,
    Never,
}

/// Opens a netipc frame in place.
fn open(netipc: &mut [u8], keys: &KeyLog) -> Opened {
    let Ok(header) = Packet::new_checked(&*netipc).map(|packet| packet.header()) else {
        return Opened::Never;
    };
    if header.kind.is_handshake() {
        return Opened::Already;
    }
    for key in keys.of(header.session, header.key) {
        if netipc_crypto::reveal(&key, netipc).is_ok() {
            // The sum does not depend on who it is for.
            Transparent.seal(netipc_protocol::NodeId(0), &header, netipc);
            return Opened::Now;
        }
    }
    Opened::Never
}
