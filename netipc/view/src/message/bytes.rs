//! Reading and writing little-endian numbers one after the other.

use netipc_wire::{Malformed, NodeId};

use crate::ids::row;

/// Reads from the front; what is not there is [`Malformed::TooShort`].
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, tail) = self.0.split_first_chunk().ok_or(Malformed::TooShort)?;
        self.0 = tail;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        self.take().map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Malformed> {
        self.take().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        self.take().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Malformed> {
        self.take().map(u64::from_le_bytes)
    }

    pub(crate) fn u128(&mut self) -> Result<u128, Malformed> {
        self.take().map(u128::from_le_bytes)
    }

    /// A number that is never 0.
    pub(crate) fn some(&mut self) -> Result<u64, Malformed> {
        match self.u64()? {
            0 => Err(Malformed::Field),
            number => Ok(number),
        }
    }

    /// A machine that there can be.
    pub(crate) fn node(&mut self) -> Result<NodeId, Malformed> {
        let node = NodeId(self.u8()?);
        row(node).map(|_| node).ok_or(Malformed::Field)
    }

    /// Bytes without a meaning, which are 0.
    pub(crate) fn zeroes<const N: usize>(&mut self) -> Result<(), Malformed> {
        match self.take::<N>()?.iter().all(|byte| *byte == 0) {
            true => Ok(()),
            false => Err(Malformed::Field),
        }
    }

    /// 0 or 1.
    pub(crate) fn flag(&mut self) -> Result<u8, Malformed> {
        match self.u8()? {
            flag @ (0 | 1) => Ok(flag),
            _ => Err(Malformed::Field),
        }
    }

    pub(crate) fn end(&self) -> Result<(), Malformed> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(Malformed::TooLong),
        }
    }
}

/// Writes from the front; what does not fit is not written, but counted, so that the caller sees it.
pub(crate) struct Writer<'a> {
    bytes: &'a mut [u8],
    length: usize,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes, length: 0 }
    }

    fn put<const N: usize>(&mut self, value: [u8; N]) {
        let room = self.bytes.get_mut(self.length..);
        if let Some(room) = room.and_then(|tail| tail.first_chunk_mut()) {
            *room = value;
        }
        self.length += N;
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.put(value.to_le_bytes());
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.put(value.to_le_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.put(value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.put(value.to_le_bytes());
    }

    pub(crate) fn u128(&mut self, value: u128) {
        self.put(value.to_le_bytes());
    }

    pub(crate) fn zeroes<const N: usize>(&mut self) {
        self.put([0; N]);
    }

    /// How many bytes it took, if they were there.
    pub(crate) fn finish(self) -> Option<usize> {
        (self.length <= self.bytes.len()).then_some(self.length)
    }
}
