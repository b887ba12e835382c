//! What a machine is given: the cluster's secret, its own key pair, every machine's public key, the administrator's, and who votes.
//!
//! `isthmus cluster` makes it, QEMU's `fw_cfg` brings it to the root task, and the root task gives it to the component that serves
//! `netipc`, and to no other.

use alloc::vec::Vec;
use core::fmt;

use netipc_wire::{ClusterId, NodeId};
use zeroize::Zeroize;

use crate::noise;

/// Machines of a cluster.
pub const NODES: usize = netipc_protocol::limits::PEERS + 1;

const MAGIC: [u8; 8] = *b"ISTHKEY2";
const SECRET_LENGTH: usize = 32;

mod field {
    use super::{NODES, SECRET_LENGTH};

    pub const MAGIC: usize = 0;
    pub const CLUSTER: usize = 8;
    /// Its number and the flags, a byte each.
    pub const NODE: usize = 16;
    /// A bit for each machine that votes on the view of the cluster, and for each of these that is a witness.
    pub const VOTERS: usize = 18;
    pub const RESERVED: usize = 20;
    pub const SHARED: usize = 24;
    pub const PRIVATE: usize = SHARED + SECRET_LENGTH;
    pub const PUBLIC: usize = PRIVATE + SECRET_LENGTH;
    pub const ADMINISTRATOR: usize = PUBLIC + NODES * SECRET_LENGTH;
    pub const GENERATION: usize = ADMINISTRATOR + SECRET_LENGTH;
    pub const END: usize = GENERATION + 8;
}

/// Bytes of a machine's keys, as [`ClusterKeys::to_bytes`] writes them.
pub const LENGTH: usize = field::END;

const ENCRYPTION_OFF: u8 = 1;
const KEY_LOG_ON: u8 = 2;

/// 32 secret bytes. They are wiped when they are dropped, and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub [u8; SECRET_LENGTH]);

impl Secret {
    pub(crate) const ZERO: Self = Self([0; SECRET_LENGTH]);

    /// The public key of this private one.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        noise::public(self)
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A machine's public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(pub [u8; SECRET_LENGTH]);

/// Whether frames are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Encryption {
    /// As they should be.
    #[default]
    On,
    /// For tests that show what encryption hides: anybody can read and forge.
    OffForTests,
}

/// Whether the keys of sessions are told to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum KeyLog {
    /// As it should be.
    #[default]
    Off,
    /// For tests that read captures: whoever reads the log can read every frame.
    OnForTests,
}

/// Which machines vote on the view of the cluster, and which of them do nothing else (`docs/view.md`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Voters {
    voters: u8,
    witnesses: u8,
}

/// Why machines cannot vote so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadVoters {
    /// There can be no machine of this number, or it is named twice.
    Machine(NodeId),
    /// A witness that does not vote.
    IdleWitness,
}

impl fmt::Display for BadVoters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Machine(node) => {
                write!(f, "machine {} is named twice, or there can be none", node.0)
            }
            Self::IdleWitness => {
                f.write_str("a witness is one of the voters: name it among them, too")
            }
        }
    }
}

impl core::error::Error for BadVoters {}

impl Voters {
    /// Nobody: there is no view.
    pub const NONE: Self = Self {
        voters: 0,
        witnesses: 0,
    };

    /// These; the witnesses are among them.
    ///
    /// # Errors
    /// [`BadVoters`].
    pub fn new(
        voters: impl IntoIterator<Item = NodeId>,
        witnesses: impl IntoIterator<Item = NodeId>,
    ) -> Result<Self, BadVoters> {
        let (voters, witnesses) = (bits(voters)?, bits(witnesses)?);
        Self::of_bits(voters, witnesses).ok_or(BadVoters::IdleWitness)
    }

    fn of_bits(voters: u8, witnesses: u8) -> Option<Self> {
        let all_vote = witnesses & !voters == 0;
        all_vote.then_some(Self { voters, witnesses })
    }

    /// Who votes, rising.
    pub fn voters(self) -> impl Iterator<Item = NodeId> {
        nodes_of(self.voters)
    }

    /// Who does nothing else, rising.
    pub fn witnesses(self) -> impl Iterator<Item = NodeId> {
        nodes_of(self.witnesses)
    }

    /// Whether nobody votes.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.voters == 0
    }

    /// The same without a machine.
    #[must_use]
    pub fn without(self, node: NodeId) -> Self {
        let others = !bits([node]).unwrap_or(0);
        Self {
            voters: self.voters & others,
            witnesses: self.witnesses & others,
        }
    }
}

fn bits(nodes: impl IntoIterator<Item = NodeId>) -> Result<u8, BadVoters> {
    nodes.into_iter().try_fold(0_u8, |bits, node| {
        let bit = u32::from(node.0).checked_sub(1);
        let bit = bit.and_then(|shift| 1_u8.checked_shl(shift));
        let bit = bit.filter(|bit| bits & bit == 0);
        bit.map(|bit| bits | bit).ok_or(BadVoters::Machine(node))
    })
}

fn nodes_of(bits: u8) -> impl Iterator<Item = NodeId> {
    let nodes = (1..=NODES as u8).map(NodeId);
    nodes.filter(move |node| bits >> (node.0 - 1) & 1 == 1)
}

const _: () = assert!(NODES <= u8::BITS as usize, "a bit for each machine");

