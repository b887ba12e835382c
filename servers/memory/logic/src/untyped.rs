//! Untyped memory in pieces of powers of two.
//!
//! A piece is split by retyping it into two, and is whole again once what was made of it is revoked. Pieces are put together only when a
//! larger one is wanted: the kernel zeroes a piece as a whole before it is used again, so whoever splits a large piece for a page pays for
//! all of it. For the same reason the smallest piece that will do is taken.

use alloc::vec;
use alloc::vec::Vec;

use isthmus_abi::Slot;
use memory_interface::MemoryError;

use crate::kernel::{Kernel, PAGE_BITS};
use crate::limits::NODES;
use crate::slots::Slots;

/// A piece: its number in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeId(u16);

const NONE: NodeId = NodeId(u16::MAX);
/// One more than the largest piece's bits: what the kernel's addresses have.
const SIZES: usize = 48;
const _: () = assert!(NODES < NONE.0 as usize);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The table's entry is empty.
    Unused,
    /// Nobody has it.
    Free,
    /// It is two pieces, the first of which is named; the other is the next in the table.
    Split(NodeId),
    /// Somebody has it.
    Taken,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    slot: Slot,
    bits: u8,
    state: State,
    /// What it was split from.
    parent: NodeId,
    /// Neighbours in the list that it is in: of the free, the reunitable, the unused; or of an object's pieces (`next` only).
    previous: NodeId,
    next: NodeId,
    /// Pieces of it that somebody has.
    taken: u16,
}

/// All the memory.
#[derive(Debug)]
pub struct Untyped {
    nodes: Vec<Node>,
    /// Entries that may be used, in pairs.
    unused: NodeId,
    /// By size: pieces that nobody has.
    free: [NodeId; SIZES],
    /// By size: split pieces of which nobody has anything.
    reunitable: [NodeId; SIZES],
    reunitable_count: u32,
    total_bytes: u64,
    free_bytes: u64,
}

impl Untyped {
    /// Takes over untyped objects, each with log2 of its bytes. Those below a page are passed over.
    #[must_use]
    pub fn new(handed_over: impl Iterator<Item = (Slot, u8)>) -> Self {
        let empty = Node {
            slot: isthmus_abi::slots::NULL,
            bits: 0,
            state: State::Unused,
            parent: NONE,
            previous: NONE,
            next: NONE,
            taken: 0,
        };
        let mut all = Self {
            nodes: vec![empty; NODES],
            unused: NONE,
            free: [NONE; SIZES],
            reunitable: [NONE; SIZES],
            reunitable_count: 0,
            total_bytes: 0,
            free_bytes: 0,
        };
        let mut roots = 0;
        let usable = |&(_, bits): &(Slot, u8)| (PAGE_BITS..SIZES as u8).contains(&bits);
        for (slot, bits) in handed_over.filter(usable).take(NODES) {
            let id = NodeId(roots);
            roots += 1;
            *all.node(id) = Node {
                slot,
                bits,
                ..empty
            };
            all.total_bytes += 1 << bits;
            all.put_free(id);
        }
        for first in (roots..NODES as u16 - 1).step_by(2) {
            all.give_pair(NodeId(first));
        }
        all
    }

    /// Bytes of everything that was handed over.
    #[must_use]
    pub const fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// Bytes that nobody has.
    #[must_use]
    pub const fn free_bytes(&self) -> u64 {
        self.free_bytes
    }

    /// log2 of the largest piece that could be had.
    #[must_use]
    pub fn largest_bits(&self) -> Option<u8> {
        (0..SIZES as u8)
            .rev()
            .find(|&bits| self.first_of(bits).is_some())
    }

    /// Slots that putting pieces together would set free.
    #[must_use]
    pub const fn idle_slots(&self) -> u32 {
        2 * self.reunitable_count
    }

    /// The slot of a piece.
    #[must_use]
    pub fn slot(&self, id: NodeId) -> Slot {
        self.nodes[usize::from(id.0)].slot
    }

    /// log2 of a piece's bytes.
    #[must_use]
    pub fn bits(&self, id: NodeId) -> u8 {
        self.nodes[usize::from(id.0)].bits
    }

    /// Takes a piece of 2^`bits` bytes.
    ///
    /// # Errors
    /// [`MemoryError::OutOfMemory`], [`MemoryError::TooMany`], [`MemoryError::KernelRefused`]; nothing was taken.
    pub fn take(
        &mut self,
        bits: u8,
        slots: &mut Slots,
        kernel: &mut impl Kernel,
    ) -> Result<NodeId, MemoryError> {
        let mut id = (bits..SIZES as u8)
            .find_map(|bits| self.first_of(bits))
            .ok_or(MemoryError::OutOfMemory)?;
        if let State::Split(_) = self.node(id).state {
            self.reunite(id, slots, kernel);
        }
        while self.node(id).bits > bits {
            id = self.split(id, slots, kernel)?;
        }
        self.take_free(id);
        Ok(id)
    }

    /// Gives a piece back: whatever was made of it is revoked.
    pub fn give(&mut self, id: NodeId, kernel: &mut impl Kernel) {
        debug_assert!(self.node(id).state == State::Taken);
        kernel.revoke(self.node(id).slot);
        self.put_free(id);
        let mut above = self.node(id).parent;
        while above != NONE {
            let node = self.node(above);
            node.taken -= 1;
            if node.taken == 0 {
                self.enter_reunitable(above);
            }
            above = self.node(above).parent;
        }
    }

