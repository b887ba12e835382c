//! The boot archive: what `tools/image` puts into the image's last segment.

/// The first bytes of an archive: eight of magic, then its length with this header, little-endian.
#[repr(C, align(4096))]
struct Header {
    magic: [u8; 8],
    length: u64,
}

/// An empty archive: the place for the real one. `tools/image` replaces it.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".archive")]
#[used]
static __sel4_root_task_archive: Header = Header {
    magic: *b"ISTHARCH",
    length: 0,
};

/// The boot archive, header and all; empty when the image was not filled.
#[must_use]
pub fn archive() -> &'static [u8] {
    // The optimiser knows the static's content as it was compiled, and would read that instead of what lies in the image: so it must not
    // know where the pointer comes from.
    let header = core::hint::black_box(&raw const __sel4_root_task_archive);
    // SAFETY: the static is there. The reads are volatile because its content in the image is not what the compiler saw: magic and length
    // were written by `tools/image`, which also made the segment as long as they say; nobody writes it at run time.
    unsafe {
        let length = (&raw const (*header).length).read_volatile();
        core::slice::from_raw_parts(header.cast(), length as usize)
    }
}
