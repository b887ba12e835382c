//! Keeping a name.

use isthmus_interface::abi::Slot;
use isthmus_interface::{Anything, CallError, Cap, Transport};

use crate::{Lease, NamingClient, NamingError, Path, Reach, Standing};

/// A name that a server wants to have as long as it runs. It is registered, renewed in time, and registered again when naming has forgotten it.
#[derive(Debug)]
pub struct Registration {
    /// The name.
    pub path: Path,
    /// What it stands for. It stays the server's: naming gets a copy.
    pub capability: Cap<Anything>,
    /// How long the name outlives a server that does not renew it.
    pub lease: Lease,
    /// From where it is found.
    pub reach: Reach,
}

impl Registration {
    /// Registers or renews the name. To be called at the start, and again [`Lease::renew_after`] each time.
    ///
    /// # Errors
    /// Naming's, or what became of the call. It is worth another try at the next time.
    pub fn keep<T: Transport>(
        &self,
        transport: &T,
        naming: Slot,
    ) -> Result<Standing, CallError<NamingError>> {
        let naming = NamingClient::new(transport, naming);
        match naming.renew(self.path.clone(), self.lease) {
            Err(CallError::Interface(NamingError::NotFound)) => {
                naming.register(
                    self.path.clone(),
                    self.lease,
                    self.reach,
                    self.capability.alias(),
                )?;
                Ok(Standing::Holder)
            }
            other => other,
        }
    }
}