/// Everything about keys that one machine knows at its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterKeys {
    /// The cluster.
    pub cluster: ClusterId,
    /// Whose keys these are.
    pub node: NodeId,
    /// What all machines of the cluster know.
    pub shared: Secret,
    /// The machine's own.
    pub private: Secret,
    /// Each machine's public key; machine 1's is the first.
    pub public: [Option<PublicKey>; NODES],
    /// Counts the changes of the cluster's keys: of two, those with the higher number are good.
    pub generation: u64,
    /// Who may change them while the machine runs ([`update`](crate::update)); `None`: nobody.
    pub administrator: Option<PublicKey>,
    /// Who votes on the view of the cluster: what counts is what a machine was started with.
    pub voters: Voters,
    /// Whether frames are encrypted.
    pub encryption: Encryption,
    /// Whether the keys of sessions are told.
    pub key_log: KeyLog,
}

/// Why bytes are no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadKeys {
    /// Of another length, or they do not begin as keys do.
    NotKeys,
    /// A field has a value that nobody writes.
    Field,
    /// The private key does not belong to the machine's public one.
    Mismatch,
}

impl fmt::Display for BadKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotKeys => "not a machine's keys",
            Self::Field => "a field has an illegal value",
            Self::Mismatch => "the private key does not belong to the machine's public one",
        })
    }
}

impl core::error::Error for BadKeys {}

impl ClusterKeys {
    /// New keys for a cluster of machines 1 to `nodes`, at most [`NODES`], of generation 1 and without an administrator; `draw` gives bytes that nobody can foresee.
    pub fn generate<E>(
        nodes: usize,
        mut draw: impl FnMut() -> Result<[u8; SECRET_LENGTH], E>,
    ) -> Result<Vec<Self>, E> {
        let [a, b, c, d, e, f, g, h, ..] = draw()?;
        let cluster = ClusterId(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
        let shared = Secret(draw()?);
        let mut private = Vec::new();
        for _ in 0..nodes.min(NODES) {
            private.push(Secret(draw()?));
        }
        let mut public = [None; NODES];
        for (public, private) in public.iter_mut().zip(&private) {
            *public = Some(private.public());
        }
        let machine = |(node, private)| Self {
            cluster,
            node: NodeId(node),
            shared: shared.clone(),
            private,
            public,
            generation: 1,
            administrator: None,
            voters: Voters::NONE,
            encryption: Encryption::On,
            key_log: KeyLog::Off,
        };
        Ok((1..).zip(private).map(machine).collect())
    }

    /// A peer's public key.
    #[must_use]
    pub fn public_of(&self, node: NodeId) -> Option<&PublicKey> {
        let index = usize::from(node.0).checked_sub(1)?;
        self.public.get(index)?.as_ref()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadKeys> {
        if bytes.len() != LENGTH || !bytes.starts_with(&MAGIC) {
            return Err(BadKeys::NotKeys);
        }
        let [node, flags] = take(bytes, field::NODE)?;
        let [voters, witnesses] = take(bytes, field::VOTERS)?;
        let voters = Voters::of_bits(voters, witnesses).ok_or(BadKeys::Field)?;
        let reserved: [u8; field::SHARED - field::RESERVED] = take(bytes, field::RESERVED)?;
        if flags & !(ENCRYPTION_OFF | KEY_LOG_ON) != 0 || reserved.iter().any(|byte| *byte != 0) {
            return Err(BadKeys::Field);
        }
        let mut public = [None; NODES];
        for (index, key) in public.iter_mut().enumerate() {
            let bytes: [u8; SECRET_LENGTH] = take(bytes, field::PUBLIC + index * SECRET_LENGTH)?;
            *key = public_key(bytes);
        }
        let keys = Self {
            cluster: ClusterId(u64::from_le_bytes(take(bytes, field::CLUSTER)?)),
            node: NodeId(node),
            shared: Secret(take(bytes, field::SHARED)?),
            private: Secret(take(bytes, field::PRIVATE)?),
            public,
            generation: u64::from_le_bytes(take(bytes, field::GENERATION)?),
            administrator: public_key(take(bytes, field::ADMINISTRATOR)?),
            voters,
            encryption: match flags & ENCRYPTION_OFF {
                0 => Encryption::On,
                _ => Encryption::OffForTests,
            },
            key_log: match flags & KEY_LOG_ON {
                0 => KeyLog::Off,
                _ => KeyLog::OnForTests,
            },
        };
        if keys.public_of(keys.node) != Some(&keys.private.public()) {
            return Err(BadKeys::Mismatch);
        }
        Ok(keys)
    }

    /// As the machine gets them. The bytes are as secret as what is in them.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        let mut put = |at: usize, value: &[u8]| {
            if let Some(room) = bytes.get_mut(at..at + value.len()) {
                room.copy_from_slice(value);
            }
        };
        put(field::MAGIC, &MAGIC);
        put(field::CLUSTER, &self.cluster.0.to_le_bytes());
        let encryption = match self.encryption {
            Encryption::On => 0,
            Encryption::OffForTests => ENCRYPTION_OFF,
        };
        let key_log = match self.key_log {
            KeyLog::Off => 0,
            KeyLog::OnForTests => KEY_LOG_ON,
        };
        put(field::NODE, &[self.node.0, encryption | key_log]);
        put(field::VOTERS, &[self.voters.voters, self.voters.witnesses]);
        put(field::SHARED, &self.shared.0);
        put(field::PRIVATE, &self.private.0);
        for (index, key) in self.public.iter().enumerate() {
            if let Some(key) = key {
                put(field::PUBLIC + index * SECRET_LENGTH, &key.0);
            }
        }
        if let Some(key) = &self.administrator {
            put(field::ADMINISTRATOR, &key.0);
        }
        put(field::GENERATION, &self.generation.to_le_bytes());
        bytes
    }
}

/// Zeroes stand for none.
fn public_key(bytes: [u8; SECRET_LENGTH]) -> Option<PublicKey> {
    (bytes != [0; SECRET_LENGTH]).then_some(PublicKey(bytes))
}

fn take<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], BadKeys> {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
    found.copied().ok_or(BadKeys::NotKeys)
}
