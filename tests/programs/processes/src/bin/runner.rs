//! A component that wants all the processor that it gets, and counts what it did with it where `keeper` sees it.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use core::sync::atomic::Ordering;

use isthmus_runtime::abi::startup::Missing;
use isthmus_runtime::{Never, Startup, grants};
use processes_programs::COUNT;

isthmus_runtime::entry!(main);

fn main(_startup: &'static Startup) -> Result<Never, Missing<'static>> {
    let memory = grants::shared_memory(COUNT)?;
    loop {
        memory.words()[0].fetch_add(1, Ordering::Relaxed);
    }
}
