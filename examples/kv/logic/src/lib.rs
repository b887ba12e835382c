//! The key-value store, and its count of requests: pure, of fixed size.
//!
//! It has no address and answers nobody: that is `kv-server`'s. Nothing is allocated after it was made.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::boxed::Box;
use alloc::vec;

use heapless::Vec;
use kv_interface::{CLIENTS, Key, KvError, REQUESTS, RequestId, Totals, Value};

/// Keys that are stored at most.
pub const KEYS: usize = 32;

struct Entry {
    key: Key,
    value: Value,
    stored: u64,
}

/// How often each request of one client was run. A count stays at 255: nobody asks how much more than once it was.
struct Counts {
    client: u32,
    runs: Box<[u8]>,
}

/// The store.
pub struct Store {
    entries: Box<Vec<Entry, KEYS>>,
    counts: Vec<Counts, CLIENTS>,
    free: Vec<Box<[u8]>, CLIENTS>,
    totals: Totals,
}

impl Store {
    /// An empty one. `incarnation` is a number that no other start of the server has.
    #[must_use]
    pub fn new(incarnation: u64) -> Self {
        let free = (0..CLIENTS)
            .map(|_| vec![0; REQUESTS as usize].into_boxed_slice())
            .collect();
        let totals = Totals {
            incarnation,
            ..Totals::default()
        };
        Self {
            entries: Box::new(Vec::new()),
            counts: Vec::new(),
            free,
            totals,
        }
    }

    /// Counts a request. One whose number is out of range is not run.
    pub fn run(&mut self, id: RequestId) -> Result<(), KvError> {
        let known = self.counts.iter().position(|c| c.client == id.client);
        if id.number >= REQUESTS {
            return Err(KvError::NotCounted);
        }
        let at = match known {
            Some(at) => at,
            None => {
                let runs = self.free.pop().ok_or(KvError::NotCounted)?;
                let counts = Counts {
                    client: id.client,
                    runs,
                };
                self.counts.push(counts).map_err(|_| KvError::NotCounted)?;
                self.counts.len() - 1
            }
        };
        let runs = &mut self.counts[at].runs[id.number as usize];
        self.totals.requests += 1;
        self.totals.distinct += u64::from(*runs == 0);
        *runs = runs.saturating_add(1);
        Ok(())
    }

    /// How often a request was run.
    #[must_use]
    pub fn executed(&self, id: RequestId) -> u32 {
        let counts = self.counts.iter().find(|c| c.client == id.client);
        counts
            .and_then(|c| c.runs.get(id.number as usize))
            .map_or(0, |&runs| runs.into())
    }

    /// What was counted.
    #[must_use]
    pub const fn totals(&self) -> Totals {
        self.totals
    }

    /// Stores a value; returns how often the key has been stored.
    pub fn put(&mut self, key: Key, value: &Value) -> Result<u64, KvError> {
        let at = match self.entries.iter().position(|e| e.key == key) {
            Some(at) => at,
            None => {
                let entry = Entry {
                    key,
                    value: Value::new(),
                    stored: 0,
                };
                self.entries.push(entry).map_err(|_| KvError::Full)?;
                self.entries.len() - 1
            }
        };
        let entry = &mut self.entries[at];
        entry.value.clone_from(value);
        entry.stored += 1;
        Ok(entry.stored)
    }

    /// The value of a key.
    pub fn get(&self, key: &Key) -> Result<&Value, KvError> {
        self.entries
            .iter()
            .find(|e| e.key == *key)
            .map(|e| &e.value)
            .ok_or(KvError::NoSuchKey)
    }

    /// How many keys there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.entries.len() as u64
    }
}
