//! Programs are checked and stripped, archives come back from the root task's ELF, the same parts give the same bytes.

use std::collections::BTreeMap;

use isthmus_abi::{Name, layout, limits};
use isthmus_image::{Arch, Error, Kernel, Parts, Problem, Program, archive, build};
use isthmus_plan::{Archive, Plan};
use object::read::elf::{FileHeader, ProgramHeader};

const CODE: u32 = 5;
const DATA: u32 = 6;
const LOAD: u32 = 1;
const TLS: u32 = 7;

/// A segment: type, flags, address, contents, size in memory, alignment.
type Piece<'a> = (u32, u32, u64, &'a [u8], u64, u64);

/// A static ELF file for x86_64 with these segments, and a section with a build id.
fn elf(entry: u64, pieces: &[Piece<'_>], build_id: Option<&[u8]>) -> Vec<u8> {
    let mut file = vec![0; 64 + 56 * pieces.len()];
    let mut offsets = Vec::new();
    for (_, _, address, bytes, _, _) in pieces {
        while file.len() as u64 % 4096 != address % 4096 {
            file.push(0xaa);
        }
        offsets.push(file.len() as u64);
        file.extend_from_slice(bytes);
    }
    // Bulk that is not loaded, as debug information is.
    file.extend([0x55; 30_000]);
    let note_at = file.len().next_multiple_of(8);
    file.resize(note_at, 0);
    if let Some(id) = build_id {
        for word in [4, id.len() as u32, 3] {
            file.extend(word.to_le_bytes());
        }
        file.extend(b"GNU\0");
        file.extend(id);
    }
    let note_bytes = file.len() - note_at;
    let sections_at = file.len().next_multiple_of(8);
    file.resize(sections_at + 64, 0);
    let note_type = if build_id.is_some() { 7u32 } else { 1 };
    file.extend(0u32.to_le_bytes());
    file.extend(note_type.to_le_bytes());
    for word in [0, 0, note_at as u64, note_bytes as u64, 0, 4, 0] {
        file.extend(word.to_le_bytes());
    }
    let mut header = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    header.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    for word in [entry, 64, sections_at as u64] {
        header.extend(word.to_le_bytes());
    }
    header.extend([0; 4]);
    for half in [64, 56, pieces.len() as u16, 64, 2, 0] {
        header.extend(half.to_le_bytes());
    }
    for ((kind, flags, address, bytes, memory, align), offset) in pieces.iter().zip(offsets) {
        header.extend(kind.to_le_bytes());
        header.extend(flags.to_le_bytes());
        for word in [
            offset,
            *address,
            *address,
            bytes.len() as u64,
            *memory,
            *align,
        ] {
            header.extend(word.to_le_bytes());
        }
    }
    file[..header.len()].copy_from_slice(&header);
    file
}

const BASE: u64 = layout::PROGRAM;

fn good() -> Vec<Piece<'static>> {
    vec![
        (LOAD, CODE, BASE, &[0x90; 5000], 5000, 4096),
        (LOAD, DATA, BASE + 0x2010, b"hello data", 0x3000, 4096),
        (TLS, 4, BASE + 0x2010, b"hello", 64, 16),
    ]
}

fn program() -> Vec<u8> {
    elf(BASE + 16, &good(), Some(b"twenty bytes of hash"))
}

fn root_task() -> Vec<u8> {
    let mut empty = b"ISTHARCH".to_vec();
    empty.extend([0; 8]);
    let mut pieces = good();
    let archive: &'static [u8] = empty.leak();
    pieces.push((LOAD, 4, BASE + 0x10_0000, archive, 16, 4096));
    elf(BASE, &pieces, None)
}

fn plan() -> Plan {
    let text = "[system]\nname = \"s\"\n[[component]]\nname = \"a\"\nprogram = \"p\"\n[[component]]\nname = \"b\"\nprogram = \"p\"\n";
    isthmus_description::compile(text).expect("a valid description")
}

