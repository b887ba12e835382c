//! The one map of message labels.
//!
//! A label has 52 bits in this kernel (`label << 12` in the message info word).
//!
//! | labels | meaning | who may send them |
//! |---|---|---|
//! | 0–15 | the kernel's errors (0: none) | the kernel |
//! | 16–255 | kernel invocations | nobody: a call that lands on a kernel object by mistake must do nothing |
//! | 256–511 | outcomes ([`crate::outcome`]) | the system: root task, undertaker, proxy, a server's dispatch |
//! | 512–1023 | replies; 768–1023 say of which component the capability is that comes with them ([`Label::reply_of`]) | servers |
//! | 1024 – 2⁵¹−1 | free | nobody |
//! | from 2⁵¹ | method labels | clients |
//!
//! A method label: bit 51 set; bit 50 *one-way* (a receiver cannot tell Send from Call in this kernel); bit 49 *traced*;
//! bit 48 zero; bits 40–47 the method's ordinal in its interface; bits 0–39 a hash of its signature, in which bit 19 is
//! always set: an invocation of a kernel object reads the label's low 20 bits only, and must find no invocation there.

use crate::badge::ComponentId;

/// Bits of a label.
pub const LABEL_BITS: u32 = 52;
/// The highest of the kernel's errors.
pub const KERNEL_ERROR_LAST: u64 = 15;
/// The highest number that a kernel invocation may have; `sel4-bindings` checks that none is higher.
pub const KERNEL_INVOCATION_LAST: u64 = 255;
/// The first label of the range reserved for outcomes.
pub const OUTCOME_FIRST: u64 = 256;
/// The last label of the range reserved for outcomes.
pub const OUTCOME_LAST: u64 = 511;
/// The first label of the range for replies.
pub const REPLY_FIRST: u64 = 512;
/// The last label of the range for replies.
pub const REPLY_LAST: u64 = 1023;
/// The first label of replies that say whose their capability is.
const REPLY_OF_FIRST: u64 = 768;
/// The first method label.
pub const METHOD_FIRST: u64 = 1 << 51;

const INVOCATION_FIRST: u64 = KERNEL_ERROR_LAST + 1;
const ONE_WAY: u64 = 1 << 50;
const TRACED: u64 = 1 << 49;
const ORDINAL_SHIFT: u32 = 40;
/// Bits of a label that an invocation of a kernel object reads.
pub const KERNEL_LABEL_BITS: u32 = 20;
/// Set in every method label: what the kernel reads of it is above every invocation.
const ABOVE_INVOCATIONS: u64 = 1 << (KERNEL_LABEL_BITS - 1);
const HASH_MASK: u64 = (1 << ORDINAL_SHIFT) - 1;

/// A message label: 52 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(u64);

/// What a label means, by its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An error of the kernel, or 0.
    KernelError,
    /// A kernel invocation.
    KernelInvocation,
    /// An outcome.
    Outcome,
    /// A reply of a server.
    Reply,
    /// A method call.
    Method,
    /// A label that nobody sends.
    Free,
}

/// How a message of a method wants to be treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The caller waits for a reply.
    Call,
    /// Nobody waits.
    OneWay,
}

impl Label {
    /// A method answered; its result follows.
    pub const REPLY: Self = Self(REPLY_FIRST);
    /// A method answered with its interface's own error, which follows.
    pub const REPLY_ERROR: Self = Self(REPLY_FIRST + 1);
    /// [`Label::REPLY`] of the naming server to the proxy: the capability that comes with it is this component's. The proxy believes naming only, and the
    /// peer's client gets a plain reply.
    #[must_use]
    pub const fn reply_of(component: ComponentId) -> Self {
        Self(REPLY_OF_FIRST + component.0 as u64)
    }

