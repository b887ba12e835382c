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

#[cfg(test)]
mod tests {
    use super::*;

    /// One segment of a made-up ELF file: virtual address, bytes, size in memory.
    struct Segment(u64, Vec<u8>, u64);

    const HEADER: usize = 64;
    const PROGRAM_HEADER: usize = 56;
    const SECTION_HEADER: usize = 64;
    const SYMBOL: usize = 24;

    fn put(file: &mut [u8], at: usize, value: u64, bytes: usize) {
        file[at..at + bytes].copy_from_slice(&value.to_le_bytes()[..bytes]);
    }

    /// An ELF file for aarch64 with these segments and, if given, the symbol `avail_p_regs` (value, size). ELF-64 Object File Format 1.5.
    fn elf(entry: u64, segments: &[Segment], symbol: Option<(u64, u64)>) -> Vec<u8> {
        let mut file = vec![0; HEADER + segments.len() * PROGRAM_HEADER];
        file[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        for (at, value, bytes) in [
            (16, 2, 2),
            (18, u64::from(EM_AARCH64.0), 2),
            (20, 1, 4),
            (24, entry, 8),
            (32, 64, 8),
        ] {
            put(&mut file, at, value, bytes);
        }
        for (at, value) in [
            (52, HEADER),
            (54, PROGRAM_HEADER),
            (56, segments.len()),
            (58, SECTION_HEADER),
        ] {
            put(&mut file, at, value as u64, 2);
        }
        for (i, Segment(address, bytes, size)) in segments.iter().enumerate() {
            let at = HEADER + i * PROGRAM_HEADER;
            let offset = file.len() as u64;
            put(&mut file, at, u64::from(PT_LOAD.0), 4);
            let fields = [offset, *address, *address, bytes.len() as u64, *size, PAGE];
            fields
                .iter()
                .enumerate()
                .for_each(|(n, value)| put(&mut file, at + 8 + n * 8, *value, 8));
            file.extend_from_slice(bytes);
        }
        if let Some((value, size)) = symbol {
            let strings = file.len();
            file.extend_from_slice(b"\0avail_p_regs\0");
            let symbols = file.len();
            file.resize(symbols + 2 * SYMBOL, 0);
            put(&mut file, symbols + SYMBOL, 1, 4);
            put(&mut file, symbols + SYMBOL + 8, value, 8);
            put(&mut file, symbols + SYMBOL + 16, size, 8);
            let sections = file.len();
            file.resize(sections + 3 * SECTION_HEADER, 0);
            // Type, offset, size, link, entry size: of the symbols (1) and their names (2).
            let table = sections + SECTION_HEADER;
            for (at, value, bytes) in [
                (4, 2, 4),
                (24, symbols, 8),
                (32, 2 * SYMBOL, 8),
                (40, 2, 4),
                (56, SYMBOL, 8),
            ] {
                put(&mut file, table + at, value as u64, bytes);
            }
            let names = table + SECTION_HEADER;
            for (at, value, bytes) in [(4, 3, 4), (24, strings, 8), (32, 14, 8)] {
                put(&mut file, names + at, value as u64, bytes);
            }
            put(&mut file, 40, sections as u64, 8);
            put(&mut file, 60, 3, 2);
            put(&mut file, 62, 2, 2);
        }
        file
    }

    fn loader() -> Vec<u8> {
        let area = Segment(LOADER_START + 0x1_0000, EMPTY.to_le_bytes().to_vec(), 8);
        elf(
            LOADER_START,
            &[Segment(LOADER_START, vec![1; 100], 200), area],
            None,
        )
    }

    fn kernel(symbol: Option<(u64, u64)>) -> Vec<u8> {
        elf(
            KERNEL_BASE,
            &[Segment(KERNEL_BASE, vec![2; 6000], 0x3_0000)],
            symbol,
        )
    }

    const SYMBOL_IN_KERNEL: Option<(u64, u64)> = Some((KERNEL_BASE + 0x100, MEMORY_REGION_BYTES));

    fn root_task() -> Vec<u8> {
        elf(
            0x20_1004,
            &[
                Segment(0x20_0010, vec![3; 20], 20),
                Segment(0x20_1000, vec![4; 8], 0x2000),
            ],
            None,
        )
    }

    fn reason(result: Result<Vec<u8>, Error>) -> (&'static str, String) {
        match result {
            Err(Error::Elf { what, reason }) => (what, reason),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn everything_arrives_where_the_loader_looks_for_it() {
        let file = assemble(&loader(), &kernel(SYMBOL_IN_KERNEL), &root_task()).expect("fits");
        let (_, segments) = parse(&file).expect("still ELF");
        let payload = segments[1].data(E, file.as_slice()).expect("in the file");
        let header = Header::read(payload).expect("whole");
        assert_eq!(header.memory_region, 0x100);
        assert_eq!((header.kernel_length, header.kernel_size), (6000, 0x3_0000));
        assert_eq!(
            (header.user_start, header.user_entry),
            (0x20_0000, 0x20_1004)
        );
        assert_eq!((header.user_length, header.user_size), (0x1008, 0x3000));
        let user = &payload[header.user_image_start() as usize..];
        assert_eq!(user[..0x10], [0; 0x10]);
        assert_eq!(user[0x10..0x24], [3; 20]);
        assert_eq!(user[0x1000..0x1008], [4; 8]);
        // The loader's own segment is untouched, and a filled loader is no empty one.
        assert_eq!(segments[0].data(E, file.as_slice()), Ok(&[1; 100][..]));
        assert_eq!(
            reason(assemble(&file, &kernel(SYMBOL_IN_KERNEL), &root_task())).0,
            "the boot loader"
        );
    }

    #[test]
    fn what_cannot_be_booted_is_refused_with_its_name() {
        let (loader, kernel_elf, root) = (loader(), kernel(SYMBOL_IN_KERNEL), root_task());
        let cut = |elf: &[u8]| elf[..elf.len() / 2].to_vec();
        let large = elf(0x20_0000, &[Segment(0x20_0000, vec![], 200 << 20)], None);
        let apart = elf(
            0x20_0000,
            &[
                Segment(0x20_0000, vec![1], 1),
                Segment(u64::MAX - 8, vec![1], 1),
            ],
            None,
        );
        let astray = elf(0x90_0000, &[Segment(0x20_0000, vec![1], 1)], None);
        let mut foreign = root.clone();
        foreign[18] = 62;
        for bad in [
            &[][..],
            b"\x7fELF",
            &cut(&root),
            &large,
            &apart,
            &astray,
            &foreign,
            &elf(0, &[], None),
        ] {
            assert_eq!(
                reason(assemble(&loader, &kernel_elf, bad)).0,
                "the root task"
            );
        }
        let low = elf(
            0x1000,
            &[Segment(0x1000, vec![2; 600], 600)],
            Some((0x1000, MEMORY_REGION_BYTES)),
        );
        let outside = kernel(Some((KERNEL_BASE + 6000, MEMORY_REGION_BYTES)));
        for bad in [
            &[][..],
            &low,
            &kernel(None),
            &kernel(Some((KERNEL_BASE, 32))),
            &outside,
            &cut(&kernel_elf),
        ] {
            assert_eq!(reason(assemble(&loader, bad, &root)).0, "the kernel");
        }
        for bad in [&[][..], &root, &cut(&loader)] {
            assert_eq!(
                reason(assemble(bad, &kernel_elf, &root)).0,
                "the boot loader"
            );
        }
    }

    #[test]
    fn no_damaged_byte_of_a_header_panics() {
        let root = root_task();
        for at in 0..HEADER + 2 * PROGRAM_HEADER {
            for value in [0, 1, 0x7f, 0xff] {
                let mut damaged = root.clone();
                damaged[at] = value;
                let _ = assemble(&loader(), &kernel(SYMBOL_IN_KERNEL), &damaged);
                let mut damaged = loader();
                damaged[at] = value;
                let _ = assemble(&damaged, &kernel(SYMBOL_IN_KERNEL), &root);
            }
        }
    }
}
