//! Thread-locals: where they lie, and what the thread pointer must be.
//!
//! Each thread's block lies behind its IPC buffer, in the rest of that page. On `aarch64` there is no choice: the kernel keeps the thread
//! pointer at the IPC buffer, and ELF's rule then puts the block at the next multiple of its alignment, which the linker script makes 1024. On
//! `x86_64` the thread pointer stands above the block, and is the FS base, which only another thread can set.

use core::fmt;
use core::ptr::{copy_nonoverlapping, write_bytes};

const IPC_BUFFER_BYTES: usize = size_of::<sel4::sys::seL4_IPCBuffer>();
const PAGE_BYTES: usize = 4096;

/// Why a program's thread-locals cannot be placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// They do not fit behind the IPC buffer: this many bytes.
    TooLarge(usize),
    /// The segment's alignment is not the 1024 of the linker script.
    Alignment(usize),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(bytes) => write!(f, "{bytes} bytes do not fit behind the IPC buffer"),
            Self::Alignment(bytes) => write!(f, "aligned to {bytes}: link with sel4-root-task.ld"),
        }
    }
}

/// The program's thread-local segment.
struct Segment {
    address: usize,
    file_bytes: usize,
    bytes: usize,
    alignment: usize,
}

/// The ELF program header, as far as it is read here.
#[repr(C)]
struct ProgramHeader {
    kind: u32,
    flags: u32,
    offset: u64,
    address: u64,
    physical: u64,
    file_bytes: u64,
    bytes: u64,
    alignment: u64,
}

const PT_TLS: u32 = 7;
/// Where the ELF header says how many program headers there are; they follow the header.
const HEADER_COUNT_OFFSET: usize = 56;
const ELF_HEADER_BYTES: usize = 64;

unsafe extern "C" {
    /// The image begins with its own ELF header, by the linker script.
    static __sel4_root_task_image_start: u8;
}

fn segment() -> Option<Segment> {
    let image = &raw const __sel4_root_task_image_start;
    // SAFETY: the linker script puts the ELF header and the program headers at the image's start, and nobody writes them.
    let headers = unsafe {
        let count = image.add(HEADER_COUNT_OFFSET).cast::<u16>().read();
        core::slice::from_raw_parts(
            image.add(ELF_HEADER_BYTES).cast::<ProgramHeader>(),
            count.into(),
        )
    };
    headers
        .iter()
        .find(|header| header.kind == PT_TLS && header.bytes != 0)
        .map(|header| Segment {
            address: header.address as usize,
            file_bytes: header.file_bytes as usize,
            bytes: header.bytes as usize,
            alignment: header.alignment as usize,
        })
}

/// Fills the thread-local block behind an IPC buffer, which must be the first thing on its page, and returns the thread pointer; `None` when the
/// program has no thread-locals.
///
/// # Errors
/// When they do not fit.
pub fn place(ipc_buffer: usize) -> Result<Option<usize>, Error> {
    let Some(segment) = segment() else {
        return Ok(None);
    };
    if segment.alignment != IPC_BUFFER_BYTES {
        return Err(Error::Alignment(segment.alignment));
    }
    let block = ipc_buffer + IPC_BUFFER_BYTES;
    let above = block + segment.bytes.next_multiple_of(segment.alignment);
    let end = if cfg!(target_arch = "x86_64") {
        above + size_of::<usize>()
    } else {
        block + segment.bytes
    };
    if end > ipc_buffer + PAGE_BYTES {
        return Err(Error::TooLarge(segment.bytes));
    }
    // SAFETY: the rest of the IPC buffer's page is mapped and used by nobody else, and the segment's initial content is in the image.
    unsafe {
        let destination = block as *mut u8;
        copy_nonoverlapping(
            segment.address as *const u8,
            destination,
            segment.file_bytes,
        );
        write_bytes(
            destination.add(segment.file_bytes),
            0,
            segment.bytes - segment.file_bytes,
        );
        if cfg!(target_arch = "x86_64") {
            // The ABI: the word at the thread pointer is the thread pointer.
            (above as *mut usize).write(above);
        }
    }
    Ok(Some(if cfg!(target_arch = "x86_64") {
        above
    } else {
        ipc_buffer
    }))
}
