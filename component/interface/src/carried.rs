//! How a type of a signature is carried: as words, if it can be, else by `serde`.
//!
//! The macro's output names concrete types only, so Rust's own preference of inherent items over a trait's chooses: `Carried<T>` has
//! them where `T` is [`Wire`], and the trait [`BySerde`] offers the same names for everything that `serde` carries.

use core::marker::PhantomData;

use isthmus_abi::limits::MESSAGE_BYTES;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::wire::{Malformed, Reader, TooLong, Wire, Writer};
use crate::{LONG, Shape, Size};

/// The codec of `T`.
#[derive(Debug)]
pub struct Carried<T>(PhantomData<T>);

impl<T: Wire> Carried<T> {
    /// How long it is.
    pub const SIZE: Size = Size::Words(T::MAX_WORDS);
    /// What it looks like.
    pub const SHAPE: Option<Shape> = Some(T::SHAPE);

    /// Writes it.
    #[inline]
    pub fn write(value: &T, writer: &mut Writer<'_>) -> Result<(), TooLong> {
        value.write(writer)
    }

    /// Reads it.
    #[inline]
    pub fn read(reader: &mut Reader<'_>) -> Result<T, Malformed> {
        T::read(reader)
    }
}

/// Stops the compilation, at its caller's line, if a method's messages cannot fit.
#[track_caller]
pub const fn must_fit(arguments: Size, reply: Size, error: Size) {
    assert!(
        !arguments.is_too_long(),
        "the arguments do not fit one message"
    );
    assert!(!reply.is_too_long(), "the reply does not fit one message");
    assert!(!error.is_too_long(), "the error does not fit one message");
}

/// The codec of what is no [`Wire`]: `postcard`'s bytes, after their number.
pub trait BySerde {
    /// What is carried.
    type Value;
    /// How long it is.
    const SIZE: Size = Size::Unknown;
    /// What it looks like: nobody but `serde` can tell.
    const SHAPE: Option<Shape> = None;

    /// Writes it.
    fn write(value: &Self::Value, writer: &mut Writer<'_>) -> Result<(), TooLong>;

    /// Reads it.
    fn read(reader: &mut Reader<'_>) -> Result<Self::Value, Malformed>;
}

impl<T: Serialize + DeserializeOwned> BySerde for Carried<T> {
    type Value = T;

    #[inline]
    fn write(value: &T, writer: &mut Writer<'_>) -> Result<(), TooLong> {
        writer.encoded(value)
    }

    #[inline]
    fn read(reader: &mut Reader<'_>) -> Result<T, Malformed> {
        reader.encoded()
    }
}

impl Writer<'_> {
    /// Writes whatever `serde` carries, by `postcard`.
    pub fn encoded(&mut self, value: &impl Serialize) -> Result<(), TooLong> {
        let mut buffer = [0; MESSAGE_BYTES];
        let bytes = postcard::to_slice(value, &mut buffer).map_err(|_| TooLong)?;
        self.bytes(bytes)
    }
}

impl Reader<'_> {
    /// Reads what [`Writer::encoded`] wrote.
    pub fn encoded<T: DeserializeOwned>(&mut self) -> Result<T, Malformed> {
        const { assert!(LONG * 8 == MESSAGE_BYTES) };
        let mut buffer = [0; MESSAGE_BYTES];
        let length = self.bytes(&mut buffer)?;
        let (value, rest) = postcard::take_from_bytes(&buffer[..length]).map_err(|_| Malformed)?;
        // Nothing behind it: no two messages mean the same.
        if rest.is_empty() {
            Ok(value)
        } else {
            Err(Malformed)
        }
    }
}