    /// Of which component a [`Label::reply_of`] says that its capability is.
    #[must_use]
    pub const fn origin(self) -> Option<ComponentId> {
        match self.0 {
            REPLY_OF_FIRST..=REPLY_LAST => Some(ComponentId((self.0 - REPLY_OF_FIRST) as u8)),
            _ => None,
        }
    }

    /// The message carries outcome "not executed".
    pub const NOT_EXECUTED: Self = Self(OUTCOME_FIRST);
    /// The message carries outcome "unknown".
    pub const UNKNOWN: Self = Self(OUTCOME_FIRST + 1);

    /// A signal, where it meets something else than a notification: an import carries it to the notification on the other machine, a server refuses
    /// it and answers nobody.
    pub const SIGNAL: Self = Self::method("isthmus signal()", u8::MAX, Way::OneWay);

    /// The label of the method number `ordinal` of an interface; `signature` is its text in full, with the interface's
    /// name, argument and result types, so that any change of it changes the label.
    #[must_use]
    pub const fn method(signature: &str, ordinal: u8, way: Way) -> Self {
        let hash = hash40(signature.as_bytes());
        let way = match way {
            Way::Call => 0,
            Way::OneWay => ONE_WAY,
        };
        Self(METHOD_FIRST | way | ((ordinal as u64) << ORDINAL_SHIFT) | hash)
    }

    /// Takes the low 52 bits of a word as a label.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits & ((1 << LABEL_BITS) - 1))
    }

    /// The 52 bits.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// What the label means.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self.0 {
            0..=KERNEL_ERROR_LAST => Kind::KernelError,
            INVOCATION_FIRST..=KERNEL_INVOCATION_LAST => Kind::KernelInvocation,
            OUTCOME_FIRST..=OUTCOME_LAST => Kind::Outcome,
            REPLY_FIRST..=REPLY_LAST => Kind::Reply,
            METHOD_FIRST.. => Kind::Method,
            _ => Kind::Free,
        }
    }

    /// Whether a server's answer may carry it: replies yes, everything that only the system says no.
    #[must_use]
    pub const fn is_reply(self) -> bool {
        matches!(self.kind(), Kind::Reply)
    }

    /// Whether the label is a method's and says that nobody waits for an answer.
    #[must_use]
    pub const fn way(self) -> Way {
        if self.0 & (METHOD_FIRST | ONE_WAY) == METHOD_FIRST | ONE_WAY {
            Way::OneWay
        } else {
            Way::Call
        }
    }

    /// The method's number in its interface.
    #[must_use]
    pub const fn ordinal(self) -> u8 {
        (self.0 >> ORDINAL_SHIFT) as u8
    }

    /// The hash of the method's signature: 40 bits, of which bit 19 is always set.
    #[must_use]
    pub const fn hash(self) -> u64 {
        self.0 & HASH_MASK
    }

    /// Whether the message is traced.
    #[must_use]
    pub const fn is_traced(self) -> bool {
        self.0 & (METHOD_FIRST | TRACED) == METHOD_FIRST | TRACED
    }

    /// The same method, traced.
    #[must_use]
    pub const fn traced(self) -> Self {
        Self(self.0 | TRACED)
    }

    /// The same method, not traced: what a dispatch compares.
    #[must_use]
    pub const fn untraced(self) -> Self {
        Self(self.0 & !TRACED)
    }
}

/// FNV-1a (64 bits), folded to 40: spreads well, runs at compile time, and needs no table. Not meant to resist someone
/// who looks for collisions; a client that forges a label gets what its own arguments are worth.
const fn hash40(bytes: &[u8]) -> u64 {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let mut hash = OFFSET_BASIS;
    let mut i = 0;
    while i < bytes.len() {
        // White space is passed over: compilers differ in how they print a signature.
        if !bytes[i].is_ascii_whitespace() {
            hash = (hash ^ bytes[i] as u64).wrapping_mul(PRIME);
        }
        i += 1;
    }
    ((hash ^ (hash >> ORDINAL_SHIFT)) & HASH_MASK) | ABOVE_INVOCATIONS
}
