//! For how long something is registered.

use core::fmt;
use core::time::Duration;

use isthmus_interface::{Malformed, Reader, TooLong, Wire, Writer};

use crate::limits::{LEASE_MAX, LEASE_MIN};

/// The times a lease is renewed within its length, so that one renewal that fails does no harm.
const RENEWALS: u32 = 3;

/// A time from [`LEASE_MIN`] to [`LEASE_MAX`], in whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lease {
    millis: u32,
}

/// A lease that is too short or too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadLease;

impl fmt::Display for BadLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a lease has from {LEASE_MIN:?} to {LEASE_MAX:?}")
    }
}

impl core::error::Error for BadLease {}

impl Lease {
    /// The longest.
    pub const MAX: Self = Self {
        millis: LEASE_MAX.as_millis() as u32,
    };

    /// Of this length; what is below a millisecond is cut off.
    ///
    /// # Errors
    /// [`BadLease`]
    pub const fn new(length: Duration) -> Result<Self, BadLease> {
        let millis = length.as_millis();
        if millis < LEASE_MIN.as_millis() || millis > LEASE_MAX.as_millis() {
            return Err(BadLease);
        }
        Ok(Self {
            millis: millis as u32,
        })
    }

    /// Its length.
    #[must_use]
    pub const fn length(self) -> Duration {
        Duration::from_millis(self.millis as u64)
    }

    /// After how long to renew it: a third of its length.
    #[must_use]
    pub const fn renew_after(self) -> Duration {
        Duration::from_millis((self.millis / RENEWALS) as u64)
    }
}

impl Wire for Lease {
    const MAX_WORDS: usize = 1;

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooLong> {
        self.millis.write(writer)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let millis = u32::read(reader)?;
        Self::new(Duration::from_millis(millis.into())).map_err(|_| Malformed)
    }
}
