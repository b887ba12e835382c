//! The smallest client: looks the server `hello` up by name, wherever it is, and calls it.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::boxed::Box;
use core::error::Error;

use hello_interface::{Guest, Hello, HelloClient};
use isthmus_runtime::{Duration, Kernel, Startup, names, say, service};

isthmus_runtime::entry!(main);

/// The server's machine may still be starting.
const PATIENCE: Duration = Duration::from_secs(60);

fn main(_startup: &'static Startup) -> ! {
    match greet() {
        Ok(greeted) => say!("demo: ok {greeted} greeted"),
        Err(error) => say!("demo: failed: {error}"),
    }
    loop {
        let _ = service::wait();
    }
}

fn greet() -> Result<u64, Box<dyn Error>> {
    let server = HelloClient::new(Kernel, names::find::<dyn Hello>("hello", PATIENCE)?);
    Ok(server.greet(Guest::try_from("world")?)?)
}
