//! Programs: checked against a component's address space, and stripped to what is loaded.

use isthmus_abi::{layout, limits};
use object::elf::{
    EM_AARCH64, EM_X86_64, ET_EXEC, FileHeader64, PF_W, PF_X, PT_DYNAMIC, PT_INTERP, PT_LOAD,
    PT_TLS, ProgramHeader64, SymbolSection,
};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};
use object::{Endianness, U16, U64};

use crate::{Arch, Problem};

pub(crate) type Header = FileHeader64<Endianness>;
pub(crate) type Segment = ProgramHeader64<Endianness>;
pub(crate) const LITTLE: Endianness = Endianness::Little;

/// A program as it goes into the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its GNU build id.
    pub build_id: Vec<u8>,
    /// Bytes of memory that it takes: whole pages.
    pub loaded_bytes: u64,
    /// The ELF file without anything that is not loaded.
    pub stripped: Vec<u8>,
}

impl Program {
    /// Checks that an ELF file can run as a component, and strips it.
    pub fn read(elf: &[u8], arch: Arch) -> Result<Self, Problem> {
        let (header, segments) = parse(elf, arch)?;
        let loaded_bytes = check_segments(header, segments)?;
        check_thread_locals(segments)?;
        let build_id = build_id(elf, header)?;
        Ok(Self {
            build_id,
            loaded_bytes,
            stripped: strip(elf, arch)?,
        })
    }
}

/// Header and segments of a static program.
pub(crate) fn parse(elf: &[u8], arch: Arch) -> Result<(&Header, &[Segment]), Problem> {
    let header = Header::parse(elf).map_err(not_elf)?;
    let machine = match arch {
        Arch::X86_64 => EM_X86_64,
        Arch::Aarch64 => EM_AARCH64,
    };
    if header.endian().map_err(not_elf)? != LITTLE || header.e_machine(LITTLE) != machine {
        return Err(Problem::WrongArch(arch.name()));
    }
    let segments = header.program_headers(LITTLE, elf).map_err(not_elf)?;
    let dynamic = |s: &Segment| [PT_DYNAMIC, PT_INTERP].contains(&s.p_type(LITTLE));
    if header.e_type(LITTLE) != ET_EXEC || segments.iter().any(dynamic) {
        return Err(Problem::NotStatic);
    }
    Ok((header, segments))
}

fn not_elf(error: object::read::Error) -> Problem {
    Problem::NotElf(error.to_string())
}

pub(crate) fn is_loaded(segment: &&Segment) -> bool {
    segment.p_type(LITTLE) == PT_LOAD && segment.p_memsz(LITTLE) > 0
}

fn pages(segment: &Segment) -> (u64, u64) {
    let start = segment.p_vaddr(LITTLE);
    let end = start.saturating_add(segment.p_memsz(LITTLE));
    (start / layout::PAGE_BYTES, end.div_ceil(layout::PAGE_BYTES))
}

/// Checks what is loaded, and tells what it takes.
fn check_segments(header: &Header, segments: &[Segment]) -> Result<u64, Problem> {
    let loaded: Vec<&Segment> = segments.iter().filter(is_loaded).collect();
    if loaded.is_empty() {
        return Err(Problem::Empty);
    }
    let mut total = 0;
    for (i, segment) in loaded.iter().enumerate() {
        let start = segment.p_vaddr(LITTLE);
        let (first, end) = pages(segment);
        if start < layout::PROGRAM || end > layout::PROGRAM_END / layout::PAGE_BYTES {
            return Err(Problem::OutOfPlace(start));
        }
        let rights = segment.p_flags(LITTLE);
        if rights & (PF_W | PF_X) == PF_W | PF_X {
            return Err(Problem::WritableCode(start));
        }
        for other in &loaded[..i] {
            let (other_first, other_end) = pages(other);
            if first < other_end && other_first < end && rights != other.p_flags(LITTLE) {
                return Err(Problem::SharedPage(
                    first.max(other_first) * layout::PAGE_BYTES,
                ));
            }
        }
        total += (end - first) * layout::PAGE_BYTES;
    }
    if total > limits::PROGRAM_BYTES {
        return Err(Problem::TooLarge(total >> 10));
    }
    let entry = header.e_entry(LITTLE);
    let holds_entry = |s: &&Segment| {
        s.p_flags(LITTLE) & PF_X == PF_X
            && entry.wrapping_sub(s.p_vaddr(LITTLE)) < s.p_memsz(LITTLE)
    };
    if loaded.iter().any(holds_entry) {
        Ok(total)
    } else {
        Err(Problem::NoEntry(entry))
    }
}

