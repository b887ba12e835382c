//! Finding the server, again and again.

use isthmus_runtime::{Duration, Kernel, Slot, Startup, time};
use naming_interface::{NamingClient, Path, ResolveError, resolve};
use remote_interface::{NAME, RemoteClient};

use crate::{Failure, Pause, failure};

/// How long to look for the server: its machine may be starting.
const LOOK_FOR: Duration = Duration::from_secs(60);
/// Between two look-ups.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// What looking up takes.
pub struct Finder {
    naming: Slot,
    path: Path,
    /// For whoever waits for the server.
    pub pause: Pause,
}

/// A server that was found. Its capability is given back when it is dropped.
pub struct Server(RemoteClient<Kernel>);

impl Finder {
    /// A finder for a component that uses naming and the timer.
    ///
    /// # Errors
    /// What the description does not give it.
    pub fn new(startup: &'static Startup) -> Result<Self, Failure> {
        Self::of(startup, NAME)
    }

    /// A finder of another path.
    ///
    /// # Errors
    /// What the description does not give it.
    pub fn of(startup: &'static Startup, path: &str) -> Result<Self, Failure> {
        let naming = startup
            .endpoint(NamingClient::<Kernel>::INTERFACE)
            .map_err(|missing| failure!("{missing}"))?;
        Ok(Self {
            naming,
            path: Path::new(path).map_err(|error| failure!("{error}"))?,
            pause: Pause::new().map_err(|missing| failure!("{missing}"))?,
        })
    }

    /// Looks once.
    ///
    /// # Errors
    /// What [`resolve`] says.
    pub fn look(&self) -> Result<Server, ResolveError> {
        resolve(&Kernel, self.naming, &self.path)
            .map(|found| Server(RemoteClient::new(Kernel, found.cast())))
    }

    /// Looks until it is there.
    ///
    /// # Errors
    /// After a minute, what the last look brought.
    pub fn find(&self) -> Result<Server, Failure> {
        let end = time::now() + LOOK_FOR;
        loop {
            match self.look() {
                Ok(server) => return Ok(server),
                Err(error) if time::now() >= end => return Err(failure!("`{NAME}`: {error}")),
                Err(_) => self.pause.sleep(LOOK_AGAIN),
            }
        }
    }
}

impl Server {
    /// Its calls.
    #[must_use]
    pub const fn calls(&self) -> &RemoteClient<Kernel> {
        &self.0
    }
}
