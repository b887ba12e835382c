//! Writes a capture file in the classic pcap format with nanosecond times (draft-ietf-opsawg-pcap), which Wireshark and tcpdump open.

use std::io::{self, Write};
use std::time::Duration;

/// Marks a file whose times are in seconds and nanoseconds.
const MAGIC_NANOSECONDS: u32 = 0xa1b2_3c4d;
const VERSION_MAJOR: u16 = 2;
const VERSION_MINOR: u16 = 4;
/// LINKTYPE_ETHERNET.
const LINK_ETHERNET: u32 = 1;
/// Longer frames are cut in the file, with their full length noted: Wireshark's own limit.
const SNAP_LENGTH: u32 = 262_144;

/// A capture file being written.
#[derive(Debug)]
pub struct PcapWriter<W: Write> {
    out: W,
}

impl<W: Write> PcapWriter<W> {
    /// Writes the file's header.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(mut out: W) -> io::Result<Self> {
        let mut header = [0; 24]; // time zone and accuracy, bytes 8..16, are always 0
        header[0..4].copy_from_slice(&MAGIC_NANOSECONDS.to_le_bytes());
        header[4..6].copy_from_slice(&VERSION_MAJOR.to_le_bytes());
        header[6..8].copy_from_slice(&VERSION_MINOR.to_le_bytes());
        header[16..20].copy_from_slice(&SNAP_LENGTH.to_le_bytes());
        header[20..24].copy_from_slice(&LINK_ETHERNET.to_le_bytes());
        out.write_all(&header)?;
        Ok(Self { out })
    }

    /// Adds one frame, seen at `at` after the Unix epoch.
    ///
    /// # Errors
    /// Those of the file.
    pub fn frame(&mut self, at: Duration, frame: &[u8]) -> io::Result<()> {
        let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        let kept = length.min(SNAP_LENGTH);
        let mut header = [0; 16];
        // The format has 32 bits of seconds: enough until 2106.
        header[0..4].copy_from_slice(&(at.as_secs() as u32).to_le_bytes());
        header[4..8].copy_from_slice(&at.subsec_nanos().to_le_bytes());
        header[8..12].copy_from_slice(&kept.to_le_bytes());
        header[12..16].copy_from_slice(&length.to_le_bytes());
        self.out.write_all(&header)?;
        self.out.write_all(&frame[..kept as usize])
    }

    /// Puts what is buffered on the disk.
    ///
    /// # Errors
    /// Those of the file.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pcap_file::{DataLink, TsResolution, pcap::PcapReader};

    #[test]
    fn another_reader_finds_what_was_written() {
        let frames: [(Duration, Vec<u8>); 3] = [
            (Duration::new(1_700_000_000, 1), vec![1; 60]),
            (Duration::new(1_700_000_000, 999_999_999), vec![2; 1514]),
            (Duration::new(1_700_000_001, 0), vec![]),
        ];
        let mut file = Vec::new();
        let mut writer = PcapWriter::new(&mut file).expect("a vector does not fail");
        for (at, frame) in &frames {
            writer.frame(*at, frame).expect("a vector does not fail");
        }
        let mut reader = PcapReader::new(&file[..]).expect("a header");
        assert_eq!(reader.header().datalink, DataLink::ETHERNET);
        assert_eq!(reader.header().ts_resolution, TsResolution::NanoSecond);
        for (at, frame) in &frames {
            let packet = reader.next_packet().expect("a packet").expect("readable");
            assert_eq!(
                (
                    packet.timestamp,
                    packet.data.as_ref(),
                    packet.orig_len as usize
                ),
                (*at, &frame[..], frame.len())
            );
        }
        assert!(reader.next_packet().is_none());
    }
}
