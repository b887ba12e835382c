//! The cluster's keys that a machine has: the present ones, and for a while those before them.

use netipc_protocol::{Exchange, Instant, NodeId};

use crate::gate::HelloCode;
use crate::keys::{ClusterKeys, NODES, Secret};
use crate::limits::OVERLAP_OF_CLUSTER_KEYS;
use crate::noise::Sides;
use crate::update::{self, Label, Refused, Urgency};

/// Which of a machine's keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Which {
    /// The present ones.
    #[default]
    Now,
    /// Those before.
    Before,
}

impl Which {
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Now => Self::Before,
            Self::Before => Self::Now,
        }
    }
}

/// What other keys have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The generation that is in force now.
    pub generation: u64,
    /// Machines whose keys are good no more: a session with one of them is to end at once.
    pub gone: heapless::Vec<NodeId, NODES>,
}

struct Epoch {
    keys: ClusterKeys,
    code: HelloCode,
}

impl Epoch {
    fn new(keys: ClusterKeys) -> Self {
        let code = HelloCode::of(&keys.shared);
        Self { keys, code }
    }
}

/// A machine's keys.
pub(crate) struct Epochs {
    now: Epoch,
    /// Until when they are good beside the present ones.
    before: Option<(Epoch, Instant)>,
    /// What codes of the administrator's updates are made with.
    update: Option<Secret>,
}

impl Epochs {
    pub(crate) fn new(keys: ClusterKeys) -> Self {
        Self {
            update: update_code(&keys),
            now: Epoch::new(keys),
            before: None,
        }
    }

    /// The present keys.
    pub(crate) const fn keys(&self) -> &ClusterKeys {
        &self.now.keys
    }

    /// Forgets keys that are good no more.
    pub(crate) fn expire(&mut self, now: Instant) {
        self.before.take_if(|(_, until)| *until <= now);
    }

    fn get(&self, which: Which) -> Option<&Epoch> {
        match which {
            Which::Now => Some(&self.now),
            Which::Before => self.before.as_ref().map(|(epoch, _)| epoch),
        }
    }

    /// The generation of one of them, if it is good.
    pub(crate) fn generation(&self, which: Which) -> Option<u64> {
        self.get(which).map(|epoch| epoch.keys.generation)
    }

    /// By which of the keys a frame of the handshake has its code.
    pub(crate) fn signed_by(&self, frame: &[u8]) -> Option<Which> {
        let mut all = [Which::Now, Which::Before].into_iter();
        all.find(|which| {
            self.get(*which)
                .is_some_and(|epoch| epoch.code.is_signed(frame))
        })
    }

    /// Writes the code of a frame of the handshake; by the present keys, if the others are good no more.
    pub(crate) fn sign(&self, which: Which, frame: &mut [u8]) {
        self.get(which).unwrap_or(&self.now).code.sign(frame);
    }

    /// Who takes part in an exchange, with the secret of some of the keys and the key pairs of others.
    // [N51]
    pub(crate) fn sides<'a>(
        &'a self,
        secret: Which,
        pairs: Which,
        exchange: &'a Exchange<'_>,
    ) -> Option<Sides<'a>> {
        // Who is not among the present keys is nobody, whatever was before.
        self.now.keys.public_of(exchange.peer)?;
        let pairs = &self.get(pairs)?.keys;
        Some(Sides {
            own: &pairs.private,
            peer: pairs.public_of(exchange.peer)?,
            shared: &self.get(secret)?.keys.shared,
            key: exchange.key,
            bound: exchange.bound,
        })
    }

    /// What an update says that the administrator has made, whomever it is for.
    pub(crate) fn check(&self, update: &[u8]) -> Result<Label, Refused> {
        update::check(self.now.keys.node, self.update.as_ref(), update)
    }

    /// Applies what the administrator has sent. Whether frames are encrypted, and session keys told, is decided at the start only.
    pub(crate) fn replace(
        &mut self,
        now: Instant,
        label: Label,
        update: &[u8],
    ) -> Result<Change, Refused> {
        let present = &self.now.keys;
        let (mut next, urgency) = update::open(present, label, update)?;
        next.encryption = present.encryption;
        next.key_log = present.key_log;
        let nodes = (1..=NODES as u8).map(NodeId);
        let gone = nodes.filter(
            |node| match (present.public_of(*node), next.public_of(*node)) {
                (Some(_), None) => true,
                (Some(before), Some(after)) => urgency == Urgency::AtOnce && before != after,
                (None, _) => false,
            },
        );
        let change = Change {
            generation: next.generation,
            gone: gone.collect(),
        };
        self.update = update_code(&next);
        let before = core::mem::replace(&mut self.now, Epoch::new(next));
        self.before = match urgency {
            Urgency::Overlap => Some((before, now + OVERLAP_OF_CLUSTER_KEYS)),
            Urgency::AtOnce => None,
        };
        Ok(change)
    }
}

fn update_code(keys: &ClusterKeys) -> Option<Secret> {
    update::code(&keys.private, keys.administrator.as_ref()?)
}