fn segments(file: &[u8]) -> Vec<(u32, u64, Vec<u8>, u64)> {
    let header = object::elf::FileHeader64::<object::Endianness>::parse(file).expect("an ELF file");
    let e = object::Endianness::Little;
    let all = header.program_headers(e, file).expect("segments");
    let one = |s: &object::elf::ProgramHeader64<object::Endianness>| {
        (
            s.p_type(e).0,
            s.p_vaddr(e),
            s.data(e, file).expect("in the file").to_vec(),
            s.p_memsz(e),
        )
    };
    all.iter().map(one).collect()
}

#[test]
fn a_stripped_program_loads_the_same() {
    let before = program();
    let after = Program::read(&before, Arch::X86_64).expect("a good program");
    assert_eq!(after.build_id, b"twenty bytes of hash");
    assert_eq!(segments(&before), segments(&after.stripped));
    assert!(
        after.stripped.len() < before.len() - 29_000,
        "what is not loaded is gone"
    );
    let header = object::elf::FileHeader64::<object::Endianness>::parse(&*after.stripped).unwrap();
    for s in header
        .program_headers(object::Endianness::Little, &*after.stripped)
        .unwrap()
    {
        let e = object::Endianness::Little;
        assert_eq!(s.p_offset(e) % 4096, s.p_vaddr(e) % 4096);
    }
}

#[test]
fn what_cannot_run_says_why() {
    let with = |change: fn(&mut Vec<Piece<'static>>), entry: u64| {
        let mut pieces = good();
        change(&mut pieces);
        Program::read(&elf(entry, &pieces, Some(b"id")), Arch::X86_64)
            .map(|_| ())
            .unwrap_err()
    };
    assert_eq!(with(|p| p[0].2 = 0x1000, BASE), Problem::OutOfPlace(0x1000));
    assert_eq!(
        with(|p| p[1].4 = layout::PROGRAM_END, BASE),
        Problem::OutOfPlace(BASE + 0x2010)
    );
    assert_eq!(
        with(|p| p[1].2 = u64::MAX - 5, BASE),
        Problem::OutOfPlace(u64::MAX - 5)
    );
    assert_eq!(
        with(|p| p[1].1 = 7, BASE),
        Problem::WritableCode(BASE + 0x2010)
    );
    assert_eq!(
        with(|p| p[1].2 = BASE + 0x1f00, BASE),
        Problem::SharedPage(BASE + 0x1000)
    );
    assert!(matches!(
        with(|p| p[1].4 = limits::PROGRAM_BYTES, BASE),
        Problem::TooLarge(_)
    ));
    assert_eq!(with(|_| {}, BASE + 5000), Problem::NoEntry(BASE + 5000));
    assert_eq!(
        with(|p| p[2].4 = 20_000, BASE),
        Problem::ThreadLocals(20_000, 16)
    );
    assert_eq!(
        with(|p| p[2].5 = 4096, BASE),
        Problem::ThreadLocals(64, 4096)
    );
    assert_eq!(with(|p| p.clear(), BASE), Problem::Empty);
    assert_eq!(with(|p| p[2].0 = 2, BASE), Problem::NotStatic);
    let no_id = elf(BASE, &good(), None);
    assert_eq!(Program::read(&no_id, Arch::X86_64), Err(Problem::NoBuildId));
    assert_eq!(
        Program::read(&program(), Arch::Aarch64),
        Err(Problem::WrongArch("aarch64"))
    );
    assert!(matches!(
        Program::read(b"\x7fELF", Arch::X86_64),
        Err(Problem::NotElf(_))
    ));
}

#[test]
fn a_damaged_program_is_an_error_not_a_panic() {
    let good = program();
    for at in 0..64 + 3 * 56 {
        for value in [0, 1, 0x7f, 0xff] {
            let mut bytes = good.clone();
            bytes[at] = value;
            let _ = Program::read(&bytes, Arch::X86_64);
        }
    }
    for length in (0..good.len()).step_by(97) {
        let _ = Program::read(&good[..length], Arch::X86_64);
    }
}

