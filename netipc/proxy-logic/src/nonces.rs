//! Where boot id and nonces come from.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use netipc_protocol::{BootId, Random};
use netipc_wire::Nonce;

/// Bytes of a seed.
pub const SEED_BYTES: usize = 32;

/// Numbers that nobody who does not know the seed can foresee: words of the ChaCha20 stream whose key is the seed. The seed is
/// new at each start of the machine (`docs/threat-model.md` says how new), so the numbers are.
///
/// A nonce is drawn for each handshake, so the stream is computed anew each time rather than kept.
#[derive(Clone, Debug)]
pub struct Nonces {
    seed: [u8; SEED_BYTES],
    drawn: u64,
}

impl Nonces {
    /// Not seeded: all zero.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            seed: [0; SEED_BYTES],
            drawn: 0,
        }
    }

    /// Takes the seed of this start of the machine.
    pub const fn seed(&mut self, seed: [u8; SEED_BYTES]) {
        self.seed = seed;
        self.drawn = 0;
    }

    /// Numbers of the same seed, for another use: none of them are drawn here.
    #[must_use]
    pub const fn apart(&self) -> Self {
        Self {
            seed: self.seed,
            drawn: 1 << 63,
        }
    }

    /// The boot id of this start of the machine.
    pub fn boot_id(&mut self) -> BootId {
        BootId(self.draw())
    }

    fn draw(&mut self) -> u64 {
        let mut stream = ChaCha20Rng::from_seed(self.seed);
        stream.set_stream(self.drawn);
        self.drawn += 1;
        stream.next_u64()
    }
}

impl Default for Nonces {
    fn default() -> Self {
        Self::new()
    }
}

impl netipc_view::Random for Nonces {
    fn word(&mut self) -> u64 {
        self.draw()
    }
}

impl Random for Nonces {
    fn nonce(&mut self) -> Nonce {
        Nonce(self.draw())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn numbers_differ_and_depend_on_the_seed_alone() {
        let draw = |seed: u8| {
            let mut nonces = Nonces::new();
            nonces.seed([seed; SEED_BYTES]);
            (0..1000).map(|_| nonces.draw()).collect::<BTreeSet<_>>()
        };
        assert_eq!(draw(1).len(), 1000);
        assert_eq!(draw(1), draw(1));
        assert!(draw(1).is_disjoint(&draw(2)));
    }

    #[test]
    fn what_is_drawn_apart_is_drawn_nowhere_else() {
        let mut nonces = Nonces::new();
        nonces.seed([7; SEED_BYTES]);
        let mut apart = nonces.apart();
        let drawn: BTreeSet<_> = (0..100).map(|_| nonces.draw()).collect();
        assert!((0..100).all(|_| !drawn.contains(&apart.draw())));
    }
}
