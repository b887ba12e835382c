//! What the programs of the machine tests about lent memory say to each other, and what their memory is filled with. See `docs/bulk.md`.
#![no_std]
#![forbid(unsafe_code)]

use core::fmt;

use isthmus_interface::{Cap, error_codes, interface};
use isthmus_runtime::memory::{self, Access, Mapping, MemoryObject};
use netipc_interface::Loan;

/// The server's name. A second one, for small calls, has [`SMALL`].
pub const NAME: &str = "bulk";
/// The name of the server that is never lent anything.
pub const SMALL: &str = "small";

error_codes! {
    /// What went wrong at the server's.
    pub enum ServerError {
        /// It has no memory of its own for so much.
        NoMemory = 1, "the server has no memory for so much";
        /// The loan was over, or its lender lost.
        Over = 2, "the loan is over";
        /// The loan does not allow it.
        NotPermitted = 3, "the loan does not allow it";
        /// The loan is not so long.
        OutOfRange = 4, "the loan is not so long";
        /// Another reason.
        Other = 5, "the loan gives another reason";
    }
}

/// A server that is lent memory.
#[interface(name = "bulk-test")]
pub trait Borrower {
    /// Fetches all that is lent, and answers its [`sum`].
    #[method(0)]
    fn put(&mut self, data: Cap<dyn Loan>) -> Result<u64, ServerError>;

    /// Stores [`pattern`] of this seed into all that is lent.
    #[method(1)]
    fn get(&mut self, data: Cap<dyn Loan>, seed: u64) -> Result<(), ServerError>;

    /// Stores so many bytes at this place of a loan, whatever that is.
    #[method(2)]
    fn overstep(
        &mut self,
        data: Cap<dyn Loan>,
        offset: u64,
        length: u64,
    ) -> Result<(), ServerError>;

    /// Keeps the loan for later.
    #[method(3)]
    fn keep(&mut self, data: Cap<dyn Loan>) -> Result<(), ServerError>;

    /// Stores into the loan that was kept: its call is long over.
    #[method(4)]
    fn use_kept(&mut self) -> Result<(), ServerError>;

    /// Answers the number.
    #[method(5)]
    fn echo(&mut self, number: u64) -> Result<u64, ServerError>;
}

/// The word at a place of memory that is filled by a seed.
#[must_use]
pub const fn pattern(seed: u64, index: u64) -> u64 {
    (seed ^ index)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left(31)
        .wrapping_add(index)
}

/// What a mapping says, in one word that each of its words and their order have a part in.
///
/// # Errors
/// It is not so long.
pub fn sum(mapping: &Mapping, bytes: u64) -> Result<u64, Failure> {
    let mut sum = 0_u64;
    for offset in (0..bytes).step_by(8) {
        let word = mapping.word(offset).map_err(|_| Failure::Short)?;
        sum = sum.rotate_left(5).wrapping_mul(0x1_0000_01b3) ^ word;
    }
    Ok(sum)
}

/// Fills a mapping.
///
/// # Errors
/// It is not so long.
pub fn fill(mapping: &Mapping, bytes: u64, seed: u64) -> Result<(), Failure> {
    let memory = mapping.memory().ok_or(Failure::Short)?;
    for index in 0..bytes / 8 {
        let word = pattern(seed, index).to_le_bytes();
        let written = memory.write((index * 8) as usize, &word);
        written.map_err(|_| Failure::Short)?;
    }
    Ok(())
}

/// An object of so many bytes, mapped here.
///
/// # Errors
/// The memory server's.
pub fn mapped(bytes: u64) -> Result<(MemoryObject, Mapping), memory::Error> {
    let object = MemoryObject::create(bytes)?;
    let mapping = object.map(Access::Write)?;
    Ok((object, mapping))
}

/// Why memory is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It is shorter than it should be.
    Short,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the object is too short")
    }
}
