//! Badges: who calls through an endpoint, and which events a notification stands for.
//!
//! An endpoint badge has 28 bits in this kernel (more is cut off without an error), a notification badge 64. A thread with
//! a bound notification receives both through the same register, so bit 63, which no endpoint badge can have, marks events.

use serde::{Deserialize, Serialize};

/// Bits of an endpoint badge.
pub const ENDPOINT_BADGE_BITS: u32 = 28;
/// Bits of an endpoint badge that name the object.
pub const OBJECT_BITS: u32 = 20;
/// Objects that a server can tell apart for each client.
pub const OBJECTS: u32 = 1 << OBJECT_BITS;
/// The bit that marks a badge as a notification's.
pub const EVENT_MARK: u64 = 1 << 63;

/// A component of this machine, numbered by the root task in the order of the description, from 1. 0 is the root task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ComponentId(pub u8);

impl ComponentId {
    /// The root task.
    pub const ROOT_TASK: Self = Self(0);
}

/// An object of a server, numbered by the server that mints the badge. 0 is the service as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32")]
pub struct ObjectId(u32);

impl ObjectId {
    /// The service as a whole: what the root task mints.
    pub const SERVICE: Self = Self(0);

    /// `None` above 20 bits.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        if number < OBJECTS {
            Some(Self(number))
        } else {
            None
        }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// The badge of a capability to a service endpoint: the client it was made for, and the object it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EndpointBadge {
    /// The component that the capability was made for.
    pub client: ComponentId,
    /// The object it stands for.
    pub object: ObjectId,
}

impl EndpointBadge {
    /// The service as a whole, for `client`.
    #[must_use]
    pub const fn service(client: ComponentId) -> Self {
        Self {
            client,
            object: ObjectId::SERVICE,
        }
    }

    /// The 28 bits that the kernel carries.
    #[must_use]
    pub const fn bits(self) -> u64 {
        ((self.client.0 as u64) << OBJECT_BITS) | self.object.0 as u64
    }

    /// Reads the low 28 bits.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self {
            client: ComponentId((bits >> OBJECT_BITS) as u8),
            object: ObjectId((bits & (OBJECTS as u64 - 1)) as u32),
        }
    }
}

/// One source of events of a component: 0 to 62.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8")]
pub struct EventBit(u8);

/// A number that does not fit the bits it is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange;

impl core::fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the number does not fit its bits")
    }
}

impl core::error::Error for OutOfRange {}

impl TryFrom<u8> for EventBit {
    type Error = OutOfRange;

    fn try_from(number: u8) -> Result<Self, OutOfRange> {
        Self::new(number).ok_or(OutOfRange)
    }
}

impl TryFrom<u32> for ObjectId {
    type Error = OutOfRange;

    fn try_from(number: u32) -> Result<Self, OutOfRange> {
        Self::new(number).ok_or(OutOfRange)
    }
}

impl EventBit {
    /// `None` above 62.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if (number as usize) < crate::limits::EVENT_BITS {
            Some(Self(number))
        } else {
            None
        }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The badge of the notification capability that stands for this source alone.
    #[must_use]
    pub const fn badge(self) -> u64 {
        EVENT_MARK | (1 << self.0)
    }
}

/// Events that arrived together: signals of several sources merge into one badge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Events(u64);

impl Events {
    /// No events.
    pub const NONE: Self = Self(0);

    /// Reads a notification badge.
    #[must_use]
    pub const fn from_badge(badge: u64) -> Self {
        Self(badge & !EVENT_MARK)
    }

    /// Whether `bit` is among them.
    #[must_use]
    pub const fn contains(self, bit: EventBit) -> bool {
        self.0 & (1 << bit.0) != 0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// These and `other`.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These but for `bit`.
    #[must_use]
    pub const fn without(self, bit: EventBit) -> Self {
        Self(self.0 & !(1 << bit.0))
    }

    /// Each of them, lowest first.
    pub fn iter(self) -> impl Iterator<Item = EventBit> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            if rest == 0 {
                return None;
            }
            let bit = rest.trailing_zeros() as u8;
            rest &= rest - 1;
            Some(EventBit(bit))
        })
    }
}

/// What a receive on an endpoint with a bound notification brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// A message, through a capability with this badge.
    Message(EndpointBadge),
    /// Events; no message, and nobody to reply to.
    Events(Events),
}

impl Received {
    /// Tells by bit 63.
    #[must_use]
    pub const fn from_badge(badge: u64) -> Self {
        if badge & EVENT_MARK != 0 {
            Self::Events(Events::from_badge(badge))
        } else {
            Self::Message(EndpointBadge::from_bits(badge))
        }
    }
}
