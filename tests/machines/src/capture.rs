//! With encryption off, a run's capture can be read by others, and tells the story of a call: a session is opened, requests go one way, replies the other.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::time::Duration;

use isthmus_testkit::{Encryption, Failure, Scratch};
use netipc_wire::{Kind, Message};
use pcap_file::DataLink;
use pcap_file::pcap::PcapReader;

use crate::frames;
use crate::lab::Lab;

/// Calls of the demonstration's client that are recorded.
const CALLS: usize = 20;
/// As for the demonstration.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn is_readable(lab: &Lab) -> Result<(), Failure> {
    let scratch = Scratch::new()?;
    let file = scratch.path().join("run.pcap");
    let cluster = lab
        .machines(2)?
        .arguments(format!("calls={CALLS}"))
        .encryption(Encryption::OffForTests)
        .pcap(Some(file.clone()))
        .start()?;
    cluster.machine(2).wait_until_right(LIMIT)?;
    // The switch writes the rest when it ends.
    drop(cluster);
    let kinds = read(
        File::open(&file)
            .map_err(|error| Failure::new(format!("the capture cannot be opened: {error}")))?,
    )?;
    for (kind, least) in [
        (Kind::Hello, 1),
        (Kind::HelloAck, 1),
        (Kind::Request, CALLS),
        (Kind::Reply, CALLS),
    ] {
        let count = kinds.get(&(kind as u8)).copied().unwrap_or_default();
        if count < least {
            return Err(Failure::new(format!(
                "the capture has {count} frames of kind {kind:?}, at least {least} were sent"
            )));
        }
    }
    Ok(())
}

/// How many netipc frames of each kind a capture has. Each must be well-formed to its last byte.
pub(crate) fn read(file: impl Read) -> Result<BTreeMap<u8, usize>, Failure> {
    let unreadable = |error| Failure::new(format!("the capture cannot be read: {error}"));
    let mut reader = PcapReader::new(file).map_err(unreadable)?;
    if reader.header().datalink != DataLink::ETHERNET {
        return Err(Failure::new("the capture is not of an Ethernet"));
    }
    let mut kinds = BTreeMap::new();
    while let Some(packet) = reader.next_packet() {
        let packet = packet.map_err(unreadable)?;
        let Some(frame) = frames::netipc(&packet.data) else {
            continue;
        };
        let kind = frame.header().kind;
        Message::parse(kind, frame.body())
            .map_err(|error| Failure::new(format!("a frame of kind {kind:?}: {error}")))?;
        *kinds.entry(kind as u8).or_default() += 1;
    }
    Ok(kinds)
}
