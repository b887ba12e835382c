//! The memory server's typed calls: memory objects for every component with an account, reservations and accounts for the scheduler.
//!
//! A memory object is named by its capability, and the capability is all the right that there is: who has it may map the object. It is one
//! of memory's own endpoint, so it unwraps when it is sent back. Most programs want `isthmus_runtime::memory` and not these calls. What is
//! promised stands in `docs/memory.md`; the decisions are `memory-logic`'s, the server is `memory-server`.
#![no_std]
#![forbid(unsafe_code)]

mod values;

pub use values::{Access, Mapped, Statistics, Usage};

use isthmus_interface::error_codes;

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