/// Thread-locals share a thread's block with the IPC buffer, from its end on; x86_64 needs the word that points to itself.
fn check_thread_locals(segments: &[Segment]) -> Result<(), Problem> {
    const SELF_POINTER_BYTES: u64 = 8;
    let room = layout::THREAD_BLOCK_BYTES - layout::IPC_BUFFER_BYTES - SELF_POINTER_BYTES;
    for segment in segments.iter().filter(|s| s.p_type(LITTLE) == PT_TLS) {
        let (size, align) = (segment.p_memsz(LITTLE), segment.p_align(LITTLE).max(1));
        if align > layout::IPC_BUFFER_BYTES
            || size
                .checked_next_multiple_of(align)
                .is_none_or(|size| size > room)
        {
            return Err(Problem::ThreadLocals(size, align));
        }
    }
    Ok(())
}

fn build_id(elf: &[u8], header: &Header) -> Result<Vec<u8>, Problem> {
    let sections = header.section_headers(LITTLE, elf).map_err(not_elf)?;
    for section in sections.iter() {
        let Some(mut notes) = section.notes(LITTLE, elf).map_err(not_elf)? else {
            continue;
        };
        while let Some(note) = notes.next().map_err(not_elf)? {
            if note.name() == object::elf::ELF_NOTE_GNU
                && note.n_type(LITTLE) == object::elf::NT_GNU_BUILD_ID
            {
                return Ok(note.desc().to_vec());
            }
        }
    }
    Err(Problem::NoBuildId)
}

/// Only what is loaded, and the thread-locals' template, which lies in it. Offsets keep their place in the page, as ELF
/// wants it.
pub(crate) fn strip(elf: &[u8], arch: Arch) -> Result<Vec<u8>, Problem> {
    let (header, segments) = parse(elf, arch)?;
    let kept: Vec<&Segment> = segments
        .iter()
        .filter(|s| is_loaded(s) || s.p_type(LITTLE) == PT_TLS)
        .collect();
    let mut file = vec![0; size_of::<Header>() + kept.len() * size_of::<Segment>()];
    let mut moved: Vec<Segment> = Vec::new();
    for segment in kept.iter().filter(|s| is_loaded(s)) {
        let data = segment
            .data(LITTLE, elf)
            .map_err(|()| Problem::NotElf("a segment lies outside the file".into()))?;
        if data.len() as u64 > segment.p_memsz(LITTLE) {
            return Err(Problem::NotElf(
                "a segment has more bytes in the file than in memory".into(),
            ));
        }
        let in_page = (segment.p_vaddr(LITTLE) % layout::PAGE_BYTES) as usize;
        let page = layout::PAGE_BYTES as usize;
        let offset = (file.len() + page - in_page).next_multiple_of(page) - page + in_page;
        let offset = if offset < file.len() {
            offset + page
        } else {
            offset
        };
        file.resize(offset, 0);
        file.extend_from_slice(data);
        moved.push(at_offset(segment, offset as u64));
    }
    for tls in kept.iter().filter(|s| s.p_type(LITTLE) == PT_TLS) {
        let address = tls.p_vaddr(LITTLE);
        let holds = |s: &&Segment| {
            let into = address.wrapping_sub(s.p_vaddr(LITTLE));
            into.checked_add(tls.p_filesz(LITTLE))
                .is_some_and(|end| end <= s.p_filesz(LITTLE))
        };
        let offset = match moved.iter().find(holds) {
            Some(load) => load.p_offset(LITTLE) + (address - load.p_vaddr(LITTLE)),
            None if tls.p_filesz(LITTLE) == 0 => 0,
            None => {
                return Err(Problem::NotElf(
                    "the thread-locals' template is not loaded".into(),
                ));
            }
        };
        moved.push(at_offset(tls, offset));
    }
    let mut header = *header;
    header.e_phoff = U64::new(LITTLE, size_of::<Header>() as u64);
    header.e_phnum = U16::new(LITTLE, moved.len() as u16);
    header.e_shoff = U64::new(LITTLE, 0);
    header.e_shnum = U16::new(LITTLE, 0);
    header.e_shstrndx = U16::new(LITTLE, SymbolSection(0));
    put(&mut file, 0, object::bytes_of(&header));
    put(
        &mut file,
        size_of::<Header>(),
        object::bytes_of_slice(&moved),
    );
    Ok(file)
}

fn at_offset(segment: &Segment, offset: u64) -> Segment {
    let mut moved = *segment;
    moved.p_offset = U64::new(LITTLE, offset);
    moved
}

pub(crate) fn put(file: &mut [u8], at: usize, bytes: &[u8]) {
    file[at..at + bytes.len()].copy_from_slice(bytes);
}
