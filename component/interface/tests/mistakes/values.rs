//! Interfaces whose messages are too long, and servers and clients that do not keep to theirs.
use core::convert::Infallible;
use isthmus_interface::{Transport, Wire, interface};

#[interface(name = "values")]
pub trait Values {
    #[method(0)]
    fn fits(&mut self, words: [u64; 120]) -> Result<(), Infallible>;
    #[method(1)]
    fn too_long(&mut self, words: [u64; 120], more: u8) -> Result<(), Infallible>; //~ the arguments do not fit one message
}

struct Server;

impl Values for Server {
    fn fits(&mut self, words: [u64; 119]) -> Result<(), Infallible> { //~ method `fits` has an incompatible type for trait
        Ok(())
    }
    fn too_long(&mut self, words: [u64; 120], more: u8) -> Result<(), Infallible> {
        Ok(())
    }
}

pub fn call(client: &ValuesClient<impl Transport>) {
    let _ = client.fits(7); //~ mismatched types
}

#[derive(Wire)]
pub enum Shape {
    Empty,
    Full(u8), //~ an enum with fields is carried by serde
}
