//! Types that no message carries.
use core::convert::Infallible;
use isthmus_interface::interface;

pub struct Opaque(u64);

#[interface(name = "types")]
pub trait Types {
    #[method(0)]
    fn argument(&mut self, value: Opaque) -> Result<(), Infallible>; //~ trait bounds were not satisfied
    #[method(1)]
    fn reply(&mut self) -> Result<Opaque, Infallible>; //~ trait bounds were not satisfied
    #[method(2)]
    fn error(&mut self) -> Result<(), Opaque>; //~ trait bounds were not satisfied
    #[method(3)]
    fn unknown(&mut self, value: NoSuchType) -> Result<(), Infallible>; //~ cannot find type `NoSuchType`
    #[method(4)]
    fn fine(&mut self, value: u64) -> Result<(), Infallible>;
}
