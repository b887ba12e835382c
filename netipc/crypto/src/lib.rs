//! Keys, handshakes and sealed frames: what makes netipc's sessions private, and their machines known to each other.
//!
//! [`Protection`] is the cipher that `netipc-protocol` is handed: Noise IK with the cluster's pre-shared key
//! (`Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s`, by the crate `snow`) agrees on keys, ChaCha20-Poly1305 seals frames under them, each with its
//! own number as nonce, and a BLAKE2s code and cookies stand before any elliptic curve. It keeps keys and windows of what came; it decides nothing
//! about sessions, does no I/O, reads no clock, and allocates only during a key exchange, never for a frame.
//!
//! Read next: [`keys`] (what a machine is given), `noise` (one key exchange), `key` (sealing under one key), `window`
//! (what came), `gate` (who may cause arithmetic), `cipher` (all of it, for each peer), [`update`] (other keys for a machine that runs), `courier` (passing them on); the prose is in `docs/netipc.md`, what it is
//! good for in `docs/threat-model.md`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod ahead;
mod cipher;
mod courier;
mod epochs;
mod fault;
mod gate;
mod key;
pub mod keys;
pub mod limits;
mod mac;
mod noise;
mod ring;
mod source;
pub mod update;
mod window;

pub use cipher::{Agreed, Heard, Noise, Protection};
pub use courier::HAVE_LENGTH;
pub use epochs::Change;
#[cfg(feature = "planted-faults")]
pub use fault::PlantedFault;
pub use key::reveal;
pub use keys::{BadKeys, BadVoters, ClusterKeys, Encryption, KeyLog, PublicKey, Secret, Voters};
pub use update::{Refused, Urgency};
pub use window::{Old, Window};

/// What a line of the key log begins with: who reads captures looks for it.
pub const KEY_LOG_WORDS: &str = "netipc key log: ";

/// Whether a datagram is about keys, and for [`Protection::hear`]: a frame of netipc begins otherwise.
#[must_use]
pub fn is_about_keys(datagram: &[u8]) -> bool {
    update::is_update(datagram) || courier::is_have(datagram)
}
