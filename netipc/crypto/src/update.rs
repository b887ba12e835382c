//! Other keys for a machine that runs: what the administrator sends, and nobody else can make.
//!
//! It is the machine's next keys, whole, sealed to it by one message of `Noise_K`: only that machine can read them, and only who has the administrator's private key (or the
//! machine's own, which is that machine) can have written them. A code under what the two have in common stands before, so that nobody else causes arithmetic, and a generation
//! that only rises makes a recorded one worthless. What applies it is [`Noise::update`](crate::Noise::update); the states are in `docs/netipc.md`, Keys.

use core::fmt;

use netipc_wire::NodeId;

use crate::keys::{self, ClusterKeys, PublicKey, Secret};
use crate::mac::{self, CODE_LENGTH};
use crate::noise;

const MAGIC: [u8; 8] = *b"ISTHUPD1";
/// What the seal is bound to, before the readable part.
const DOMAIN: &[u8] = b"isthmus netipc update 1";
/// What Noise adds: an ephemeral public key, and a tag.
const SEAL: usize = 32 + 16;

mod field {
    pub const NODE: usize = 8;
    pub const URGENCY: usize = 9;
    pub const RESERVED: usize = 10;
    pub const GENERATION: usize = 16;
    pub const SEALED: usize = 24;
}

/// Bytes of an update: it fits one datagram.
pub const LENGTH: usize = field::SEALED + SEAL + keys::LENGTH + CODE_LENGTH;

/// What becomes of the keys that a machine has had until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// New sessions are made by either for [`OVERLAP_OF_CLUSTER_KEYS`](crate::limits::OVERLAP_OF_CLUSTER_KEYS).
    Overlap = 0,
    /// They are good for nothing: somebody else has them.
    AtOnce = 1,
}

/// Why a machine does not take an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is none.
    Malformed,
    /// It is for another machine.
    Misdirected,
    /// The machine has these keys already, or later ones.
    Old,
    /// It is not the administrator's, or was changed; or the machine knows no administrator.
    Forged,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "no update of keys",
            Self::Misdirected => "for another machine",
            Self::Old => "not newer than the keys that are there",
            Self::Forged => "not the administrator's",
        })
    }
}

impl core::error::Error for Refused {}

/// Whether a datagram is meant to be one: a frame of netipc begins otherwise.
#[must_use]
pub fn is_update(datagram: &[u8]) -> bool {
    datagram.starts_with(&MAGIC)
}

/// Seals a machine's next keys to it. `present` is the public key that the machine has now, and `ephemeral` was drawn for this alone. `None` if one of the keys is no key.
#[must_use]
pub fn seal(
    administrator: &Secret,
    present: &PublicKey,
    next: &ClusterKeys,
    urgency: Urgency,
    ephemeral: [u8; 32],
) -> Option<[u8; LENGTH]> {
    let mut update = [0; LENGTH];
    let (content, tag) = update.split_last_chunk_mut::<CODE_LENGTH>()?;
    let (readable, sealed) = content.split_first_chunk_mut::<{ field::SEALED }>()?;
    readable[..MAGIC.len()].copy_from_slice(&MAGIC);
    readable[field::NODE] = next.node.0;
    readable[field::URGENCY] = urgency as u8;
    readable[field::GENERATION..].copy_from_slice(&next.generation.to_le_bytes());
    let bound = bound(readable);
    let written = noise::seal_alone(
        administrator,
        present,
        &bound,
        ephemeral,
        &next.to_bytes(),
        sealed,
    );
    written.ok().filter(|length| *length == sealed.len())?;
    *tag = mac::code(&code(administrator, present)?.0, &[content]);
    Some(update)
}

/// What the codes of updates between the administrator and a machine are made with.
pub(crate) fn code(own: &Secret, other: &PublicKey) -> Option<Secret> {
    let common = noise::common(own, other)?;
    Some(Secret(mac::derive(&common.0, &[b"isthmus netipc update"])))
}

/// What a machine reads in an update: its next keys.
// [N50]
pub(crate) fn open(
    present: &ClusterKeys,
    code: Option<&Secret>,
    update: &[u8],
) -> Result<(ClusterKeys, Urgency), Refused> {
    let update: &[u8; LENGTH] = update.try_into().map_err(|_| Refused::Malformed)?;
    let (content, tag) = update
        .split_last_chunk::<CODE_LENGTH>()
        .ok_or(Refused::Malformed)?;
    let (readable, sealed) = content
        .split_first_chunk::<{ field::SEALED }>()
        .ok_or(Refused::Malformed)?;
    let urgency = match readable[field::URGENCY] {
        0 => Urgency::Overlap,
        1 => Urgency::AtOnce,
        _ => return Err(Refused::Malformed),
    };
    let reserved = &readable[field::RESERVED..field::GENERATION];
    if !is_update(readable) || reserved.iter().any(|byte| *byte != 0) {
        return Err(Refused::Malformed);
    }
    if NodeId(readable[field::NODE]) != present.node {
        return Err(Refused::Misdirected);
    }
    let generation = readable.last_chunk().copied().map(u64::from_le_bytes);
    if generation.is_none_or(|generation| generation <= present.generation) {
        return Err(Refused::Old);
    }
    let (code, administrator) = code
        .zip(present.administrator.as_ref())
        .ok_or(Refused::Forged)?;
    if !mac::fits(&code.0, &[content], tag) {
        return Err(Refused::Forged);
    }
    let mut bytes = zeroize::Zeroizing::new([0; keys::LENGTH + SEAL]);
    let length = noise::open_alone(
        &present.private,
        administrator,
        &bound(readable),
        sealed,
        &mut bytes[..],
    )
    .map_err(|_| Refused::Forged)?;
    let next = bytes.get(..length).map(ClusterKeys::from_bytes);
    let next = next.and_then(Result::ok).ok_or(Refused::Malformed)?;
    let fits = next.node == present.node
        && next.cluster == present.cluster
        && Some(next.generation) == generation;
    if !fits {
        return Err(Refused::Malformed);
    }
    Ok((next, urgency))
}

fn bound(readable: &[u8; field::SEALED]) -> [u8; DOMAIN.len() + field::SEALED] {
    let mut bound = [0; DOMAIN.len() + field::SEALED];
    bound[..DOMAIN.len()].copy_from_slice(DOMAIN);
    bound[DOMAIN.len()..].copy_from_slice(readable);
    bound
}
