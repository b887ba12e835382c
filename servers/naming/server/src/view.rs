//! The view of the cluster, where there is one: netipc's proxy answers at once who owns a name, and rings a bell when that changes.

use heapless::Vec;
use isthmus_runtime::abi::EventBit;
use isthmus_runtime::abi::startup::Endpoint;
use isthmus_runtime::{Kernel, Slot, Startup};
use naming_interface::Path;
use naming_logic::limits::CLAIMS;
use naming_logic::{NAMES, Names, Owner, id_of};
use netipc_interface::{Home, HomeId, HomesClient};

use crate::owners::{mint, spare_bits};

/// Whom to ask, and the bell.
pub struct View {
    netipc: Slot,
    bell: EventBit,
    here: u8,
}

fn home_id(path: &Path) -> HomeId {
    let (high, low) = id_of(path);
    HomeId { high, low }
}

impl View {
    /// `None`: nobody votes.
    pub fn open(startup: &Startup, netipc: Option<&Endpoint>) -> Option<Self> {
        let netipc = netipc?.slot;
        let bell = spare_bits(startup).nth(1)?;
        let rung = HomesClient::new(Kernel, netipc).watch(mint(bell)?);
        rung.ok()?;
        Some(Self {
            netipc,
            bell,
            here: startup.machine.node,
        })
    }

    /// The event that tells of a change.
    pub const fn bell(&self) -> EventBit {
        self.bell
    }

    /// Who owns a name. The proxy answers at once; if it does not, nobody is the owner.
    pub fn owner(&self, path: &Path) -> Owner {
        let homes = HomesClient::new(Kernel, self.netipc);
        match homes.home(home_id(path)) {
            Ok(Home {
                owner: Some(node),
                epoch,
                left_us,
            }) if node == self.here => match left_us {
                0 => Owner::Lapsed,
                _ => Owner::Here { epoch },
            },
            Ok(Home {
                owner: Some(node),
                epoch,
                ..
            }) => Owner::There { node, epoch },
            Ok(Home { owner: None, .. }) | Err(_) => Owner::Nobody,
        }
    }

    /// Wants what is registered here and nobody owns, and gives back what this machine owns and nobody here has registered.
    pub fn agree(&self, names: &Names<Slot>) {
        let homes = HomesClient::new(Kernel, self.netipc);
        let registered: Vec<HomeId, CLAIMS> = names.cluster_wide().map(|p| home_id(&p)).collect();
        for id in &registered {
            if let Ok(Home { owner: None, .. }) = homes.home(*id) {
                // If too many wait it is said again: at the next change, or when the name is renewed.
                let _ = homes.want(*id);
            }
        }
        let first = u64::from(NAMES) << 32;
        let mut after = HomeId {
            high: first - 1,
            low: u64::MAX,
        };
        while let Ok(Some(id)) = homes.mine(Some(after)) {
            if id.high >> 32 != u64::from(NAMES) {
                return;
            }
            if !registered.contains(&id) {
                let _ = homes.give_back(id);
            }
            after = id;
        }
    }
}
