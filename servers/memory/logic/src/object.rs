//! Memory objects: made, destroyed, abandoned by their maker, and gone when nobody maps them any more.

use isthmus_abi::{ComponentId, ObjectId, Slot};
use memory_interface::MemoryError;

use crate::kernel::{FrameSize, Kernel, LARGE_PAGE_BITS, PAGE_BITS, PAGE_BYTES};
use crate::limits::{ACCOUNT_OBJECTS, OBJECT_BYTES};
use crate::memory::{Memory, id_of};
use crate::slots::Slots;
use crate::untyped::{NodeId, Untyped};

/// A memory object.
#[derive(Clone, Copy, Debug)]
pub struct Object {
    /// Who made it and pays for it; `None` once it is destroyed or its maker has ended: then it lives as long as it is mapped.
    pub maker: Option<ComponentId>,
    /// Its frames.
    pub frames: Frames,
    /// The capability that stands for it; meaningless without a maker.
    pub capability: Slot,
    /// How many accounts map it.
    pub mappings: u16,
}

/// The frames of an object: pieces of memory, none smaller than the next, and a run of slots with a frame each.
#[derive(Clone, Copy, Debug)]
pub struct Frames {
    /// The first piece.
    pub pieces: NodeId,
    /// The first frame.
    pub first: Slot,
    /// How many frames.
    pub count: u32,
    /// Bytes.
    pub bytes: u64,
    /// Bytes that are large pages: the beginning.
    pub large_bytes: u64,
}

impl Frames {
    /// Each frame's size, from the beginning.
    pub fn sizes(&self) -> impl Iterator<Item = FrameSize> {
        let large = self.large_bytes >> LARGE_PAGE_BITS;
        let small = (self.bytes - self.large_bytes) >> PAGE_BITS;
        let of = |size, count| core::iter::repeat_n(size, count as usize);
        of(FrameSize::Large, large).chain(of(FrameSize::Page, small))
    }

    fn make(
        bytes: u64,
        untyped: &mut Untyped,
        slots: &mut Slots,
        kernel: &mut impl Kernel,
    ) -> Result<Self, MemoryError> {
        let pieces = take_pieces(bytes, untyped, slots, kernel)?;
        let result = Self::fill(pieces, bytes, untyped, slots, kernel);
        if result.is_err() {
            give_pieces(Some(pieces), untyped, kernel);
        }
        result
    }

    fn fill(
        pieces: NodeId,
        bytes: u64,
        untyped: &Untyped,
        slots: &mut Slots,
        kernel: &mut impl Kernel,
    ) -> Result<Self, MemoryError> {
        let mut large_bytes = 0;
        let mut count = 0;
        for piece in list(Some(pieces), untyped) {
            let bits = untyped.bits(piece);
            let size = FrameSize::of(bits);
            count += 1 << (bits - size.bits());
            if size == FrameSize::Large {
                large_bytes += 1 << bits;
            }
        }
        let first = slots.take(count).ok_or(MemoryError::TooMany)?;
        let mut next = first;
        for piece in list(Some(pieces), untyped) {
            let bits = untyped.bits(piece);
            let size = FrameSize::of(bits);
            let here = 1 << (bits - size.bits());
            let made = kernel.make_frames(untyped.slot(piece), size, next, here);
            if made.is_err() {
                // The frames that were made go with their pieces, in a moment.
                slots.give(first, count);
                return Err(MemoryError::KernelRefused);
            }
            next.0 += here;
        }
        Ok(Self {
            pieces,
            first,
            count,
            bytes,
            large_bytes,
        })
    }

    fn give(self, untyped: &mut Untyped, slots: &mut Slots, kernel: &mut impl Kernel) {
        give_pieces(Some(self.pieces), untyped, kernel);
        slots.give(self.first, self.count);
    }
}

/// Takes pieces that are `bytes` together, the largest possible each; answers the first, the largest, behind which the others are chained.
fn take_pieces(
    bytes: u64,
    untyped: &mut Untyped,
    slots: &mut Slots,
    kernel: &mut impl Kernel,
) -> Result<NodeId, MemoryError> {
    let mut first = None;
    let mut last: Option<NodeId> = None;
    let mut rest = bytes;
    let mut bits = largest(rest);
    while rest > 0 {
        match untyped.take(bits, slots, kernel) {
            Ok(piece) => {
                untyped.chain(piece, None);
                match last {
                    Some(last) => untyped.chain(last, Some(piece)),
                    None => first = Some(piece),
                }
                last = Some(piece);
                rest -= 1 << bits;
                bits = bits.min(largest(rest));
            }
            Err(MemoryError::OutOfMemory) if bits > PAGE_BITS => bits -= 1,
            Err(error) => {
                give_pieces(first, untyped, kernel);
                return Err(error);
            }
        }
    }
    first.ok_or(MemoryError::BadSize)
}

