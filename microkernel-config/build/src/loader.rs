//! Puts kernel and root task into the boot loader's payload: one ELF file for QEMU's `-kernel`, without compiling anything again.
//!
//! The loader's last segment is its payload area. Here both ELF files are flattened into images, and the area's program header is
//! pointed at them, appended to the file. The format is `loader_aarch64::payload`, the same code on both sides.

use loader_aarch64::payload::{
    EMPTY, Header, LOADER_START, MEMORY_REGION_BYTES, MEMORY_START, PAGE, round_up,
};
use loader_aarch64::tables::KERNEL_BASE;
use object::elf::{EM_AARCH64, FileHeader64, PT_LOAD, ProgramHeader64};
use object::read::elf::{FileHeader, ProgramHeader, Sym};
use object::{Endianness, U64};

use crate::Error;

type Elf = FileHeader64<Endianness>;

/// The kernel's variable that tells it how much memory there is.
const MEMORY_SYMBOL: &[u8] = b"avail_p_regs";
/// Where the payload starts in the file: QEMU does not mind, but a page boundary can be found again.
const FILE_ALIGNMENT: usize = PAGE as usize;

/// Makes one bootable file from the loader, the kernel and the root task, each an ELF file for aarch64.
pub fn assemble(
    loader_elf: &[u8],
    kernel_elf: &[u8],
    root_task_elf: &[u8],
) -> Result<Vec<u8>, Error> {
    let kernel = kernel_image(kernel_elf).map_err(blame("the kernel"))?;
    let user = Image::flatten(root_task_elf).map_err(blame("the root task"))?;
    let room = LOADER_START - MEMORY_START;
    if round_up(kernel.image.size) + round_up(user.size) > room {
        let reason = format!(
            "it needs {} MiB, and there are {} MiB below the loader",
            user.size >> 20,
            room >> 20
        );
        return Err(Error::Elf {
            what: "the root task",
            reason,
        });
    }
    let mut header = Header {
        kernel_length: kernel.image.bytes.len() as u64,
        kernel_size: kernel.image.size,
        kernel_entry: kernel.image.entry,
        memory_region: kernel.memory_region,
        user_length: user.bytes.len() as u64,
        user_size: round_up(user.size),
        user_start: user.start,
        user_entry: user.entry,
        total_length: 0,
    };
    header.total_length = header.user_image_start() + round_up(header.user_length);
    let mut payload = vec![0; header.total_length as usize];
    for (start, bytes) in [
        (header.kernel_start(), &kernel.image.bytes),
        (header.user_image_start(), &user.bytes),
    ] {
        payload[start as usize..][..bytes.len()].copy_from_slice(bytes);
    }
    header.write(&mut payload);
    fill(loader_elf, &payload).map_err(blame("the boot loader"))
}

fn blame(what: &'static str) -> impl FnOnce(String) -> Error {
    move |reason| Error::Elf { what, reason }
}

/// An ELF file's segments, in one piece.
struct Image {
    /// Virtual address of the first byte: a page boundary.
    start: u64,
    /// Virtual address of the first instruction.
    entry: u64,
    /// What the file holds.
    bytes: Vec<u8>,
    /// What it takes in memory.
    size: u64,
}

impl Image {
    fn flatten(elf: &[u8]) -> Result<Image, String> {
        let (header, segments) = parse(elf)?;
        let loads = || {
            segments
                .iter()
                .filter(|segment| segment.p_type(E) == PT_LOAD && segment.p_memsz(E) > 0)
        };
        let start = loads()
            .map(|segment| segment.p_vaddr(E))
            .min()
            .ok_or("it has nothing to load")?
            / PAGE
            * PAGE;
        let mut image = Image {
            start,
            entry: header.e_entry(E),
            bytes: Vec::new(),
            size: 0,
        };
        for segment in loads() {
            let offset = segment.p_vaddr(E) - start;
            let data = segment
                .data(E, elf)
                .map_err(|()| "a segment lies outside the file")?;
            let size = segment.p_memsz(E);
            let end = offset
                .checked_add(size)
                .filter(|end| *end <= LOADER_START - MEMORY_START);
            let end = end.ok_or("it is too large, or its segments are too far apart")?;
            if data.len() as u64 > size {
                return Err("a segment has more bytes in the file than in memory".to_owned());
            }
            let (from, to) = (offset as usize, offset as usize + data.len());
            if image.bytes.len() < to {
                image.bytes.resize(to, 0);
            }
            image.bytes[from..to].copy_from_slice(data);
            image.size = image.size.max(end);
        }
        if !(start..start + image.size).contains(&image.entry) {
            return Err("its entry point is outside what is loaded".to_owned());
        }
        Ok(image)
    }
}

