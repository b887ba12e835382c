//! Values and message words.

use core::fmt;

use crate::Shape;

/// The words cannot be read as the value: too few, too many, or out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// The value does not fit the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the message cannot be read as what it should be")
    }
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value does not fit one message")
    }
}

impl core::error::Error for Malformed {}
impl core::error::Error for TooLong {}

/// A value that a message can carry: as whole words.
///
/// What is written is read back as the same value, and nothing else is read as that value.
pub trait Wire: Sized {
    /// The most words that a value takes. What has at most four travels in registers.
    const MAX_WORDS: usize;

    /// What the words look like, for other languages.
    const SHAPE: Shape = Shape::Words(Self::MAX_WORDS);

    /// Writes the value.
    fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooLong>;

    /// Reads a value.
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed>;
}

/// Where values are written.
#[derive(Debug)]
pub struct Writer<'a> {
    words: &'a mut [u64],
    at: usize,
}

impl<'a> Writer<'a> {
    /// Over these words, from the first.
    #[must_use]
    pub const fn new(words: &'a mut [u64]) -> Self {
        Self { words, at: 0 }
    }

    /// Words written.
    #[must_use]
    pub const fn written(&self) -> usize {
        self.at
    }

    /// Writes one word.
    #[inline]
    pub fn word(&mut self, word: u64) -> Result<(), TooLong> {
        *self.words.get_mut(self.at).ok_or(TooLong)? = word;
        self.at += 1;
        Ok(())
    }

    /// Writes bytes: their number in a word, then eight to a word, the last filled up with zeros.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        self.word(bytes.len() as u64)?;
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.word(word_of(chunk))?;
        }
        if chunks.remainder().is_empty() {
            Ok(())
        } else {
            self.word(word_of(chunks.remainder()))
        }
    }
}

/// Up to eight bytes as a little-endian word.
fn word_of(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

/// Where values are read from.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    words: &'a [u64],
}

impl<'a> Reader<'a> {
    /// Over a message's words.
    #[must_use]
    pub const fn new(words: &'a [u64]) -> Self {
        Self { words }
    }

    /// Reads one word.
    #[inline]
    pub fn word(&mut self) -> Result<u64, Malformed> {
        let (first, rest) = self.words.split_first().ok_or(Malformed)?;
        self.words = rest;
        Ok(*first)
    }

    /// Reads bytes that [`Writer::bytes`] wrote, into the beginning of `buffer`; returns how many.
    pub fn bytes(&mut self, buffer: &mut [u8]) -> Result<usize, Malformed> {
        let length = usize::try_from(self.word()?).map_err(|_| Malformed)?;
        let bytes = buffer.get_mut(..length).ok_or(Malformed)?;
        for chunk in bytes.chunks_mut(8) {
            let word = self.word()?.to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
            if word[chunk.len()..].iter().any(|&b| b != 0) {
                return Err(Malformed);
            }
        }
        Ok(length)
    }

    /// Checks that nothing is left.
    #[inline]
    pub fn finish(self) -> Result<(), Malformed> {
        if self.words.is_empty() {
            Ok(())
        } else {
            Err(Malformed)
        }
    }
}

macro_rules! scalars {
    ($($type:ty, $c:literal;)*) => {$(
        impl Wire for $type {
            const MAX_WORDS: usize = 1;
            const SHAPE: Shape = Shape::Number($c);

            #[inline]
            fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooLong> {
                writer.word(*self as u64)
            }

            #[inline]
            fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                let word = reader.word()?;
                let value = word as $type;
                // Only the word that the value is written as: no two messages mean the same.
                if value as u64 == word { Ok(value) } else { Err(Malformed) }
            }
        }
    )*};
}

scalars! {
    u8, "uint8_t";
    u16, "uint16_t";
    u32, "uint32_t";
    u64, "uint64_t";
    i8, "int8_t";
    i16, "int16_t";
    i32, "int32_t";
    i64, "int64_t";
}

impl Wire for bool {
    const MAX_WORDS: usize = 1;
    const SHAPE: Shape = Shape::Number("bool");

    #[inline]
    fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooLong> {
        writer.word(u64::from(*self))
    }

    #[inline]
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.word()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }
}

/// A value or none: a word that says which, then the value.
impl<T: Wire> Wire for Option<T> {
    const MAX_WORDS: usize = 1 + T::MAX_WORDS;

    #[inline]
    fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooLong> {
        self.is_some().write(writer)?;
        self.as_ref().map_or(Ok(()), |value| value.write(writer))
    }

    #[inline]
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        if bool::read(reader)? {
            T::read(reader).map(Some)
        } else {
            Ok(None)
        }
    }
}

/// The error of an interface whose methods cannot fail by themselves.
impl Wire for core::convert::Infallible {
    const MAX_WORDS: usize = 0;
    const SHAPE: Shape = Shape::Nothing;

    fn write(&self, _writer: &mut Writer<'_>) -> Result<(), TooLong> {
        match *self {}
    }

    fn read(_reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Err(Malformed)
    }
}

macro_rules! tuples {
    ($(($($name:ident)*))*) => {$(
        impl<$($name: Wire),*> Wire for ($($name,)*) {
            const MAX_WORDS: usize = 0 $(+ $name::MAX_WORDS)*;
            const SHAPE: Shape = match Self::MAX_WORDS {
                0 => Shape::Nothing,
                words => Shape::Words(words),
            };

            #[inline]
            fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooLong> {
                let _ = writer;
                #[allow(non_snake_case)]
                let ($($name,)*) = self;
                $($name.write(writer)?;)*
                Ok(())
            }

            #[inline]
            fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                let _ = reader;
                Ok(($($name::read(reader)?,)*))
            }
        }
    )*};
}

tuples! { () (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H) }

impl<const N: usize> Wire for [u64; N] {
    const MAX_WORDS: usize = N;

    #[inline]
    fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooLong> {
        self.iter().try_for_each(|&word| writer.word(word))
    }

    #[inline]
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut words = [0; N];
        for word in &mut words {
            *word = reader.word()?;
        }
        Ok(words)
    }
}
