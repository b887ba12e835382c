//! What a look-up brings.

use isthmus_interface::{Malformed, Reader, TooLong, Wire, Writer};

/// One step of a look-up; a capability comes with either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The capability is what the path stands for.
    Found,
    /// The capability is another machine's naming.
    Referral {
        /// That machine.
        node: u8,
        /// Bytes of the path that are dealt with: it is asked for the rest.
        consumed: u8,
    },
}

/// Two words: 0 and 0, or the node (never 0) and the bytes consumed.
impl Wire for Step {
    const MAX_WORDS: usize = 2;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooLong> {
        match *self {
            Self::Found => (0u8, 0u8).write(writer),
            Self::Referral { node, consumed } => (node, consumed).write(writer),
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match <(u8, u8)>::read(reader)? {
            (0, 0) => Ok(Self::Found),
            (0, _) => Err(Malformed),
            (node, consumed) => Ok(Self::Referral { node, consumed }),
        }
    }
}