/// The kernel's image, and where in it the loader writes the memory's size.
struct KernelImage {
    image: Image,
    memory_region: u64,
}

fn kernel_image(elf: &[u8]) -> Result<KernelImage, String> {
    let image = Image::flatten(elf)?;
    if image.start != KERNEL_BASE {
        return Err(format!(
            "it is linked at {:#x}, and the loader enters it at {KERNEL_BASE:#x}",
            image.start
        ));
    }
    let (header, _) = parse(elf)?;
    let sections = header.sections(E, elf).map_err(text)?;
    let symbols = sections
        .symbols(E, elf, object::elf::SHT_SYMTAB)
        .map_err(text)?;
    let symbol = symbols
        .iter()
        .find(|symbol| symbol.name(E, symbols.strings()) == Ok(MEMORY_SYMBOL))
        .ok_or(
            "it has no symbol avail_p_regs: it is stripped, or not built for the platform virt",
        )?;
    if symbol.st_size(E) != MEMORY_REGION_BYTES {
        return Err("its avail_p_regs is not one region".to_owned());
    }
    let memory_region = symbol.st_value(E).wrapping_sub(image.start);
    if memory_region.saturating_add(MEMORY_REGION_BYTES) > image.bytes.len() as u64 {
        return Err("its avail_p_regs is not in the image".to_owned());
    }
    Ok(KernelImage {
        image,
        memory_region,
    })
}

/// Appends the payload to the loader's file and points the last segment at it.
fn fill(loader: &[u8], payload: &[u8]) -> Result<Vec<u8>, String> {
    let (header, segments) = parse(loader)?;
    let index = segments
        .iter()
        .rposition(|segment| segment.p_type(E) == PT_LOAD)
        .ok_or("it has nothing to load")?;
    let area = segments[index]
        .data(E, loader)
        .map_err(|()| "its last segment lies outside the file")?;
    if !area.starts_with(&EMPTY.to_le_bytes()) {
        return Err("its last segment is not an empty payload area".to_owned());
    }
    let mut file = loader.to_vec();
    file.resize(loader.len().next_multiple_of(FILE_ALIGNMENT), 0);
    let mut segment = segments[index];
    segment.p_offset = U64::new(E, file.len() as u64);
    segment.p_filesz = U64::new(E, payload.len() as u64);
    segment.p_memsz = segment.p_filesz;
    segment.p_align = U64::new(E, PAGE);
    file.extend_from_slice(payload);
    let at = header.e_phoff(E) as usize + index * size_of::<ProgramHeader64<Endianness>>();
    let bytes = object::bytes_of(&segment);
    file.get_mut(at..at + bytes.len())
        .ok_or("its program headers lie outside the file")?
        .copy_from_slice(bytes);
    Ok(file)
}

const E: Endianness = Endianness::Little;

fn parse(elf: &[u8]) -> Result<(&Elf, &[ProgramHeader64<Endianness>]), String> {
    let header = Elf::parse(elf).map_err(text)?;
    if header.endian().map_err(text)? != E || header.e_machine(E) != EM_AARCH64 {
        return Err("it is not an ELF file for aarch64".to_owned());
    }
    Ok((header, header.program_headers(E, elf).map_err(text)?))
}

fn text(error: object::read::Error) -> String {
    error.to_string()
}
