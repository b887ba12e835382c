//! The root task's last segment is where the boot archive goes.

use isthmus_abi::layout::PAGE_BYTES;
use isthmus_plan::archive;
use object::U64;

use crate::elf::{Header, LITTLE, Segment, is_loaded, parse, put, strip};
use crate::{Arch, Problem};

/// Strips the root task and puts the archive into its last segment.
///
/// The segment was linked page-aligned, above everything else, and holds the archive's magic and length 0: so that an ELF
/// without such a segment, or one that was filled already, is noticed.
pub(crate) fn fill(elf: &[u8], arch: Arch, archive: &[u8]) -> Result<Vec<u8>, Problem> {
    let mut file = strip(elf, arch)?;
    let (_, segments) = parse(&file, arch)?;
    let loaded = segments.iter().enumerate().filter(|(_, s)| is_loaded(s));
    let (index, segment) = loaded
        .max_by_key(|(_, s)| object::read::elf::ProgramHeader::p_vaddr(*s, LITTLE))
        .ok_or(Problem::Empty)?;
    let mut segment = *segment;
    check_empty(&file, &segment)?;
    file.resize(file.len().next_multiple_of(PAGE_BYTES as usize), 0);
    segment.p_offset = U64::new(LITTLE, file.len() as u64);
    segment.p_filesz = U64::new(LITTLE, archive.len() as u64);
    segment.p_memsz = segment.p_filesz;
    file.extend_from_slice(archive);
    put(
        &mut file,
        size_of::<Header>() + index * size_of::<Segment>(),
        object::bytes_of(&segment),
    );
    Ok(file)
}

fn check_empty(file: &[u8], segment: &Segment) -> Result<(), Problem> {
    use object::read::elf::ProgramHeader;
    let data = segment
        .data(LITTLE, file)
        .map_err(|()| Problem::NoArchiveSegment)?;
    let aligned = segment.p_vaddr(LITTLE).is_multiple_of(PAGE_BYTES);
    match archive::Archive::stated_length(data) {
        Ok(0) if aligned => Ok(()),
        _ => Err(Problem::NoArchiveSegment),
    }
}