fn give_pieces(first: Option<NodeId>, untyped: &mut Untyped, kernel: &mut impl Kernel) {
    let mut next = first;
    while let Some(piece) = next {
        next = untyped.chained(piece);
        untyped.give(piece, kernel);
    }
}

fn list(first: Option<NodeId>, untyped: &Untyped) -> impl Iterator<Item = NodeId> {
    core::iter::successors(first, |&piece| untyped.chained(piece))
}

/// log2 of the largest piece that is part of `bytes`.
const fn largest(bytes: u64) -> u8 {
    match bytes.checked_ilog2() {
        Some(bits) => bits as u8,
        None => PAGE_BITS,
    }
}

impl<K: Kernel> Memory<K> {
    /// Makes an object of at least `bytes` bytes; answers where its capability lies, to be sent to its maker.
    ///
    /// # Errors
    /// [`MemoryError::NoAccount`], [`MemoryError::BadSize`], [`MemoryError::QuotaExceeded`], [`MemoryError::TooMany`],
    /// [`MemoryError::OutOfMemory`], [`MemoryError::KernelRefused`]
    pub fn create(&mut self, maker: ComponentId, bytes: u64) -> Result<Slot, MemoryError> {
        let account = self.account(maker)?;
        if !(1..=OBJECT_BYTES).contains(&bytes) {
            return Err(MemoryError::BadSize);
        }
        let bytes = bytes.next_multiple_of(PAGE_BYTES);
        if !account.affords(bytes) {
            return Err(MemoryError::QuotaExceeded);
        }
        if account.made == ACCOUNT_OBJECTS {
            return Err(MemoryError::TooMany);
        }
        let number = self.objects.next().ok_or(MemoryError::TooMany)?;
        let object = self.with_room(|all| all.make_object(maker, id_of(number), bytes))?;
        self.objects.insert(object).ok_or(MemoryError::TooMany)?;
        let account = self.account_mut(maker);
        account.used_bytes += bytes;
        account.made += 1;
        Ok(object.capability)
    }

    fn make_object(
        &mut self,
        maker: ComponentId,
        id: ObjectId,
        bytes: u64,
    ) -> Result<Object, MemoryError> {
        let (untyped, slots, kernel) = (&mut self.untyped, &mut self.slots, &mut self.kernel);
        let frames = Frames::make(bytes, untyped, slots, kernel)?;
        let Some(capability) = slots.take(1) else {
            frames.give(untyped, slots, kernel);
            return Err(MemoryError::TooMany);
        };
        if kernel.mint(id, capability).is_err() {
            slots.give(capability, 1);
            frames.give(untyped, slots, kernel);
            return Err(MemoryError::KernelRefused);
        }
        Ok(Object {
            maker: Some(maker),
            frames,
            capability,
            mappings: 0,
        })
    }

    /// Destroys an object of the asker's. Who has mapped it keeps the mapping; there will be no new ones.
    ///
    /// # Errors
    /// [`MemoryError::NoAccount`], [`MemoryError::NoSuchObject`], [`MemoryError::NotPermitted`]
    pub fn destroy(&mut self, asker: ComponentId, object: ObjectId) -> Result<(), MemoryError> {
        self.account(asker)?;
        let (number, object) = self.object(object)?;
        if object.maker != Some(asker) {
            return Err(MemoryError::NotPermitted);
        }
        self.abandon(number);
        Ok(())
    }

    /// The object's bytes.
    ///
    /// # Errors
    /// [`MemoryError::NoAccount`], [`MemoryError::NoSuchObject`]
    pub fn size(&self, asker: ComponentId, object: ObjectId) -> Result<u64, MemoryError> {
        self.account(asker)?;
        self.object(object).map(|(_, object)| object.frames.bytes)
    }

    /// The object has no maker any more, and nobody has a capability to it: so its number can be given again.
    pub(crate) fn abandon(&mut self, number: u16) {
        let Some(object) = self.objects.get_mut(number) else {
            return;
        };
        let Some(maker) = object.maker.take() else {
            return;
        };
        let Object {
            capability, frames, ..
        } = *object;
        self.kernel.revoke(capability);
        self.kernel.delete(capability);
        self.slots.give(capability, 1);
        let still_mapped = self.mapping_of(maker, number).is_some();
        let account = self.account_mut(maker);
        account.made -= 1;
        if !still_mapped {
            account.used_bytes -= frames.bytes;
        }
        self.drop_unless_held(number);
    }

    /// Frees an object that has neither maker nor mappings.
    pub(crate) fn drop_unless_held(&mut self, number: u16) {
        let held = |object: &Object| object.maker.is_some() || object.mappings > 0;
        if self.objects.get(number).is_none_or(held) {
            return;
        }
        if let Some(object) = self.objects.remove(number) {
            object
                .frames
                .give(&mut self.untyped, &mut self.slots, &mut self.kernel);
        }
    }
}
