//! The payload: a header, the kernel's image, the root task's image. The host flattens both ELF files, so that the loader only copies.
//!
//! The header is [`Header::WORDS`] little-endian 64-bit words; then the kernel's bytes, then the root task's, each padded to [`PAGE`].

use crate::{Fault, Region};

/// The start of main memory on QEMU virt, and the kernel's physical base.
pub const MEMORY_START: u64 = 0x4000_0000;
/// Where the loader itself is linked (`loader.ld`): what it places must end below.
pub const LOADER_START: u64 = 0x4800_0000;
/// Images are placed in whole pages of this many bytes.
pub const PAGE: u64 = 4096;
/// Marks a filled payload, and the version of its format.
pub const MAGIC: u64 = u64::from_le_bytes(*b"isthmus1");
/// Marks the payload area of a loader that nobody has filled yet.
pub const EMPTY: u64 = u64::from_le_bytes(*b"isthmus0");
/// Bytes of the kernel's `avail_p_regs`: one region, start and end.
pub const MEMORY_REGION_BYTES: u64 = 16;

/// What the payload says of itself. Lengths and sizes are bytes; a length is what the payload holds, a size what it needs in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Of the whole payload, header included.
    pub total_length: u64,
    /// The kernel's image in the payload.
    pub kernel_length: u64,
    /// The kernel in memory, from [`MEMORY_START`].
    pub kernel_size: u64,
    /// Where the kernel is entered, virtual.
    pub kernel_entry: u64,
    /// Where in the kernel's image the memory region lies that the kernel is told.
    pub memory_region: u64,
    /// The root task's image in the payload.
    pub user_length: u64,
    /// The root task in memory: whole pages.
    pub user_size: u64,
    /// The root task's first page, virtual.
    pub user_start: u64,
    /// Where the root task is entered, virtual.
    pub user_entry: u64,
}

/// What the kernel is told, and where its parts lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The root task's physical pages.
    pub user: Region,
    /// Physical minus virtual address of the root task, wrapping.
    pub offset: u64,
}

impl Header {
    /// Magic, checksum, and one word for each field.
    pub const WORDS: usize = 11;
    /// The header's length in bytes.
    pub const LENGTH: u64 = Self::WORDS as u64 * 8;

    /// Where the kernel's image begins in the payload.
    pub fn kernel_start(&self) -> u64 {
        PAGE
    }

    /// Where the root task's image begins in the payload.
    pub fn user_image_start(&self) -> u64 {
        PAGE + round_up(self.kernel_length)
    }

    fn fields(&self) -> [u64; Self::WORDS - 2] {
        [
            self.total_length,
            self.kernel_length,
            self.kernel_size,
            self.kernel_entry,
            self.memory_region,
            self.user_length,
            self.user_size,
            self.user_start,
            self.user_entry,
        ]
    }

    /// Writes the header into a payload whose images are already in their places. `payload` is `total_length` long.
    pub fn write(&self, payload: &mut [u8]) {
        for (i, field) in self.fields().iter().enumerate() {
            set_word(payload, i + 2, *field);
        }
        set_word(payload, 0, MAGIC);
        let sum = checksum(payload);
        set_word(payload, 1, sum);
    }

    /// Reads how long the payload is, from its first [`Header::LENGTH`] bytes.
    pub fn length(start: &[u8]) -> Result<u64, Fault> {
        match word(start, 0) {
            Some(MAGIC) => {}
            Some(EMPTY) => return Err(Fault::EmptyPayload),
            _ => return Err(Fault::PayloadHeader),
        }
        word(start, 2)
            .filter(|length| *length >= PAGE)
            .ok_or(Fault::PayloadHeader)
    }

    /// Reads and checks the header of a whole payload.
    pub fn read(payload: &[u8]) -> Result<Header, Fault> {
        let length = Self::length(payload)?;
        if length != payload.len() as u64 || !length.is_multiple_of(PAGE) {
            return Err(Fault::PayloadHeader);
        }
        if word(payload, 1) != Some(checksum(payload)) {
            return Err(Fault::PayloadChecksum);
        }
        let field = |i: usize| word(payload, i + 2).ok_or(Fault::PayloadHeader);
        let header = Header {
            total_length: field(0)?,
            kernel_length: field(1)?,
            kernel_size: field(2)?,
            kernel_entry: field(3)?,
            memory_region: field(4)?,
            user_length: field(5)?,
            user_size: field(6)?,
            user_start: field(7)?,
            user_entry: field(8)?,
        };
        header.check()?;
        Ok(header)
    }

    /// Everything that the loader relies on when it copies.
    fn check(&self) -> Result<(), Fault> {
        let room = LOADER_START - MEMORY_START;
        let sane = self.kernel_length <= self.kernel_size
            && self.user_length <= self.user_size
            && self.kernel_size <= room
            && self.user_size <= room
            && self.user_size.is_multiple_of(PAGE)
            && self.user_start.is_multiple_of(PAGE)
            && self.memory_region.is_multiple_of(8)
            && self.memory_region.saturating_add(MEMORY_REGION_BYTES) <= self.kernel_length
            && self.user_image_start() + round_up(self.user_length) == self.total_length;
        if sane {
            Ok(())
        } else {
            Err(Fault::PayloadHeader)
        }
    }

