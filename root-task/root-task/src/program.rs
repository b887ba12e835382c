//! A program's ELF, into frames.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use isthmus_abi::layout;
use object::Endianness;
use object::elf::{self, FileHeader64};
use object::read::elf::{FileHeader, ProgramHeader};

use crate::error::BadElf;
use crate::space::{Access, PAGE};

#[cfg(target_arch = "aarch64")]
const MACHINE: elf::Machine = elf::EM_AARCH64;
#[cfg(target_arch = "x86_64")]
const MACHINE: elf::Machine = elf::EM_X86_64;

type Result<T> = core::result::Result<T, BadElf>;

/// A program as it is going to lie in memory.
pub struct Program<'a> {
    /// Its first instruction.
    pub entry: u64,
    /// Its pages, by address.
    pub pages: BTreeMap<u64, Page<'a>>,
    /// Its thread-locals.
    pub thread_locals: ThreadLocals<'a>,
}

/// One page of a program.
pub struct Page<'a> {
    /// What it may be used for.
    pub access: Access,
    /// Where in it the file's bytes go; the rest is zero.
    pub offset: usize,
    /// The file's bytes.
    pub bytes: &'a [u8],
}

/// The initial image of a program's thread-local storage.
#[derive(Clone, Copy, Default)]
pub struct ThreadLocals<'a> {
    /// Its first bytes; the rest is zero.
    pub bytes: &'a [u8],
    /// All of its bytes.
    pub length: u64,
    /// Its alignment.
    pub align: u64,
}

impl<'a> Program<'a> {
    /// Reads an ELF, and checks that it is where a program may be.
    pub fn read(file: &'a [u8]) -> Result<Self> {
        let header =
            FileHeader64::<Endianness>::parse(file).map_err(|_| BadElf::NotForThisMachine)?;
        let endian = header.endian().map_err(|_| BadElf::NotForThisMachine)?;
        if header.e_machine(endian) != MACHINE || endian != Endianness::Little {
            return Err(BadElf::NotForThisMachine);
        }
        let headers = header
            .program_headers(endian, file)
            .map_err(|_| BadElf::CutOff)?;
        let mut program = Self {
            entry: header.e_entry(endian),
            pages: BTreeMap::new(),
            thread_locals: ThreadLocals::default(),
        };
        for segment in headers {
            match segment.p_type(endian) {
                elf::PT_LOAD => {
                    let bytes = segment.data(endian, file).map_err(|()| BadElf::CutOff)?;
                    program.load(
                        segment.p_vaddr(endian),
                        segment.p_memsz(endian),
                        access(segment.p_flags(endian)),
                        bytes,
                    )?;
                }
                elf::PT_TLS => {
                    program.thread_locals = ThreadLocals {
                        bytes: segment.data(endian, file).map_err(|()| BadElf::CutOff)?,
                        length: segment.p_memsz(endian),
                        align: segment.p_align(endian).max(1),
                    };
                }
                _ => {}
            }
        }
        Ok(program)
    }

    fn load(&mut self, start: u64, length: u64, access: Access, bytes: &'a [u8]) -> Result<()> {
        if length == 0 {
            return Ok(());
        }
        let end = start.checked_add(length).unwrap_or(u64::MAX);
        if start < layout::PROGRAM || end > layout::PROGRAM_END {
            return Err(BadElf::OutOfPlace { start, end });
        }
        let mut bytes = bytes;
        let mut page = start / PAGE * PAGE;
        while page < end {
            let offset = start.saturating_sub(page) as usize;
            let (now, later) = bytes.split_at(bytes.len().min(PAGE as usize - offset));
            bytes = later;
            let new = Page {
                access,
                offset,
                bytes: now,
            };
            if self.pages.insert(page, new).is_some() {
                return Err(BadElf::Overlap(page));
            }
            page += PAGE;
        }
        Ok(())
    }
}

fn access(flags: elf::ProgramFlags) -> Access {
    if flags.contains(elf::PF_W) {
        Access::Write
    } else if flags.contains(elf::PF_X) {
        Access::Execute
    } else {
        Access::Read
    }
}

/// Where a thread's thread-locals lie in its block, and what the thread register holds.
pub struct ThreadBlock {
    /// What is written into the block, from this byte of it on.
    pub offset: u64,
    /// x86_64: the FS base. The word there holds this same value, as the compiler's code expects.
    pub thread_pointer: u64,
}

impl ThreadLocals<'_> {
    /// Places them in the thread block at `block`, behind the IPC buffer.
    pub fn place(&self, block: u64) -> Result<ThreadBlock> {
        let room = layout::THREAD_BLOCK_BYTES - layout::IPC_BUFFER_BYTES;
        let length = self
            .length
            .checked_next_multiple_of(self.align)
            .filter(|&n| n <= room);
        let needed = BadElf::ThreadLocals {
            needed: self.length,
            room,
        };
        let length = length.ok_or(needed)?;
        #[cfg(target_arch = "aarch64")]
        {
            // Variant 1 of the ELF ABI: behind the thread pointer, which is the IPC buffer's address; the linker leaves 16 bytes, rounded up
            // to the alignment.
            let _ = length;
            let offset = 16_u64.next_multiple_of(self.align);
            let fits = self.length == 0
                || (offset >= layout::IPC_BUFFER_BYTES
                    && offset + self.length <= layout::THREAD_BLOCK_BYTES);
            if !fits {
                return Err(needed);
            }
            Ok(ThreadBlock {
                offset,
                thread_pointer: block,
            })
        }
        #[cfg(target_arch = "x86_64")]
        {
            // Variant 2: they end where the thread pointer points, and there lies the pointer itself.
            let start = (block + layout::IPC_BUFFER_BYTES).next_multiple_of(self.align);
            let thread_pointer = start + length;
            if thread_pointer + 8 > block + layout::THREAD_BLOCK_BYTES {
                return Err(needed);
            }
            Ok(ThreadBlock {
                offset: start - block,
                thread_pointer,
            })
        }
    }

    /// The block's bytes behind its IPC buffer, as they are at the start: from [`ThreadBlock::offset`] on.
    pub fn image(&self, block: &ThreadBlock) -> Vec<u8> {
        let mut image = Vec::from(self.bytes);
        #[cfg(target_arch = "x86_64")]
        {
            let within = block.thread_pointer % layout::THREAD_BLOCK_STRIDE - block.offset;
            image.resize(within as usize, 0);
            image.extend(block.thread_pointer.to_le_bytes());
        }
        #[cfg(target_arch = "aarch64")]
        let _ = block;
        image
    }
}

const _: () = assert!(layout::THREAD_BLOCKS.is_multiple_of(layout::THREAD_BLOCK_STRIDE));
