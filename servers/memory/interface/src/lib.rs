//! The memory server's typed calls: memory objects for every component with an account, reservations and accounts for the scheduler.
//!
//! A memory object is named by its capability, and the capability is all the right that there is: who has it may map the object. It is one
//! of memory's own endpoint, so it unwraps when it is sent back. Most programs want `isthmus_runtime::memory` and not these calls. What is
//! promised stands in `docs/memory.md`; the decisions are `memory-logic`'s, the server is `memory-server`.
#![no_std]
#![forbid(unsafe_code)]

mod values;

pub use values::{Access, Mapped, MemoryObject, Statistics, Usage};

use isthmus_interface::{Anything, Caller, Cap, error_codes, interface};

error_codes! {
    /// Why memory refuses. Nothing has changed.
    pub enum MemoryError {
        /// It would be more than the caller's quota.
        QuotaExceeded = 1, "it would be more than the component's quota: see `memory` in the system description";
        /// The machine has no such piece of memory left.
        OutOfMemory = 2, "the machine has not so much memory left";
        /// A table is full: the account's objects or mappings, or the server's slots.
        TooMany = 3, "a table of the memory server is full, see docs/limits.md";
        /// The caller has no account.
        NoAccount = 4, "the component has no account: add `memory` to it in the system description";
        /// The call is somebody else's to make.
        NotPermitted = 5, "the caller may not do this";
        /// The capability is no memory object, or the number no reservation.
        NoSuchObject = 6, "there is no such memory object";
        /// No byte, or too many.
        BadSize = 7, "there is no such size, see docs/limits.md";
        /// The caller has nothing mapped at this address.
        NotMapped = 8, "nothing is mapped at the address";
        /// The caller has mapped the object already.
        AlreadyMapped = 9, "the component has mapped the object already";
        /// The component has an account already.
        AlreadyOpen = 10, "the component has an account already";
        /// The kernel refuses what it should not.
        KernelRefused = 11, "the kernel refuses; the memory server's log says what";
    }
}

/// Memory objects, and what the scheduler makes processes of.
#[interface(name = "memory")]
pub trait Memory {
    /// Makes an object of at least `bytes` bytes: whole pages, all zero.
    #[method(0)]
    fn create(&mut self, caller: Caller, bytes: u64) -> Result<Cap<MemoryObject>, MemoryError>;

    /// Maps the object in the caller's address space.
    #[method(1)]
    fn map(
        &mut self,
        caller: Caller,
        object: Cap<MemoryObject>,
        access: Access,
    ) -> Result<Mapped, MemoryError>;

    /// Takes the mapping that begins at `address` back.
    #[method(2)]
    fn unmap(&mut self, caller: Caller, address: u64) -> Result<(), MemoryError>;

    /// Takes the object from everybody who has a capability to it. Its maker only. Who has mapped it keeps the mapping.
    #[method(3)]
    fn destroy(&mut self, caller: Caller, object: Cap<MemoryObject>) -> Result<(), MemoryError>;

    /// The object's size in bytes.
    #[method(4)]
    fn size(&mut self, caller: Caller, object: Cap<MemoryObject>) -> Result<u64, MemoryError>;

    /// What the machine has.
    #[method(5)]
    fn statistics(&mut self) -> Result<Statistics, MemoryError>;

    /// What the caller has.
    #[method(6)]
    fn usage(&mut self, caller: Caller) -> Result<Usage, MemoryError>;

    /// Reserves 2 to the power of `size_bits` bytes, as untyped memory; answers its number. The scheduler only.
    #[method(7)]
    fn reserve(
        &mut self,
        caller: Caller,
        size_bits: u8,
    ) -> Result<(u64, Cap<Anything>), MemoryError>;

    /// Gives a reservation back: whatever was made of it is gone. The scheduler only.
    #[method(8)]
    fn give_back(&mut self, caller: Caller, reservation: u64) -> Result<(), MemoryError>;

    /// Opens the account of a component, with a capability to its address space. The scheduler only.
    #[method(9)]
    fn open(
        &mut self,
        caller: Caller,
        component: u8,
        quota_bytes: u64,
        space: Cap<Anything>,
    ) -> Result<(), MemoryError>;

    /// Closes it: its mappings and objects go. The scheduler only.
    #[method(10)]
    fn close(&mut self, caller: Caller, component: u8) -> Result<(), MemoryError>;
}
