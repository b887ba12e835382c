//! What the programs of the machine tests about memory have in common: how one shows a memory object to the other, and how a check that fails says so.
//! See `docs/memory.md`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use isthmus_interface::{Cap, error_codes, interface};
use isthmus_runtime::memory::{Access, Kind as MemoryObject};
use isthmus_runtime::{say, service};

error_codes! {
    /// What went wrong at the partner's.
    pub enum PartnerError {
        /// The memory server refused.
        Refused = 1, "the memory server refused the partner";
        /// It has nothing mapped, or not so much.
        NothingThere = 2, "the partner has nothing mapped there";
    }
}

/// A component that is shown a memory object.
#[interface(name = "memory-partner")]
pub trait Partner {
    /// Maps the object, in place of the one before; answers its bytes.
    #[method(0)]
    fn take(&mut self, object: Cap<MemoryObject>, access: Access) -> Result<u64, PartnerError>;

    /// The word at a byte of it.
    #[method(1)]
    fn read(&mut self, offset: u64) -> Result<u64, PartnerError>;

    /// Writes a word.
    #[method(2)]
    fn write(&mut self, offset: u64, word: u64) -> Result<(), PartnerError>;

    /// Takes its mapping back.
    #[method(3)]
    fn let_go(&mut self) -> Result<(), PartnerError>;
}

/// Why a check has failed.
pub struct Wrong(pub String);

/// What a check finds.
pub type Checked<T = ()> = Result<T, Wrong>;

impl<E: fmt::Display> From<E> for Wrong {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Something is what it should be.
///
/// # Errors
/// It is not.
pub fn expect<T: PartialEq + fmt::Debug>(what: &str, found: T, expected: T) -> Checked {
    match found == expected {
        true => Ok(()),
        false => Err(Wrong(format!("{what}: {found:?}, not {expected:?}"))),
    }
}

/// Says what a check has found, in a line that the scenario looks for.
pub fn report(check: &str, found: Checked) {
    match found {
        Ok(()) => say!("{check}: ok"),
        Err(Wrong(why)) => say!("{check}: FAILED: {why}"),
    }
}

/// Waits for ever.
pub fn rest() -> ! {
    loop {
        let _ = service::wait();
    }
}
