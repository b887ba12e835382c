//! Who is told of changes.

use heapless::Vec;
use naming_interface::NamingError;

use crate::effects::{Effect, Effects};
use crate::limits::{WATCHES, WATCHES_OF_ONE};
use crate::{Client, Directory, Time};

#[derive(Debug)]
struct Watch<C> {
    id: u32,
    client: Client,
    directory: Directory,
    capability: C,
    ends: Time,
}

#[derive(Debug)]
pub(crate) struct Watches<C> {
    rows: Vec<Watch<C>, WATCHES>,
    last: u32,
}

impl<C: Copy + PartialEq> Watches<C> {
    pub(crate) const fn new() -> Self {
        Self {
            rows: Vec::new(),
            last: 0,
        }
    }

    pub(crate) fn add(
        &mut self,
        client: Client,
        directory: Directory,
        capability: C,
        ends: Time,
    ) -> Result<u32, NamingError> {
        if self.rows.iter().filter(|w| w.client == client).count() >= WATCHES_OF_ONE {
            return Err(NamingError::TooMany);
        }
        let id = self.last.wrapping_add(1);
        let watch = Watch {
            id,
            client,
            directory,
            capability,
            ends,
        };
        self.rows.push(watch).map_err(|_| NamingError::TooMany)?;
        self.last = id;
        Ok(id)
    }

    fn find(&self, client: Client, directory: Directory, id: u32) -> Result<usize, NamingError> {
        let this = |w: &Watch<C>| w.id == id && w.directory == directory && w.client == client;
        self.rows.iter().position(this).ok_or(NamingError::NotFound)
    }

    pub(crate) fn renew(
        &mut self,
        client: Client,
        directory: Directory,
        id: u32,
        ends: Time,
    ) -> Result<(), NamingError> {
        let at = self.find(client, directory, id)?;
        self.rows[at].ends = ends;
        Ok(())
    }

    pub(crate) fn end(
        &mut self,
        client: Client,
        directory: Directory,
        id: u32,
    ) -> Result<C, NamingError> {
        let at = self.find(client, directory, id)?;
        Ok(self.rows.swap_remove(at).capability)
    }

    /// What is in the directory has changed.
    pub(crate) fn signal(&self, directory: Directory, effects: &mut Effects<C>) {
        for watch in self.rows.iter().filter(|w| w.directory == directory) {
            effects.signal(watch.capability);
        }
    }

    /// The directory is gone: its watchers hear of it for the last time.
    pub(crate) fn directory_gone(&mut self, directory: Directory, effects: &mut Effects<C>) {
        self.remove(effects, Hear::Once, |w| w.directory == directory);
    }

    pub(crate) fn client_gone(&mut self, client: Client, effects: &mut Effects<C>) {
        self.remove(effects, Hear::No, |w| w.client == client);
    }

    pub(crate) fn expire(&mut self, now: Time, effects: &mut Effects<C>) {
        self.remove(effects, Hear::No, |w| w.ends <= now);
    }

    fn remove(&mut self, effects: &mut Effects<C>, hear: Hear, which: impl Fn(&Watch<C>) -> bool) {
        self.rows.retain(|watch| {
            let gone = which(watch);
            if gone {
                if let Hear::Once = hear {
                    effects.signal(watch.capability);
                }
                effects.push(Effect::Discard(watch.capability));
            }
            !gone
        });
    }

    pub(crate) fn earliest(&self) -> Option<Time> {
        self.rows.iter().map(|w| w.ends).min()
    }
}

/// Whether a watcher whose watch goes is told.
#[derive(Clone, Copy)]
enum Hear {
    Once,
    No,
}
