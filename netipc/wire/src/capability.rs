//! A capability on the wire.

use crate::bulk::{Access, LOAN_MAX, Loan};
use crate::bytes::{put, u8_at, u16_at, u32_at, u64_at};
use crate::{Malformed, NodeId};

/// An export of the frame's sender, in this session: a row of its table, and which use of the row.
///
/// The generation has 64 bits so that it never comes round: a descriptor of an export that is gone can be told for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Descriptor {
    /// Row of the exporter's table; 0 is the bootstrap export.
    pub index: u32,
    /// Which use of the row, from 1; 0 only for the bootstrap export.
    pub generation: u64,
}

impl Descriptor {
    /// Bytes in a frame.
    pub const LENGTH: usize = 12;
    /// The export that every machine has from the start: its naming. It cannot be released.
    pub const BOOTSTRAP: Self = Self {
        index: 0,
        generation: 0,
    };

    pub(crate) fn read(bytes: &[u8], offset: usize) -> Result<Self, Malformed> {
        let descriptor = Self {
            index: u32_at(bytes, offset),
            generation: u64_at(bytes, offset + 4),
        };
        // Row 0 and generation 0 belong together.
        if (descriptor.index == 0) == (descriptor.generation == 0) {
            Ok(descriptor)
        } else {
            Err(Malformed::Field)
        }
    }

    /// As [`read`](Self::read), for what can end or be passed on: the bootstrap export cannot.
    pub(crate) fn read_mortal(bytes: &[u8], offset: usize) -> Result<Self, Malformed> {
        match Self::read(bytes, offset)? {
            Self::BOOTSTRAP => Err(Malformed::Field),
            descriptor => Ok(descriptor),
        }
    }

    pub(crate) fn write(self, bytes: &mut [u8], offset: usize) {
        put(bytes, offset, self.index.to_le_bytes());
        put(bytes, offset + 4, self.generation.to_le_bytes());
    }
}

/// What names an export that was offered: drawn at random by its exporter, good once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Grant(pub u128);

impl Grant {
    /// Bytes in a frame.
    pub const LENGTH: usize = 16;

    pub(crate) fn read(bytes: &[u8], offset: usize) -> Self {
        let (low, high) = (u64_at(bytes, offset), u64_at(bytes, offset + 8));
        Self(u128::from(high) << 64 | u128::from(low))
    }

    pub(crate) fn write(self, bytes: &mut [u8], offset: usize) {
        put(bytes, offset, self.0.to_le_bytes());
    }
}

/// A capability that goes with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Capability {
    /// An export of the frame's sender, never the bootstrap export.
    Mine(Descriptor),
    /// An export of the frame's receiver, which comes home; never the bootstrap export.
    Yours(Descriptor),
    /// An export of a third machine, which the receiver was offered.
    Granted(NodeId, Grant),
    /// Memory of the sender's, lent for this call: only in a request.
    Lent(Loan),
}

mod field {
    pub const KIND: usize = 0;
    pub const NODE: usize = 1;
    pub const RESERVED: usize = 2;
    pub const NAME: usize = 4;
    pub const PADDING: usize = NAME + super::Descriptor::LENGTH;
    pub const LENGTH: usize = NAME;
    pub const ACCESS: usize = LENGTH + 8;
}

const NONE: u8 = 0;
const MINE: u8 = 1;
const YOURS: u8 = 2;
const GRANTED: u8 = 3;
const LENT: u8 = 4;

impl Capability {
    /// Bytes in a frame, also for none.
    pub const LENGTH: usize = field::NAME + Grant::LENGTH;

    pub(crate) fn read(bytes: &[u8], offset: usize) -> Result<Option<Self>, Malformed> {
        let kind = u8_at(bytes, offset + field::KIND);
        let node = u8_at(bytes, offset + field::NODE);
        if u16_at(bytes, offset + field::RESERVED) != 0 || (node != 0) != (kind == GRANTED) {
            return Err(Malformed::Field);
        }
        let named = || {
            if u32_at(bytes, offset + field::PADDING) != 0 {
                return Err(Malformed::Field);
            }
            Descriptor::read_mortal(bytes, offset + field::NAME)
        };
        match kind {
            NONE if Grant::read(bytes, offset + field::NAME) == Grant(0) => Ok(None),
            MINE => Ok(Some(Self::Mine(named()?))),
            YOURS => Ok(Some(Self::Yours(named()?))),
            GRANTED => {
                let grant = Grant::read(bytes, offset + field::NAME);
                Ok(Some(Self::Granted(NodeId(node), grant)))
            }
            LENT => Ok(Some(Self::Lent(Self::loan(bytes, offset)?))),
            _ => Err(Malformed::Field),
        }
    }

    fn loan(bytes: &[u8], offset: usize) -> Result<Loan, Malformed> {
        let length = u64_at(bytes, offset + field::LENGTH);
        let access = u64_at(bytes, offset + field::ACCESS);
        let access = u8::try_from(access).map_err(|_| Malformed::Field)?;
        if !(1..=LOAN_MAX).contains(&length) {
            return Err(Malformed::Field);
        }
        Ok(Loan {
            length,
            access: Access::from_code(access)?,
        })
    }

    pub(crate) fn write(capability: Option<Self>, bytes: &mut [u8], offset: usize) {
        put(bytes, offset, [0; Self::LENGTH]);
        let (kind, node) = match capability {
            None => (NONE, 0),
            Some(Self::Mine(descriptor)) => {
                descriptor.write(bytes, offset + field::NAME);
                (MINE, 0)
            }
            Some(Self::Yours(descriptor)) => {
                descriptor.write(bytes, offset + field::NAME);
                (YOURS, 0)
            }
            Some(Self::Granted(node, grant)) => {
                grant.write(bytes, offset + field::NAME);
                (GRANTED, node.0)
            }
            Some(Self::Lent(loan)) => {
                put(bytes, offset + field::LENGTH, loan.length.to_le_bytes());
                let access = u64::from(loan.access.code());
                put(bytes, offset + field::ACCESS, access.to_le_bytes());
                (LENT, 0)
            }
        };
        put(bytes, offset, [kind, node]);
    }
}
