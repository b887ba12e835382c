//! A program's ELF, into frames.

use alloc::collections::BTreeMap;

use isthmus_abi::layout;
use object::Endianness;
use object::elf::{self, FileHeader64};
use object::read::elf::{FileHeader, ProgramHeader};

use crate::error::BadElf;
use crate::space::{Access, PAGE};
use crate::thread_locals::ThreadLocals;

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
        let end = start.saturating_add(length);
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
