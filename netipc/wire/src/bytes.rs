//! Reading and writing little-endian integers at an offset.
//!
//! Reads past the end give 0 and writes past the end do nothing, so that no accessor can panic; the checks that make this
//! unreachable are in each packet's `new_checked`, and the tests truncate every frame at every length.

pub(crate) fn get<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    bytes
        .get(offset..)
        .and_then(|tail| tail.first_chunk())
        .copied()
        .unwrap_or([0; N])
}

pub(crate) fn put<const N: usize>(bytes: &mut [u8], offset: usize, value: [u8; N]) {
    if let Some(room) = bytes
        .get_mut(offset..)
        .and_then(|tail| tail.first_chunk_mut())
    {
        *room = value;
    }
}

pub(crate) fn u8_at(bytes: &[u8], offset: usize) -> u8 {
    u8::from_le_bytes(get(bytes, offset))
}

pub(crate) fn u16_at(bytes: &[u8], offset: usize) -> u16 {
    u16::from_le_bytes(get(bytes, offset))
}

pub(crate) fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(get(bytes, offset))
}

pub(crate) fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(get(bytes, offset))
}
