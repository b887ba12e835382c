//! Writes where it may only read, or reads what it has unmapped: the kernel stops it.
#![no_std]
#![no_main]

use isthmus_runtime::memory::{Access, Mapping, MemoryObject};
use isthmus_runtime::{Startup, say};
use memory_programs::{Checked, expect, report, rest};

isthmus_runtime::entry!(main);

const PAGE: u64 = 4096;

fn main(startup: &'static Startup) -> ! {
    match startup.argument("after") {
        Some("unmapping") => report("reading what was unmapped", peep()),
        _ => report("writing what may be read", scribble()),
    }
    say!("STILL HERE");
    rest()
}

/// Reads, and then writes, what is mapped for reading.
fn scribble() -> Checked {
    let object = MemoryObject::create(1)?;
    let mapping: Mapping = object.map(Access::Read)?;
    expect("a word", mapping.word(0)?, 0)?;
    expect("memory to write", mapping.memory().is_none(), true)?;
    say!("writing what may be read: ok");
    // SAFETY: not sound, and meant: the page is mapped read-only, so the thread faults.
    unsafe { (mapping.address() as *mut u64).write_volatile(1) };
    Ok(())
}

/// Reads where something was mapped, beside another mapping that holds the translation tables.
fn peep() -> Checked {
    let held = MemoryObject::create(PAGE)?;
    let _held = held.map(Access::Write)?;
    let object = MemoryObject::create(PAGE)?;
    let first = object.map(Access::Write)?.address();
    let mut addresses = [0; 100];
    for address in &mut addresses {
        *address = object.map(Access::Read)?.address();
    }
    expect("addresses", addresses, [first; 100])?;
    say!("reading what was unmapped: ok");
    // SAFETY: not sound, and meant: the page is unmapped, so the thread faults.
    unsafe { (first as *const u64).read_volatile() };
    Ok(())
}
