//! The key-value server's typed calls.
//!
//! Each request carries a number that its client gives once, and the server counts how often it has run each: so that a test can
//! check, from outside, that no request ran twice, and that an outcome told the truth. Next: `kv-logic`, `kv-server`,
//! `kv-client`.
#![no_std]
#![forbid(unsafe_code)]

use core::fmt;

use isthmus_interface::{Malformed, Reader, TooLong, Writer};
use isthmus_interface::{Wire, error_codes, interface};

/// Bytes of a key, at most.
pub const KEY_BYTES: usize = 32;
/// Bytes of a value, at most.
pub const VALUE_BYTES: usize = 800;
/// Requests that the server counts for each client.
pub const REQUESTS: u32 = 1 << 16;
/// Clients whose requests the server counts.
pub const CLIENTS: usize = 4;

/// A key.
pub type Key = heapless::String<KEY_BYTES>;
/// A value.
pub type Value = heapless::Vec<u8, VALUE_BYTES>;

/// The number of a request: who asks, and which of its requests it is. A client never uses one twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId {
    /// The client, by a number of its choice that no other has.
    pub client: u32,
    /// Its request, below [`REQUESTS`].
    pub number: u32,
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.client, self.number)
    }
}

impl Wire for RequestId {
    const MAX_WORDS: usize = 1;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooLong> {
        writer.word(u64::from(self.client) << u32::BITS | u64::from(self.number))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let word = reader.word()?;
        Ok(Self {
            client: (word >> u32::BITS) as u32,
            number: word as u32,
        })
    }
}

/// What the server has counted since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Wire)]
pub struct Totals {
    /// Which start of the server this is: no two have the same number.
    pub incarnation: u64,
    /// Numbered requests that it has run.
    pub requests: u64,
    /// Request numbers that it has seen, each counted once.
    pub distinct: u64,
}

error_codes! {
    /// Why the server refuses.
    pub enum KvError {
        /// Nothing is stored under the key.
        NoSuchKey = 1, "there is no such key";
        /// There is no room for another key.
        Full = 2, "there is no room for another key";
        /// It counts no more clients, or no more requests of this one.
        NotCounted = 3, "the request's number is out of range";
    }
}

/// A key-value store.
#[interface(name = "kv")]
pub trait Kv {
    /// Stores a value; returns how often the key has been stored now.
    #[method(0)]
    fn put(&mut self, id: RequestId, key: Key, value: Value) -> Result<u64, KvError>;

    /// The value of a key.
    #[method(1)]
    fn get(&mut self, id: RequestId, key: Key) -> Result<Value, KvError>;

    /// How many keys there are.
    #[method(2)]
    fn count(&mut self, id: RequestId) -> Result<u64, KvError>;

    /// How often request `of` was run. Not counted itself.
    #[method(3)]
    fn executed(&mut self, of: RequestId) -> Result<u32, KvError>;

    /// All that was counted. Not counted itself.
    #[method(4)]
    fn totals(&mut self) -> Result<Totals, KvError>;
}
