//! Random bytes from a seed.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};

use crate::keys::Secret;
use crate::mac;

/// Numbers that nobody can foresee who does not know the seed. Each draw replaces the key that it was made with, so that what was drawn
/// cannot be drawn again from what is kept ("fast key erasure", Bernstein 2017).
#[derive(Debug)]
pub(crate) struct Source(Secret);

impl Source {
    pub(crate) const fn new() -> Self {
        Self(Secret::ZERO)
    }

    /// From the machine's seed, which others use for other things.
    pub(crate) fn seed(&mut self, seed: &[u8; 32]) {
        self.0 = Secret(mac::derive(seed, &[b"isthmus netipc keys"]));
    }

    pub(crate) fn draw(&mut self) -> [u8; 32] {
        let mut stream = ChaCha20Rng::from_seed(self.0.0);
        let mut next = Secret::ZERO;
        stream.fill_bytes(&mut next.0);
        self.0 = next;
        let mut drawn = [0; 32];
        stream.fill_bytes(&mut drawn);
        drawn
    }
}
