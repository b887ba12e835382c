//! The smallest server: registers the name `hello`, and answers. It does not know where its clients are.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use hello_interface::{Guest, Hello, HelloError, hello};
use isthmus_runtime::{Never, Startup, names};

isthmus_runtime::entry!(main);

struct Greeter {
    greeted: u64,
}

impl Hello for Greeter {
    fn greet(&mut self, guest: Guest) -> Result<u64, HelloError> {
        if guest.is_empty() {
            return Err(HelloError::Nameless);
        }
        self.greeted += 1;
        Ok(self.greeted)
    }
}

fn main(_startup: &'static Startup) -> Result<Never, names::Error> {
    names::serve("hello", &mut Greeter { greeted: 0 }, hello::dispatch)
}
