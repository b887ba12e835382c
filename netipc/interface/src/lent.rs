//! Lent memory, as the server sees it that it is lent to. The prose is in `docs/bulk.md`.

use isthmus_interface::{Cap, Later, Wire, error_codes, interface};
use memory_interface::MemoryObject;

error_codes! {
    /// Why bytes were not moved, or not all of them.
    pub enum LoanError {
        /// The call that the loan came with is over, or its lender has taken it back.
        Over = 1, "the call that the loan came with is over";
        /// The loan does not allow that.
        NotPermitted = 2, "the loan does not allow that";
        /// The loan, or the server's own object, is not so long; or there are no bytes.
        OutOfRange = 3, "the loan or the object is not so long";
        /// The lender's machine is silent, or has started again.
        PeerLost = 4, "the lender's machine is silent, or has started again";
        /// There are as many transfers as there may be.
        TooMany = 5, "too many transfers are under way, see docs/limits.md";
        /// The proxy cannot map the server's object: it is none, or mapped by the proxy already, or more than the proxy's `memory`.
        NoMemory = 6, "netipc cannot map the object: it is in use there, or `memory` in its description is too little";
    }
}

/// What may be done with a loan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub enum Access {
    /// Fetch from it.
    Read,
    /// Store into it.
    Write,
    /// Both.
    ReadWrite,
}

/// How much is lent, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub struct Terms {
    /// Bytes.
    pub length: u64,
    /// What may be done with them.
    pub access: Access,
}

/// A loan: memory of a client's, perhaps on another machine. It lasts as long as the call that it came with.
#[interface(name = "loan")]
pub trait Loan {
    /// How much, and what for.
    #[method(0)]
    fn terms(&mut self) -> Result<Terms, LoanError>;

    /// Fetches `length` bytes, from byte `offset` of the loan on, into the server's own object, from byte `at` on. With the answer all of them are there;
    /// with an error some may be.
    #[method(1)]
    fn fetch(
        &mut self,
        offset: u64,
        length: u64,
        into: Cap<MemoryObject>,
        at: u64,
        later: Later<(), LoanError>,
    );

    /// Stores `length` bytes, from byte `at` of the server's own object on, into the loan, from byte `offset` on. With the answer all of them are
    /// there; with an error some may be.
    #[method(2)]
    fn store(
        &mut self,
        offset: u64,
        length: u64,
        from: Cap<MemoryObject>,
        at: u64,
        later: Later<(), LoanError>,
    );
}
