//! Small values of naming's calls.

use isthmus_interface::{Malformed, Reader, TooLong, Wire, Writer};

/// From where a name is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub enum Reach {
    /// From this machine, and from others by `/node/2`.
    Machine,
    /// From every machine, by the same path. One machine at a time holds it.
    Cluster,
}

/// What may be done through a directory's capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Wire)]
pub enum Access {
    /// Looking up, listing, watching, opening to read.
    Read,
    /// All of that, and registering, renaming, unlinking.
    Change,
}

/// Whether a name that was renewed is found by its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is.
    Holder,
    /// Another machine holds the cluster-wide name; this entry stands by, and is found by `/node` only.
    Standby {
        /// The machine that holds it; 0: none does at this moment.
        node: u8,
    },
}

/// A watch that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub struct Watched {
    /// Its name, to renew and to end it by.
    pub id: u32,
    /// How often the directory had changed.
    pub changes: u64,
}

/// The number of the holder's machine, or none.
impl Wire for Standing {
    const MAX_WORDS: usize = Option::<u8>::MAX_WORDS;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooLong> {
        match *self {
            Self::Holder => None,
            Self::Standby { node } => Some(node),
        }
        .write(writer)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(match Option::read(reader)? {
            None => Self::Holder,
            Some(node) => Self::Standby { node },
        })
    }
}
