//! The smallest program there can be, put together here: what nobody can have got from the boot archive. It exits with a code.

use isthmus_runtime::abi::{Ending, ExitCode, layout};

/// Bytes of an ELF header.
const HEADER: u16 = 64;
/// Bytes of a program header.
const SEGMENT: u16 = 56;
/// Where the code begins in the file.
const CODE: u16 = HEADER + SEGMENT;
/// The instructions, and room.
const CODE_BYTES: usize = 32;
/// The file.
pub const BYTES: usize = CODE as usize + CODE_BYTES;

/// The program that exits with `code`.
pub fn exits_with(code: ExitCode) -> [u8; BYTES] {
    let ending = Ending::Exited(code);
    let mut file = Writer {
        bytes: [0; BYTES],
        at: 0,
    };
    header(&mut file);
    code_of(&mut file, ending.system_call(), code);
    file.bytes
}

struct Writer {
    bytes: [u8; BYTES],
    at: usize,
}

impl Writer {
    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    fn half(&mut self, value: u16) {
        self.put(&value.to_le_bytes());
    }

    fn word(&mut self, value: u32) {
        self.put(&value.to_le_bytes());
    }

    fn long(&mut self, value: u64) {
        self.put(&value.to_le_bytes());
    }
}

/// An ELF header, and a program header for the whole file as code (System V ABI, chapters 4 and 5).
fn header(file: &mut Writer) {
    /// 64 bits, little-endian, version 1.
    const IDENT: [u8; 16] = *b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0";
    const EXECUTABLE: u16 = 2;
    const VERSION: u32 = 1;
    const LOAD: u32 = 1;
    const READ_AND_EXECUTE: u32 = 5;
    file.put(&IDENT);
    file.half(EXECUTABLE);
    file.half(MACHINE);
    file.word(VERSION);
    file.long(layout::PROGRAM + u64::from(CODE));
    file.long(HEADER.into());
    file.long(0);
    file.word(0);
    for value in [HEADER, SEGMENT, 1, 0, 0, 0] {
        file.half(value);
    }
    file.word(LOAD);
    file.word(READ_AND_EXECUTE);
    file.long(0);
    file.long(layout::PROGRAM);
    file.long(layout::PROGRAM);
    file.long(BYTES as u64);
    file.long(BYTES as u64);
    file.long(layout::PAGE_BYTES);
}

#[cfg(target_arch = "x86_64")]
const MACHINE: u16 = 62;

/// `mov edi, code; movabs rdx, number; syscall; jmp .`
#[cfg(target_arch = "x86_64")]
fn code_of(file: &mut Writer, number: u64, code: ExitCode) {
    file.put(&[0xbf]);
    file.word(code.0);
    file.put(&[0x48, 0xba]);
    file.long(number);
    file.put(&[0x0f, 0x05, 0xeb, 0xfe]);
}

#[cfg(target_arch = "aarch64")]
const MACHINE: u16 = 183;

/// `movz x0, #code; movz x7, …; movk x7, …; movk x7, …; svc #0; b .` The code has 16 bits here, and the number 48.
#[cfg(target_arch = "aarch64")]
fn code_of(file: &mut Writer, number: u64, code: ExitCode) {
    const MOVZ: u32 = 0xd280_0000;
    const MOVK: u32 = 0xf280_0000;
    let sixteen = |of: u64, part: u32| ((of >> (16 * part)) as u32 & 0xffff) << 5 | part << 21;
    file.word(MOVZ | sixteen(code.0.into(), 0));
    file.word(MOVZ | sixteen(number, 0) | 7);
    file.word(MOVK | sixteen(number, 1) | 7);
    file.word(MOVK | sixteen(number, 2) | 7);
    file.word(0xd400_0001);
    file.word(0x1400_0000);
}
