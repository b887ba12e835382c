//! The framing of QEMU's `-netdev stream`: each frame is preceded by its length, four bytes, most significant first
//! (QEMU's `net/stream.c`).

use std::io::{self, Read};

/// Bytes of the length in front of each frame.
pub const LENGTH_BYTES: usize = 4;

/// The longest frame that QEMU sends: its `NET_BUFSIZE`, 64 KiB of segment and 4 KiB of headers.
pub const MAX_FRAME: usize = (64 + 4) * 1024;

/// The peer announced a frame longer than [`MAX_FRAME`]: what follows cannot be told apart, the stream is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a frame of {announced} bytes was announced, at most {MAX_FRAME} are possible: this is no QEMU network stream"
)]
pub struct FrameTooLong {
    /// The length that the peer announced.
    pub announced: u32,
}

/// What is put in front of `frame` on a stream; `None` if it is longer than [`MAX_FRAME`].
#[must_use]
pub fn length_prefix(frame: &[u8]) -> Option<[u8; LENGTH_BYTES]> {
    if frame.len() > MAX_FRAME {
        return None;
    }
    u32::try_from(frame.len()).ok().map(u32::to_be_bytes)
}

/// Cuts a stream of bytes, which arrives in arbitrary pieces, into frames. Allocates once, when made.
#[derive(Debug)]
pub struct StreamDecoder {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Default for StreamDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl StreamDecoder {
    /// Room for the longest frame and more, so that one read can fetch many short ones.
    const BUFFER_BYTES: usize = 4 * (LENGTH_BYTES + MAX_FRAME);

    /// A decoder at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self {
            buffer: vec![0; Self::BUFFER_BYTES],
            start: 0,
            end: 0,
        }
    }

    /// Reads once from `source` and returns how many bytes came; 0 is the end of the stream, as in [`Read::read`]. Call
    /// [`Self::next_frame`] until it has no more before reading again: then there is always room.
    ///
    /// # Errors
    /// Those of `source`, `WouldBlock` among them.
    pub fn read_from(&mut self, source: &mut impl Read) -> io::Result<usize> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.buffer.len() - self.end < LENGTH_BYTES + MAX_FRAME {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let count = source.read(&mut self.buffer[self.end..])?;
        self.end += count;
        Ok(count)
    }

    /// The next whole frame, if one has arrived.
    ///
    /// # Errors
    /// [`FrameTooLong`], from then on at each call: close the stream.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, FrameTooLong> {
        let waiting = &self.buffer[self.start..self.end];
        let Some((prefix, rest)) = waiting.split_first_chunk::<LENGTH_BYTES>() else {
            return Ok(None);
        };
        let announced = u32::from_be_bytes(*prefix);
        let length = usize::try_from(announced)
            .ok()
            .filter(|length| *length <= MAX_FRAME)
            .ok_or(FrameTooLong { announced })?;
        if rest.len() < length {
            return Ok(None);
        }
        let first = self.start + LENGTH_BYTES;
        self.start = first + length;
        Ok(Some(&self.buffer[first..first + length]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives the bytes in pieces of the given sizes, then in one piece.
    struct Pieces<'a> {
        bytes: &'a [u8],
        sizes: std::vec::IntoIter<usize>,
    }

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let size = self
                .sizes
                .next()
                .unwrap_or(usize::MAX)
                .clamp(1, buffer.len())
                .min(self.bytes.len());
            let (now, later) = self.bytes.split_at(size);
            buffer[..size].copy_from_slice(now);
            self.bytes = later;
            Ok(size)
        }
    }

    fn decode(bytes: &[u8], sizes: Vec<usize>) -> Result<Vec<Vec<u8>>, FrameTooLong> {
        let mut source = Pieces {
            bytes,
            sizes: sizes.into_iter(),
        };
        let mut decoder = StreamDecoder::new();
        let mut frames = Vec::new();
        while decoder
            .read_from(&mut source)
            .expect("a slice does not fail")
            > 0
        {
            while let Some(frame) = decoder.next_frame()? {
                frames.push(frame.to_vec());
            }
        }
        Ok(frames)
    }

    fn encode(frames: &[Vec<u8>]) -> Vec<u8> {
        frames
            .iter()
            .flat_map(|frame| [&length_prefix(frame).expect("short")[..], frame].concat())
            .collect()
    }

    proptest! {
        #[test]
        fn frames_come_back_however_the_stream_is_cut(
            frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2000), 0..40),
            sizes in prop::collection::vec(1usize..5000, 0..200),
        ) {
            prop_assert_eq!(decode(&encode(&frames), sizes), Ok(frames));
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..10_000), sizes in prop::collection::vec(1usize..5000, 0..50)) {
            let _ = decode(&bytes, sizes);
        }

        #[test]
        fn small_lengths_in_random_bytes_are_survived(
            bytes in prop::collection::vec(prop_oneof![8 => Just(0u8), 1 => any::<u8>()], 0..10_000),
        ) {
            if let Ok(frames) = decode(&bytes, vec![]) {
                prop_assert!(frames.iter().map(|frame| frame.len() + LENGTH_BYTES).sum::<usize>() <= bytes.len());
            }
        }
    }

    #[test]
    fn the_longest_frames_pass_back_to_back() {
        let frames = vec![vec![7; MAX_FRAME]; 9];
        assert_eq!(decode(&encode(&frames), vec![5; 3]), Ok(frames));
    }

    #[test]
    fn one_byte_more_is_refused_and_stays_refused() {
        let mut decoder = StreamDecoder::new();
        let announced = u32::try_from(MAX_FRAME).expect("small") + 1;
        decoder
            .read_from(&mut &announced.to_be_bytes()[..])
            .expect("a slice does not fail");
        for _ in 0..2 {
            assert_eq!(decoder.next_frame(), Err(FrameTooLong { announced }));
        }
        assert_eq!(length_prefix(&vec![0; MAX_FRAME + 1]), None);
    }
}
