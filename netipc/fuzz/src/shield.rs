//! The ciphers of the fuzzed machines: what machines have, or a sum, which is fast.

use std::time::Duration;

use fastrand::Rng;
use netipc_crypto::{ClusterKeys, Encryption, KeyLog, Noise, Secret, Voters};
use netipc_protocol::{ClusterId, NodeId, Overheard, Transparent};

use crate::{CLUSTER, Plant, Protection};

/// Machines replace keys so often: several times in a case.
const REKEY_AFTER: Duration = Duration::from_millis(60);

/// A machine's cipher.
pub(crate) type Shield = Overheard<Transparent, Noise>;

/// That of a machine, by its place among `count`.
pub(crate) fn shield(
    protection: Protection,
    (index, count): (usize, usize),
    plant: &Plant,
    rng: &mut Rng,
) -> Shield {
    match protection {
        Protection::Sum => Shield::Sum(Transparent),
        Protection::Real => {
            let mut seed = [0; 32];
            rng.fill(&mut seed);
            let noise = Noise::new(keys(index, count), &seed);
            let mut noise = noise.rekeying_after(REKEY_AFTER);
            if let Plant::Crypto(fault) = plant {
                noise.plant(*fault);
            }
            Shield::real(noise)
        }
    }
}

/// The same for every case: nothing depends on them but themselves.
fn keys(index: usize, count: usize) -> ClusterKeys {
    let private = |node: usize| Secret([node as u8 + 1; 32]);
    let mut public = [None; netipc_crypto::keys::NODES];
    for (node, key) in public.iter_mut().enumerate().take(count) {
        *key = Some(private(node).public());
    }
    ClusterKeys {
        cluster: ClusterId(CLUSTER),
        node: NodeId(index as u8 + 1),
        shared: Secret([0x5e; 32]),
        private: private(index),
        public,
        generation: 1,
        administrator: None,
        encryption: Encryption::On,
        voters: Voters::NONE,
        key_log: KeyLog::Off,
    }
}