    /// Puts everything together that can be, for the sake of slots and of room in the table.
    pub fn reunite_all(&mut self, slots: &mut Slots, kernel: &mut impl Kernel) {
        for bits in (0..SIZES).rev() {
            while self.reunitable[bits] != NONE {
                self.reunite(self.reunitable[bits], slots, kernel);
            }
        }
    }

    /// Puts a piece that somebody has in front of a list of such.
    pub fn chain(&mut self, id: NodeId, before: Option<NodeId>) {
        self.node(id).next = before.unwrap_or(NONE);
    }

    /// The piece behind this one in the list.
    #[must_use]
    pub fn chained(&self, id: NodeId) -> Option<NodeId> {
        Some(self.nodes[usize::from(id.0)].next).filter(|&next| next != NONE)
    }

    /// A piece of this size, at once or by putting it together.
    fn first_of(&self, bits: u8) -> Option<NodeId> {
        let lists = [&self.free, &self.reunitable];
        lists
            .into_iter()
            .map(|list| list[usize::from(bits)])
            .find(|&id| id != NONE)
    }

    /// Splits a free piece, and answers one of its halves.
    fn split(
        &mut self,
        id: NodeId,
        slots: &mut Slots,
        kernel: &mut impl Kernel,
    ) -> Result<NodeId, MemoryError> {
        let whole = *self.node(id);
        let first = self.take_pair().ok_or(MemoryError::TooMany)?;
        let halves = slots.take(2).ok_or(MemoryError::TooMany);
        let made = halves.and_then(|halves| {
            let split = kernel.split(whole.slot, whole.bits, halves);
            split.map(|()| halves).map_err(|_| {
                slots.give(halves, 2);
                MemoryError::KernelRefused
            })
        });
        let halves = made.inspect_err(|_| self.give_pair(first))?;
        self.leave_free(id);
        self.node(id).state = State::Split(first);
        for (half, slot) in [(first, halves), (NodeId(first.0 + 1), Slot(halves.0 + 1))] {
            let node = self.node(half);
            node.slot = slot;
            node.bits = whole.bits - 1;
            node.parent = id;
            node.taken = 0;
            self.put_free(half);
        }
        // Nobody has anything of it until a half is taken.
        self.enter_reunitable(id);
        Ok(first)
    }

    /// Makes a split piece whole of which nobody has anything.
    fn reunite(&mut self, id: NodeId, slots: &mut Slots, kernel: &mut impl Kernel) {
        kernel.revoke(self.node(id).slot);
        self.forget_halves(id, slots);
        self.put_free(id);
    }

    /// As deep as sizes go: a few dozen levels.
    fn forget_halves(&mut self, id: NodeId, slots: &mut Slots) {
        let State::Split(first) = self.node(id).state else {
            self.leave_free(id);
            return;
        };
        self.leave_reunitable(id);
        slots.give(self.node(first).slot, 2);
        self.forget_halves(first, slots);
        self.forget_halves(NodeId(first.0 + 1), slots);
        self.give_pair(first);
    }

    fn take_free(&mut self, id: NodeId) {
        self.leave_free(id);
        self.node(id).state = State::Taken;
        let mut above = self.node(id).parent;
        while above != NONE {
            if self.node(above).taken == 0 {
                self.leave_reunitable(above);
            }
            let node = self.node(above);
            node.taken += 1;
            above = node.parent;
        }
    }

    fn node(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[usize::from(id.0)]
    }

    fn put_free(&mut self, id: NodeId) {
        let bits = self.node(id).bits;
        self.node(id).state = State::Free;
        self.free_bytes += 1 << bits;
        let head = self.free[usize::from(bits)];
        self.free[usize::from(bits)] = self.link(id, head);
    }

    fn leave_free(&mut self, id: NodeId) {
        let bits = self.node(id).bits;
        self.free_bytes -= 1 << bits;
        let head = self.free[usize::from(bits)];
        self.free[usize::from(bits)] = self.unlink(id, head);
    }

    fn enter_reunitable(&mut self, id: NodeId) {
        let bits = usize::from(self.node(id).bits);
        self.reunitable_count += 1;
        self.reunitable[bits] = self.link(id, self.reunitable[bits]);
    }

    fn leave_reunitable(&mut self, id: NodeId) {
        let bits = usize::from(self.node(id).bits);
        self.reunitable_count -= 1;
        self.reunitable[bits] = self.unlink(id, self.reunitable[bits]);
    }

    /// Puts a node in front of a list; answers the list's new head.
    fn link(&mut self, id: NodeId, head: NodeId) -> NodeId {
        self.node(id).previous = NONE;
        self.node(id).next = head;
        if head != NONE {
            self.node(head).previous = id;
        }
        id
    }

    /// Takes a node out of a list; answers the list's new head.
    fn unlink(&mut self, id: NodeId, head: NodeId) -> NodeId {
        let Node { previous, next, .. } = *self.node(id);
        if next != NONE {
            self.node(next).previous = previous;
        }
        if previous == NONE {
            return next;
        }
        self.node(previous).next = next;
        head
    }

    fn take_pair(&mut self) -> Option<NodeId> {
        let first = self.unused;
        if first == NONE {
            return None;
        }
        self.unused = self.node(first).next;
        Some(first)
    }

    fn give_pair(&mut self, first: NodeId) {
        let next = self.unused;
        self.node(first).state = State::Unused;
        self.node(first).next = next;
        self.unused = first;
    }
}
