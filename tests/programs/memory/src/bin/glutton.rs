//! Takes whatever it can get, and goes on asking for more.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;

use isthmus_runtime::interface::CallError;
use isthmus_runtime::memory::{self, Access, Error, MemoryError, MemoryObject};
use isthmus_runtime::{Startup, say};
use memory_programs::{Checked, Wrong, expect, report, rest};

isthmus_runtime::entry!(main);

/// Bytes of each object.
const BYTES: u64 = 20 << 10;
/// How often it asks when it has nothing more to get.
const REPETITIONS: u32 = 10_000;

fn main(_startup: &'static Startup) -> ! {
    let mut objects = Vec::new();
    report("eating", eat(&mut objects));
    rest()
}

fn eat(objects: &mut Vec<MemoryObject>) -> Checked {
    let mut refused = || loop {
        match MemoryObject::create(BYTES) {
            Ok(object) => objects.push(object),
            Err(error) => return error,
        }
    };
    let full = Error::Call(CallError::Interface(MemoryError::QuotaExceeded));
    for _ in 0..REPETITIONS {
        expect("the answer to one too many", refused(), full)?;
    }
    let usage = memory::usage()?;
    expect(
        "bytes in use",
        usage.used_bytes,
        usage.quota_bytes / BYTES * BYTES,
    )?;
    let last = objects.last().ok_or(Wrong("it got nothing".into()))?;
    // Less than the tables of a first mapping is left.
    expect(
        "the answer to a mapping",
        last.map(Access::Write).err(),
        Some(full),
    )?;
    say!("{} objects: {full}", objects.len());
    // What is given back can be had again.
    objects.pop();
    objects.push(MemoryObject::create(BYTES)?);
    Ok(())
}
