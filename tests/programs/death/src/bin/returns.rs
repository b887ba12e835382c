//! A component whose main function returns an error.
#![no_std]
#![no_main]

use isthmus_runtime::{Never, Startup};

isthmus_runtime::entry!(main);

/// The error.
#[derive(Debug)]
#[expect(dead_code, reason = "read by Debug")]
struct Sorry(u32);

fn main(_startup: &'static Startup) -> Result<Never, Sorry> {
    Err(Sorry(42))
}
