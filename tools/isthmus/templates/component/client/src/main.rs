//! A client of `@NAME@`: looks the server up by name, wherever it is, and calls it.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::boxed::Box;
use core::error::Error;

use @CRATE@_interface::{Guest, @TRAIT@, @TRAIT@Client};
use isthmus_runtime::{Duration, Kernel, Startup, names, say, service};

isthmus_runtime::entry!(main);

/// The server's machine may still be starting.
const PATIENCE: Duration = Duration::from_secs(60);

fn main(_startup: &'static Startup) -> ! {
    match greet_all() {
        Ok(greeted) => say!("the server has greeted {greeted} guests"),
        Err(error) => say!("failed: {error}"),
    }
    loop {
        let _ = service::wait();
    }
}

fn greet_all() -> Result<u64, Box<dyn Error>> {
    let server = names::find::<dyn @TRAIT@>("@NAME@", PATIENCE)?;
    let server = @TRAIT@Client::new(Kernel, server);
    let mut greeted = 0;
    for name in ["Ada", "Grace", "Barbara"] {
        greeted = server.greet(Guest::try_from(name)?)?;
    }
    Ok(greeted)
}
