//! The capabilities of open directories: one for each client, directory and access, taken away from everybody when the directory goes.

use heapless::Vec;
use isthmus_runtime::abi::ComponentId;
use isthmus_runtime::abi::slots::SERVICE;
use isthmus_runtime::sel4::{self, CapRights, CapRightsBuilder};
use isthmus_runtime::slots::{self, absolute};
use isthmus_runtime::{EndpointBadge, Slot};
use naming_interface::NamingError;
use naming_logic::limits::{OPEN, OPEN_OF_ONE};
use naming_logic::{Directory, DirectoryId};

struct Open {
    client: ComponentId,
    id: DirectoryId,
    /// All rights; never leaves naming. What was derived from it dies with it.
    parent: Slot,
    /// What is given.
    copy: Slot,
}

/// Open directories.
pub struct Directories(Vec<Open, OPEN>);

impl Directories {
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The client's capability to a directory.
    pub fn open(&mut self, client: ComponentId, id: DirectoryId) -> Result<Slot, NamingError> {
        let mut own = self.0.iter().filter(|open| open.client == client);
        if let Some(open) = own.clone().find(|open| open.id == id) {
            return Ok(open.copy);
        }
        if own.by_ref().count() >= OPEN_OF_ONE || self.0.is_full() {
            return Err(NamingError::TooMany);
        }
        let open = Open::make(client, id).map_err(|_| NamingError::TooMany)?;
        let copy = open.copy;
        // There is room, as was looked at above.
        let _ = self.0.push(open);
        Ok(copy)
    }

    /// A directory is gone: how many capabilities went with it.
    pub fn revoke(&mut self, directory: Directory) -> usize {
        self.revoke_all(|open| open.id.directory == directory)
    }

    /// A component has ended: what it has given away goes with it. How many capabilities those were.
    pub fn close(&mut self, client: ComponentId) -> usize {
        self.revoke_all(|open| open.client == client)
    }

    fn revoke_all(&mut self, which: impl Fn(&Open) -> bool) -> usize {
        let before = self.0.len();
        self.0.retain(|open| {
            let gone = which(open);
            if gone {
                open.revoke();
            }
            !gone
        });
        before - self.0.len()
    }
}

/// There are no slots.
struct NoSlots;

impl Open {
    fn make(client: ComponentId, id: DirectoryId) -> Result<Self, NoSlots> {
        let parent = slots::allocate().map_err(|_| NoSlots)?;
        let Ok(copy) = slots::allocate() else {
            slots::free(parent);
            return Err(NoSlots);
        };
        let open = Self {
            client,
            id,
            parent,
            copy,
        };
        // Of our own endpoint, into empty slots of ours: it does not fail.
        open.mint().map_err(|_| {
            slots::free(copy);
            slots::free(parent);
            NoSlots
        })?;
        Ok(open)
    }

    fn mint(&self) -> Result<(), sel4::Error> {
        let badge = EndpointBadge {
            client: self.client,
            object: self.id.object(),
        };
        let (parent, copy) = (absolute(self.parent), absolute(self.copy));
        parent.mint(&absolute(SERVICE), CapRights::all(), badge.bits())?;
        // Write to call, Grant to be answered and to pass capabilities; never Read, for a client must not receive.
        let given = CapRightsBuilder::none().write(true).grant(true).build();
        copy.copy(&parent, given)
    }

    /// Takes every copy away. Whoever waits to send through one starts again, and finds nothing: so no message with this badge comes any more.
    fn revoke(&self) {
        let parent = absolute(self.parent);
        // Neither fails on an endpoint with all rights.
        if parent.revoke().is_err() || parent.cancel_badged_sends().is_err() {
            defmt::error!("naming: a directory's capabilities could not be revoked");
        }
        slots::free(self.copy);
        slots::free(self.parent);
    }
}
