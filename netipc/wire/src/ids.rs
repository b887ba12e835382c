//! The numbers that frames carry, each its own type.

use core::fmt;

macro_rules! number {
    ($(#[$meta:meta])* $name:ident($inner:ty)) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::LowerHex::fmt(&self.0, f)
            }
        }
    };
}

number! {
    /// A machine of the cluster, from 1: its address is 10.73.0.n.
    NodeId(u8)
}
number! {
    /// Random, drawn anew at each start of a machine: one incarnation.
    BootId(u64)
}
number! {
    /// Random, drawn anew by each side for each handshake.
    Nonce(u64)
}
number! {
    /// The cluster that a machine belongs to; frames of others are not answered.
    ClusterId(u64)
}
number! {
    /// A session: derived from boot id and nonce of both sides. 0 stands for none.
    SessionId(u64)
}
number! {
    /// One of the caller's slots, and the callee's slot of the same number.
    SlotIndex(u16)
}
number! {
    /// Which call of a slot, from 1; 0 stands for "none yet" and is in no frame.
    Sequence(u64)
}
number! {
    /// Which request to an export in a session, from 0.
    Order(u64)
}

impl SessionId {
    /// What stands in the header of a frame that belongs to no session: the handshake.
    pub const NONE: Self = Self(0);

    /// The session that a handshake makes, the same on both sides; never [`NONE`](Self::NONE).
    #[must_use]
    pub fn derive(initiator: (BootId, Nonce), responder: (BootId, Nonce)) -> Self {
        let mut hash = 0x4953_5448_4d55_5321;
        for part in [initiator.0.0, initiator.1.0, responder.0.0, responder.1.0] {
            hash = mix(hash ^ part);
        }
        Self(hash.max(1))
    }
}

impl Sequence {
    /// The slot has not been used in this session.
    pub const NONE: Self = Self(0);

    /// The next call's.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Order {
    /// The next request's.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// The finalizer of `splitmix64` (Steele, Lea, Flood 2014): a bijection that spreads every bit.
const fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_depends_on_each_part_and_on_the_roles() {
        let a = (BootId(1), Nonce(2));
        let b = (BootId(3), Nonce(4));
        let id = SessionId::derive(a, b);
        assert_ne!(id, SessionId::NONE);
        assert_ne!(id, SessionId::derive(b, a));
        assert_ne!(id, SessionId::derive((BootId(9), Nonce(2)), b));
        assert_ne!(id, SessionId::derive((BootId(1), Nonce(9)), b));
        assert_ne!(id, SessionId::derive(a, (BootId(9), Nonce(4))));
        assert_ne!(id, SessionId::derive(a, (BootId(3), Nonce(9))));
    }
}
