//! Values that are longer than words: bytes, texts, and whatever `serde` carries.

use heapless::{LenType, String, Vec};
use isthmus_abi::Name;
use isthmus_abi::limits::{MESSAGE_BYTES, NAME_BYTES};
use serde::{Deserialize, Serialize};

use crate::Shape;
use crate::wire::{Malformed, Reader, TooLong, Wire, Writer};

/// Words for at most `bytes` bytes, with their number.
const fn words_for(bytes: usize) -> usize {
    1 + bytes.div_ceil(8)
}

impl<const N: usize, L: LenType> Wire for Vec<u8, N, L> {
    const MAX_WORDS: usize = words_for(N);
    const SHAPE: Shape = Shape::Bytes(N);

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooLong> {
        writer.bytes(self)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut bytes = Self::new();
        bytes.resize_default(N).map_err(|_| Malformed)?;
        let length = reader.bytes(&mut bytes)?;
        bytes.truncate(length);
        Ok(bytes)
    }
}

impl<const N: usize, L: LenType> Wire for String<N, L> {
    const MAX_WORDS: usize = words_for(N);
    const SHAPE: Shape = Shape::Bytes(N);

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooLong> {
        writer.bytes(self.as_bytes())
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Self::from_utf8(Vec::read(reader)?).map_err(|_| Malformed)
    }
}

impl Wire for Name {
    const MAX_WORDS: usize = words_for(NAME_BYTES);
    const SHAPE: Shape = Shape::Bytes(NAME_BYTES);

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooLong> {
        writer.bytes(self.as_str().as_bytes())
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let text = String::<NAME_BYTES>::read(reader)?;
        Self::new(&text).map_err(|_| Malformed)
    }
}

/// A value that is carried by `serde` and `postcard`, in at most BYTES bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoded<T, const BYTES: usize>(pub T);

impl<T: Serialize + for<'de> Deserialize<'de>, const BYTES: usize> Wire for Encoded<T, BYTES> {
    const MAX_WORDS: usize = words_for(BYTES);

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooLong> {
        const { assert!(BYTES <= MESSAGE_BYTES) };
        let mut buffer = [0; BYTES];
        let bytes = postcard::to_slice(&self.0, &mut buffer).map_err(|_| TooLong)?;
        writer.bytes(bytes)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut buffer = [0; BYTES];
        let length = reader.bytes(&mut buffer)?;
        let (value, rest) = postcard::take_from_bytes(&buffer[..length]).map_err(|_| Malformed)?;
        if rest.is_empty() {
            Ok(Self(value))
        } else {
            Err(Malformed)
        }
    }
}
