//! Traits that cannot be interfaces.
use core::convert::Infallible;
use isthmus_interface::{Anything, Caller, Cap, Later, interface};

#[interface(name = "shape")]
pub trait Shape {
    const N: usize; //~ an interface has methods, and nothing else
    #[method(0)]
    fn fine(&mut self) -> Result<u64, Infallible>;
    fn no_ordinal(&mut self) -> Result<(), Infallible>; //~ `no_ordinal` has no ordinal
    #[method(0)] //~ ordinal 0 is the one of `fine`
    fn same_ordinal(&mut self) -> Result<(), Infallible>;
    #[method(240)] //~ an ordinal is 0 to 239
    fn high_ordinal(&mut self) -> Result<(), Infallible>;
    #[method(2)]
    fn no_result(&mut self) -> u64; //~ a method returns `Result<T, E>`
    #[method(3)]
    fn nothing(&mut self); //~ `nothing` returns `Result<T, E>`, or is `#[one_way]`
    #[method(4)]
    #[one_way]
    fn result_of_one_way(&mut self) -> Result<(), Infallible>; //~ nobody waits for the result
    #[method(5)]
    fn no_self(number: u64) -> Result<(), Infallible>; //~ a handler takes `&mut self` first
    #[method(6)]
    fn reference(&mut self, text: &str) -> Result<(), Infallible>; //~ an argument is sent by value
    #[method(7)]
    fn two(&mut self, one: Cap<Anything>, two: Option<Cap<Anything>>) -> Result<(), Infallible>; //~ only the first capability of a message may be missing
    #[method(8)]
    #[rustfmt::skip]
    fn five(&mut self, a: Cap<Anything>, b: Cap<Anything>, c: Cap<Anything>, d: Cap<Anything>,
        e: Cap<Anything>) -> Result<(), Infallible>; //~ a method takes at most 4 capabilities
    #[method(15)]
    #[one_way]
    fn two_one_way(&mut self, one: Cap<Anything>, two: Cap<Anything>); //~ a one-way message carries one capability
    #[method(9)]
    fn two_callers(&mut self, one: Caller, two: Caller) -> Result<(), Infallible>; //~ there is one caller
    #[method(10)]
    fn both(&mut self, later: Later<(), Infallible>) -> Result<(), Infallible>; //~ not both
    #[method(11)]
    fn body(&mut self) -> Result<(), Infallible> { Ok(()) } //~ an interface's method has no body
    #[method(12)]
    fn generic<T>(&mut self, value: T) -> Result<(), Infallible>; //~ no generic parameters
    #[method(13)]
    async fn not_async(&mut self) -> Result<(), Infallible>; //~ a handler is not async
    #[method(14)]
    fn pattern(&mut self, (a, b): (u8, u8)) -> Result<(), Infallible>; //~ an argument has a plain name
}

#[interface(name = "a name that is too long by far")] //~ an interface's name has 1 to 24 bytes
pub trait Named {}

#[interface] //~ an interface has a name
pub trait Nameless {}

#[interface(name = "x", colour = "red")] //~ the only argument is
pub trait Coloured {}
