//! Keyed BLAKE2s: message codes, and keys made from keys.

use blake2::Blake2sMac;
use blake2::digest::consts::{U16, U32};
use blake2::digest::{FixedOutput, KeyInit, Mac, Update};

/// Bytes of a code.
pub(crate) const CODE_LENGTH: usize = 16;

fn keyed<M: Mac + KeyInit + Update>(key: &[u8; 32], parts: &[&[u8]]) -> Option<M> {
    let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
    for part in parts {
        Update::update(&mut mac, part);
    }
    Some(mac)
}

/// A code over the parts, one after the other.
pub(crate) fn code(key: &[u8; 32], parts: &[&[u8]]) -> [u8; CODE_LENGTH] {
    let mac = keyed::<Blake2sMac<U16>>(key, parts);
    // A key of 32 bytes is never refused.
    mac.map_or([0; CODE_LENGTH], |mac| mac.finalize_fixed().into())
}

/// Whether a code is right; takes as long whether or not.
pub(crate) fn fits(key: &[u8; 32], parts: &[&[u8]], code: &[u8]) -> bool {
    keyed::<Blake2sMac<U16>>(key, parts).is_some_and(|mac| mac.verify_slice(code).is_ok())
}

/// Another key.
pub(crate) fn derive(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mac = keyed::<Blake2sMac<U32>>(key, parts);
    mac.map_or([0; 32], |mac| mac.finalize_fixed().into())
}