fn parts<'a>(plan: &'a Plan, root_task: &'a [u8], program: &'a [u8]) -> Parts<'a> {
    let programs = BTreeMap::from([(Name::new("p").unwrap(), program)]);
    Parts {
        kernel: Kernel::X86_64 { elf32: b"kernel" },
        root_task,
        plan,
        programs,
        memory_mib: 64,
    }
}

#[test]
fn the_archive_comes_back_from_the_root_task() {
    let (plan, root_task, program) = (plan(), root_task(), program());
    let parts = parts(&plan, &root_task, &program);
    let files = build(&parts).unwrap();
    assert_eq!(
        files,
        build(&parts).unwrap(),
        "the same parts give the same bytes"
    );
    let names: Vec<_> = files.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["kernel.elf32", "root-task.elf", "run.sh"]);
    let filled = files.iter().nth(1).unwrap().1;
    let all = segments(filled);
    let last = all.iter().find(|s| s.1 == BASE + 0x10_0000).unwrap();
    assert_eq!(last.2.len() as u64, last.3);
    assert_eq!(last.2, archive(&parts).unwrap());
    let opened = Archive::open(&last.2).unwrap();
    assert_eq!(opened.entries().count(), 2, "two components, one program");
    let entry = opened.program("p").unwrap();
    assert_eq!(
        entry.bytes,
        Program::read(&program, Arch::X86_64).unwrap().stripped
    );
    assert!(entry.is_intact());
    assert_eq!(Plan::decode(opened.plan().unwrap()), Ok(plan.clone()));

    let folder = tempfile::tempdir().unwrap();
    let image = files.write_to(&folder.path().join("out")).unwrap();
    assert!(image.files().iter().all(|file| file.exists()));
    let script = std::fs::read_to_string(folder.path().join("out/run.sh")).unwrap();
    assert!(
        script.contains("exec qemu-system-x86_64 ") && script.contains("-initrd root-task.elf"),
        "{script}"
    );
}

#[test]
fn a_system_that_does_not_fit_is_named_with_its_largest_component() {
    let text = "[system]\nname = \"s\"\n[[component]]\nname = \"small\"\nprogram = \"p\"\n\
        [[component]]\nname = \"big\"\nprogram = \"p\"\non = \"last\"\nheap = \"60MiB\"\n";
    let plan = isthmus_description::compile(text).expect("a valid description");
    let (root_task, program) = (root_task(), program());
    let error = build(&parts(&plan, &root_task, &program))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("on machine 1 of 1, and a machine has 64 MiB"),
        "{error}"
    );
    assert!(error.contains("the largest is `big`"), "{error}");
    let mut larger = parts(&plan, &root_task, &program);
    larger.memory_mib = 80;
    assert!(build(&larger).is_ok());
}

#[test]
fn what_is_missing_is_named() {
    let (plan, root_task, program) = (plan(), root_task(), program());
    let mut without = parts(&plan, &root_task, &program);
    without.programs.clear();
    let error = build(&without).unwrap_err();
    assert!(
        matches!(&error, Error::NoProgram { program, component } if program == "p" && component == "a"),
        "{error}"
    );
    let error = build(&parts(&plan, &program, &program)).unwrap_err();
    assert!(
        matches!(error, Error::RootTask(Problem::NoArchiveSegment)),
        "{error}"
    );
    let filled = build(&parts(&plan, &root_task, &program)).unwrap();
    let filled = filled.iter().nth(1).unwrap().1;
    let error = build(&parts(&plan, filled, &program)).unwrap_err();
    assert!(
        matches!(error, Error::RootTask(Problem::NoArchiveSegment)),
        "filled twice: {error}"
    );
}
