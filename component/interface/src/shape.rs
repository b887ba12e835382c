//! What a type looks like in a message's words: for whoever does not write Rust ([`crate::header`]).

/// The words of a [`Wire`](crate::Wire) type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One word that holds a number of this C type.
    Number(&'static str),
    /// One word, one of these values.
    Choice(&'static str, &'static [(&'static str, u64)]),
    /// So many words, whatever they mean.
    Words(usize),
    /// A word with the number of bytes, at most so many, and the bytes, eight to a word.
    Bytes(usize),
    /// One after the other.
    Struct(&'static str, &'static [(&'static str, Shape)]),
    /// Nothing.
    Nothing,
}
