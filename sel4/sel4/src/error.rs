use crate::sys;

/// Why the kernel refused an invocation. Corresponds to `seL4_Error`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Error {
    /// An argument has no meaning.
    InvalidArgument,
    /// A capability is not of the type that the invocation wants; or what was invoked is no kernel object at all.
    InvalidCapability,
    /// Not allowed on this object in this state.
    IllegalOperation,
    /// A number is out of range.
    RangeError,
    /// An address is not aligned.
    AlignmentError,
    /// A capability pointer leads nowhere. For mappings: an intermediate table is missing.
    FailedLookup,
    /// The message is shorter than the invocation wants.
    TruncatedMessage,
    /// The slot is occupied, or the object is in use.
    DeleteFirst,
    /// The object has children.
    RevokeFirst,
    /// The untyped memory is too small.
    NotEnoughMemory,
}

/// What an invocation returns.
pub type Result<T> = core::result::Result<T, Error>;

impl Error {
    /// The error for the label of an answer; `None` for success.
    ///
    /// A label that is no kernel error says that somebody else answered: the capability was no kernel object's.
    #[must_use]
    pub const fn from_sys(label: u64) -> Option<Self> {
        Some(match label {
            sys::seL4_NoError => return None,
            sys::seL4_InvalidArgument => Self::InvalidArgument,
            sys::seL4_IllegalOperation => Self::IllegalOperation,
            sys::seL4_RangeError => Self::RangeError,
            sys::seL4_AlignmentError => Self::AlignmentError,
            sys::seL4_FailedLookup => Self::FailedLookup,
            sys::seL4_TruncatedMessage => Self::TruncatedMessage,
            sys::seL4_DeleteFirst => Self::DeleteFirst,
            sys::seL4_RevokeFirst => Self::RevokeFirst,
            sys::seL4_NotEnoughMemory => Self::NotEnoughMemory,
            _ => Self::InvalidCapability,
        })
    }

    /// The kernel's number for this error.
    #[must_use]
    pub const fn into_sys(self) -> u64 {
        match self {
            Self::InvalidArgument => sys::seL4_InvalidArgument,
            Self::InvalidCapability => sys::seL4_InvalidCapability,
            Self::IllegalOperation => sys::seL4_IllegalOperation,
            Self::RangeError => sys::seL4_RangeError,
            Self::AlignmentError => sys::seL4_AlignmentError,
            Self::FailedLookup => sys::seL4_FailedLookup,
            Self::TruncatedMessage => sys::seL4_TruncatedMessage,
            Self::DeleteFirst => sys::seL4_DeleteFirst,
            Self::RevokeFirst => sys::seL4_RevokeFirst,
            Self::NotEnoughMemory => sys::seL4_NotEnoughMemory,
        }
    }

    pub(crate) fn wrap<T>(answer: core::result::Result<T, u64>) -> Result<T> {
        answer.map_err(|label| Self::from_sys(label).unwrap_or(Self::InvalidCapability))
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::InvalidArgument => "invalid argument",
            Self::InvalidCapability => "invalid capability",
            Self::IllegalOperation => "illegal operation",
            Self::RangeError => "out of range",
            Self::AlignmentError => "not aligned",
            Self::FailedLookup => "failed lookup",
            Self::TruncatedMessage => "message too short",
            Self::DeleteFirst => "delete first",
            Self::RevokeFirst => "revoke first",
            Self::NotEnoughMemory => "not enough memory",
        })
    }
}

impl core::error::Error for Error {}