    /// Where the root task goes, when `memory` is what the machine has and `payload_end` where the payload ends in it.
    pub fn place(&self, memory: Region, payload_end: u64) -> Result<Placement, Fault> {
        let start = round_up(MEMORY_START + self.kernel_size);
        let user = Region {
            start,
            end: start + self.user_size,
        };
        if user.end > LOADER_START {
            return Err(Fault::DoesNotFit { needed_mib: 0 });
        }
        if payload_end > memory.end {
            return Err(Fault::DoesNotFit {
                needed_mib: (payload_end - MEMORY_START).div_ceil(1 << 20),
            });
        }
        Ok(Placement {
            user,
            offset: user.start.wrapping_sub(self.user_start),
        })
    }
}

/// Up to whole pages.
pub const fn round_up(bytes: u64) -> u64 {
    bytes.next_multiple_of(PAGE)
}

/// Over everything but the checksum's own word. Word by word, for the loader runs without caches: FNV-1a's steps on 64-bit words.
fn checksum(payload: &[u8]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let (words, _) = payload.as_chunks::<8>();
    let mut sum = OFFSET;
    for (i, bytes) in words.iter().enumerate() {
        if i != 1 {
            sum = (sum ^ u64::from_le_bytes(*bytes)).wrapping_mul(PRIME);
        }
    }
    sum
}

fn word(bytes: &[u8], index: usize) -> Option<u64> {
    bytes
        .as_chunks::<8>()
        .0
        .get(index)
        .map(|bytes| u64::from_le_bytes(*bytes))
}

/// `payload` is at least a header long: the host sizes it.
fn set_word(payload: &mut [u8], index: usize, value: u64) {
    payload[index * 8..(index + 1) * 8].copy_from_slice(&value.to_le_bytes());
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec;
    use std::vec::Vec;

    fn example() -> (Header, Vec<u8>) {
        let header = Header {
            total_length: 4 * PAGE,
            kernel_length: 5000,
            kernel_size: 70_000,
            kernel_entry: 0xffff_ff80_0000_0000,
            memory_region: 16,
            user_length: 100,
            user_size: 2 * PAGE,
            user_start: 0x20_0000,
            user_entry: 0x20_0040,
        };
        let mut payload = vec![7; header.total_length as usize];
        header.write(&mut payload);
        (header, payload)
    }

    #[test]
    fn what_is_written_is_read() {
        let (header, payload) = example();
        assert_eq!(Header::read(&payload), Ok(header));
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let (_, payload) = example();
        for at in (0..payload.len())
            .step_by(97)
            .chain(0..Header::LENGTH as usize)
        {
            let mut broken = payload.clone();
            broken[at] ^= 0x10;
            assert!(Header::read(&broken).is_err(), "byte {at}");
        }
        assert_eq!(
            Header::read(&payload[..payload.len() - 4096]),
            Err(Fault::PayloadHeader)
        );
        assert_eq!(Header::read(&[]), Err(Fault::PayloadHeader));
    }

    #[test]
    fn an_empty_area_says_so() {
        assert_eq!(Header::read(&EMPTY.to_le_bytes()), Err(Fault::EmptyPayload));
    }

    #[test]
    fn nonsense_with_a_right_checksum_is_refused() {
        let (header, mut payload) = example();
        let bad = [
            Header {
                kernel_length: header.kernel_size + 1,
                ..header
            },
            Header {
                user_length: header.user_size + 1,
                ..header
            },
            Header {
                memory_region: header.kernel_length - 8,
                ..header
            },
            Header {
                memory_region: u64::MAX - 7,
                ..header
            },
            Header {
                user_start: 1,
                ..header
            },
            Header {
                user_size: !4095,
                ..header
            },
            Header {
                user_length: 2 * PAGE,
                ..header
            },
        ];
        for header in bad {
            header.write(&mut payload);
            assert_eq!(
                Header::read(&payload),
                Err(Fault::PayloadHeader),
                "{header:?}"
            );
        }
    }

    #[test]
    fn the_root_task_lies_above_the_kernel_and_below_the_loader() {
        let (header, _) = example();
        let memory = Region {
            start: MEMORY_START,
            end: MEMORY_START + (256 << 20),
        };
        let placed = header.place(memory, LOADER_START + 100_000).expect("fits");
        assert_eq!(placed.user.start, MEMORY_START + 73_728);
        assert_eq!(placed.user.end - placed.user.start, header.user_size);
        assert_eq!(
            placed.offset.wrapping_add(header.user_start),
            placed.user.start
        );

        let large = Header {
            user_size: LOADER_START - MEMORY_START,
            ..header
        };
        assert_eq!(
            large.place(memory, LOADER_START),
            Err(Fault::DoesNotFit { needed_mib: 0 })
        );
        let end = memory.end + 1;
        assert_eq!(
            header.place(memory, end),
            Err(Fault::DoesNotFit { needed_mib: 257 })
        );
    }
}
