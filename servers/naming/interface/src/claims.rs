//! What the naming servers of two machines tell each other.

use heapless::Vec;
use isthmus_interface::{Malformed, Reader, TooLong, Wire, Writer};

use crate::limits::CLAIMS_IN_PAGE;
use crate::listing::{read_all, write_all};
use crate::{Lease, Path};

/// A cluster-wide name of the machine that says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Its path, from the machine's root.
    pub path: Path,
    /// How long it is still registered, in milliseconds.
    pub left: u32,
}

/// A page of a machine's cluster-wide names, in the order of their paths. If it is full there may be more, after its last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// A number that no other start of that naming server has.
    pub incarnation: u64,
    /// The names.
    pub claims: Vec<Claim, CLAIMS_IN_PAGE, u8>,
}

impl Claims {
    /// After which path the next page begins; `None`: this was the last.
    #[must_use]
    pub fn next(&self) -> Option<&Path> {
        let last = self.claims.last()?;
        self.claims.is_full().then_some(&last.path)
    }
}

impl Wire for Claim {
    const MAX_WORDS: usize = Path::MAX_WORDS + 1;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooLong> {
        self.path.write(writer)?;
        self.left.write(writer)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (path, left) = Wire::read(reader)?;
        if u128::from(left) > Lease::MAX.length().as_millis() {
            return Err(Malformed);
        }
        Ok(Self { path, left })
    }
}

impl Wire for Claims {
    const MAX_WORDS: usize = 2 + CLAIMS_IN_PAGE * Claim::MAX_WORDS;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooLong> {
        self.incarnation.write(writer)?;
        write_all(&self.claims, writer)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            incarnation: u64::read(reader)?,
            claims: read_all(reader)?,
        })
    }
}
