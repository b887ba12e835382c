//! Writes where it may only read: the kernel stops it.
#![no_std]
#![no_main]

use isthmus_runtime::memory::{Access, Mapping, MemoryObject};
use isthmus_runtime::{Startup, say};
use memory_programs::{Checked, expect, report, rest};

isthmus_runtime::entry!(main);

fn main(_startup: &'static Startup) -> ! {
    report("reading what may be read", scribble());
    say!("STILL HERE");
    rest()
}

fn scribble() -> Checked {
    let object = MemoryObject::create(1)?;
    let mapping: Mapping = object.map(Access::Read)?;
    expect("a word", mapping.word(0)?, 0)?;
    expect(
        "whether it can be had for writing",
        mapping.memory().is_none(),
        true,
    )?;
    say!("reading what may be read: ok");
    // SAFETY: not sound, and meant: the page is mapped read-only, so the thread faults.
    unsafe { (mapping.address() as *mut u64).write_volatile(1) };
    Ok(())
}
