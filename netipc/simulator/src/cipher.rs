//! The ciphers of the simulation: a sum, or what machines have.

use std::sync::LazyLock;
use std::time::Duration;

use fastrand::Rng;
use netipc_crypto::{ClusterKeys, Noise};
use netipc_protocol::Overheard;

use crate::NODES_MAX;
use crate::mutants::Mistake;
use crate::tag::Tag;

/// What protects the frames of a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protection {
    /// A sum that notices damage: it is fast.
    #[default]
    Sum,
    /// The real cipher, with keys that are replaced all the time.
    Real,
}

/// Machines replace keys so often: several times in a history.
const REKEY_AFTER: Duration = Duration::from_millis(150);

/// The same for every history: nothing depends on them but themselves.
static KEYS: LazyLock<Vec<ClusterKeys>> = LazyLock::new(|| {
    let mut rng = Rng::with_seed(0);
    let draw = || {
        let mut drawn = [0; 32];
        rng.fill(&mut drawn);
        Ok::<_, std::convert::Infallible>(drawn)
    };
    let Ok(keys) = ClusterKeys::generate(NODES_MAX.into(), draw);
    keys
});

/// A machine's cipher. The checkers read along.
pub(crate) type Guard = Overheard<Tag, Noise>;

/// That of a machine, by its place.
pub(crate) fn guard(
    protection: Protection,
    index: usize,
    rng: &mut Rng,
    mistake: Option<Mistake>,
) -> Guard {
    match protection {
        Protection::Sum => Guard::Sum(Tag),
        Protection::Real => {
            let mut seed = [0; 32];
            rng.fill(&mut seed);
            let noise = Noise::new(KEYS[index].clone(), &seed);
            let mut noise = noise.rekeying_after(REKEY_AFTER);
            if let Some(Mistake::Keys(fault)) = mistake {
                noise.plant(fault);
            }
            Guard::real(noise)
        }
    }
}
