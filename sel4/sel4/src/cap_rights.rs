use crate::sys;

/// What a capability allows. Corresponds to `seL4_CapRights_t`.
///
/// This kernel has no right to grant a reply only: Call needs `grant`, and a Call through a capability without it leaves the caller inactive
/// for good. `grant_reply` alone therefore grants nothing: giving more than was asked for would be the worse surprise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapRights(sys::seL4_CapRights);

impl CapRights {
    /// Rights one by one. Corresponds to `seL4_CapRights_new`.
    #[must_use]
    pub const fn new(_grant_reply: bool, grant: bool, read: bool, write: bool) -> Self {
        Self(sys::seL4_CapRights::new(
            grant as u64,
            read as u64,
            write as u64,
        ))
    }

    /// No rights.
    #[must_use]
    pub const fn none() -> Self {
        Self::new(false, false, false, false)
    }

    /// All rights.
    #[must_use]
    pub const fn all() -> Self {
        Self::new(true, true, true, true)
    }

    /// Read and write.
    #[must_use]
    pub const fn read_write() -> Self {
        Self::new(false, false, true, true)
    }

    /// Read.
    #[must_use]
    pub const fn read_only() -> Self {
        Self::new(false, false, true, false)
    }

    /// Write.
    #[must_use]
    pub const fn write_only() -> Self {
        Self::new(false, false, false, true)
    }

    pub(crate) const fn into_inner(self) -> sys::seL4_CapRights {
        self.0
    }
}

impl From<CapRightsBuilder> for CapRights {
    fn from(builder: CapRightsBuilder) -> Self {
        builder.build()
    }
}

/// Builds [`CapRights`] one by one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CapRightsBuilder {
    grant_reply: bool,
    grant: bool,
    read: bool,
    write: bool,
}

impl CapRightsBuilder {
    /// No rights yet.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            grant_reply: false,
            grant: false,
            read: false,
            write: false,
        }
    }

    /// All rights, to take some away.
    #[must_use]
    pub const fn all() -> Self {
        Self {
            grant_reply: true,
            grant: true,
            read: true,
            write: true,
        }
    }

    /// The rights.
    #[must_use]
    pub const fn build(self) -> CapRights {
        CapRights::new(self.grant_reply, self.grant, self.read, self.write)
    }

    /// Sets whether a reply may be granted. Without effect on this kernel.
    #[must_use]
    pub const fn grant_reply(mut self, can: bool) -> Self {
        self.grant_reply = can;
        self
    }

    /// Sets whether capabilities and replies may be granted.
    #[must_use]
    pub const fn grant(mut self, can: bool) -> Self {
        self.grant = can;
        self
    }

    /// Sets whether it may receive, wait, or read.
    #[must_use]
    pub const fn read(mut self, can: bool) -> Self {
        self.read = can;
        self
    }

    /// Sets whether it may send, signal, or write.
    #[must_use]
    pub const fn write(mut self, can: bool) -> Self {
        self.write = can;
        self
    }
}
