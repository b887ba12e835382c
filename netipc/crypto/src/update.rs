//! Other keys for a machine that runs: what the administrator sends, and nobody else can make.
//!
//! It is the machine's next keys, whole, sealed to it by one message of `Noise_K`: only that machine can read them, and only who has the administrator's private key (or the
//! machine's own, which is that machine) can have written them. At its end there is a code for each machine of the cluster, under what that machine and the administrator have in common: each
//! can tell by one hash that the administrator has made it, whomever it is for, and so can keep it for a machine that it has not reached (`courier`). A generation that only rises
//! makes a recorded one worthless. What takes it is [`Noise::hear`](crate::Noise::hear); the states are in `docs/netipc.md`, Keys, every byte in `docs/netipc-frames.md`.

use core::fmt;

use netipc_wire::NodeId;

use crate::keys::{self, ClusterKeys, NODES, PublicKey, Secret};
use crate::mac::{self, CODE_LENGTH};
use crate::noise;

const MAGIC: [u8; 8] = *b"ISTHUPD2";
/// What the seal is bound to, before the readable part.
const DOMAIN: &[u8] = b"isthmus netipc update 2";
/// What Noise adds: an ephemeral public key, and a tag.
const SEAL: usize = 32 + 16;

mod field {
    pub const NODE: usize = 8;
    pub const URGENCY: usize = 9;
    pub const RESERVED: usize = 10;
    pub const GENERATION: usize = 16;
    pub const SEALED: usize = 24;
}

/// Bytes that the codes are over.
const CONTENT: usize = field::SEALED + SEAL + keys::LENGTH;
/// Bytes of an update: it fits one datagram.
pub const LENGTH: usize = CONTENT + NODES * CODE_LENGTH;

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
    /// It is for another machine, or from none.
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
            Self::Misdirected => "for another machine, or from none",
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

/// Seals a machine's next keys to it. `present` are the public keys that the machines have now, the first machine 1's, and `ephemeral` was drawn for this alone. `None` if one of the keys is
/// no key, or the machine has none.
#[must_use]
pub fn seal(
    administrator: &Secret,
    present: &[Option<PublicKey>; NODES],
    next: &ClusterKeys,
    urgency: Urgency,
    ephemeral: [u8; 32],
) -> Option<[u8; LENGTH]> {
    let to = present.get(usize::from(next.node.0).checked_sub(1)?)?;
    let mut update = [0; LENGTH];
    let (content, codes) = update.split_at_mut(CONTENT);
    let (readable, sealed) = content.split_first_chunk_mut::<{ field::SEALED }>()?;
    readable[..MAGIC.len()].copy_from_slice(&MAGIC);
    readable[field::NODE] = next.node.0;
    readable[field::URGENCY] = urgency as u8;
    readable[field::GENERATION..].copy_from_slice(&next.generation.to_le_bytes());
    let bound = bound(readable);
    let written = noise::seal_alone(
        administrator,
        to.as_ref()?,
        &bound,
        ephemeral,
        &next.to_bytes(),
        sealed,
    );
    written.ok().filter(|length| *length == sealed.len())?;
    for (code, public) in codes.chunks_exact_mut(CODE_LENGTH).zip(present) {
        if let Some(public) = public {
            let made = mac::code(&self::code(administrator, public)?.0, &[content]);
            code.copy_from_slice(&made);
        }
    }
    Some(update)
}

/// What the codes of updates between the administrator and a machine are made with.
pub(crate) fn code(own: &Secret, other: &PublicKey) -> Option<Secret> {
    let common = noise::common(own, other)?;
    Some(Secret(mac::derive(&common.0, &[b"isthmus netipc update"])))
}

/// What everybody can read in an update that the administrator has made.
#[derive(Clone, Copy)]
pub(crate) struct Label {
    /// Whose keys are in it.
    pub(crate) node: NodeId,
    pub(crate) generation: u64,
    urgency: Urgency,
}

/// Looks whether the administrator has made it, as machine `own` can tell by its code.
// [N54]
pub(crate) fn check(own: NodeId, code: Option<&Secret>, update: &[u8]) -> Result<Label, Refused> {
    let update: &[u8; LENGTH] = update.try_into().map_err(|_| Refused::Malformed)?;
    let (content, codes) = update.split_at(CONTENT);
    let urgency = match content[field::URGENCY] {
        0 => Urgency::Overlap,
        1 => Urgency::AtOnce,
        _ => return Err(Refused::Malformed),
    };
    let reserved = &content[field::RESERVED..field::GENERATION];
    let (node, own) = (NodeId(content[field::NODE]), usize::from(own.0));
    let known = (1..=NODES).contains(&usize::from(node.0));
    if !is_update(content) || reserved.iter().any(|byte| *byte != 0) || !known {
        return Err(Refused::Malformed);
    }
    let mut codes = codes.chunks_exact(CODE_LENGTH);
    let ours = own.checked_sub(1).and_then(|index| codes.nth(index));
    let (code, ours) = code.zip(ours).ok_or(Refused::Forged)?;
    if !mac::fits(&code.0, &[content], ours) {
        return Err(Refused::Forged);
    }
    let generation = content[field::GENERATION..].first_chunk();
    Ok(Label {
        node,
        generation: u64::from_le_bytes(*generation.ok_or(Refused::Malformed)?),
        urgency,
    })
}

/// What a machine reads in an update for it, which was [checked](check): its next keys.
// [N50]
pub(crate) fn open(
    present: &ClusterKeys,
    label: Label,
    update: &[u8],
) -> Result<(ClusterKeys, Urgency), Refused> {
    if label.node != present.node {
        return Err(Refused::Misdirected);
    }
    if label.generation <= present.generation {
        return Err(Refused::Old);
    }
    let administrator = present.administrator.as_ref().ok_or(Refused::Forged)?;
    let content = update.get(..CONTENT).ok_or(Refused::Malformed)?;
    let (readable, sealed) = content
        .split_first_chunk::<{ field::SEALED }>()
        .ok_or(Refused::Malformed)?;
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
        && next.generation == label.generation;
    if !fits {
        return Err(Refused::Malformed);
    }
    Ok((next, label.urgency))
}

fn bound(readable: &[u8; field::SEALED]) -> [u8; DOMAIN.len() + field::SEALED] {
    let mut bound = [0; DOMAIN.len() + field::SEALED];
    bound[..DOMAIN.len()].copy_from_slice(DOMAIN);
    bound[DOMAIN.len()..].copy_from_slice(readable);
    bound
}
