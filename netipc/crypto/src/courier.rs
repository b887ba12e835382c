//! The administrator's updates for all machines, passed on until everybody has said that it has them: so the administrator need not reach each.
//!
//! Of each machine the newest update is kept, at most one; that of a machine which the present keys do not name is offered to nobody, and forgotten
//! when other keys are in force. What a peer has it says itself, in a datagram under a code that only the two can make (a *have*): in answer to each
//! update that it was sent. Until then it lacks everything, and is offered one update at a time, its own first, at pauses that grow. Nothing here
//! needs a session: machines may have no secret in common when this is needed most. It decides nothing about keys; what does is `epochs`. States:
//! `docs/netipc.md`, Keys.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use netipc_protocol::{Instant, NodeId};

use crate::keys::{ClusterKeys, NODES, Secret};
use crate::limits::{DOUBT_AGAIN, OFFER_AGAIN, OFFER_AGAIN_MAX};
use crate::mac::{self, CODE_LENGTH};
use crate::noise;
use crate::update::{self, Label, Refused};

const MAGIC: [u8; 8] = *b"ISTHHAV1";

mod field {
    pub const FROM: usize = 8;
    pub const TO: usize = 9;
    pub const RESERVED: usize = 10;
    pub const GENERATIONS: usize = 16;
}

const CONTENT: usize = field::GENERATIONS + 8 * NODES;
/// Bytes of what a machine says that it has.
pub const HAVE_LENGTH: usize = CONTENT + CODE_LENGTH;

/// Which generation of each machine's keys somebody has; 0: none. Machine 1's is the first.
type Generations = [u64; NODES];

/// Whether a datagram is meant to be what a machine says that it has.
#[must_use]
pub fn is_have(datagram: &[u8]) -> bool {
    datagram.starts_with(&MAGIC)
}

/// The newest update for one machine.
struct Kept {
    generation: u64,
    update: [u8; update::LENGTH],
}

/// Whether a peer is owed an answer.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Answer {
    #[default]
    NotOwed,
    Owed,
}

/// What is known of one peer.
#[derive(Default)]
struct Peer {
    /// What it has last said.
    has: Generations,
    answer: Answer,
    /// When it is offered the next, if it lacks any; `None`: now.
    due: Option<Instant>,
    /// After how many offers without an answer.
    offers: u32,
    /// When it was last doubted.
    doubted: Option<Instant>,
    /// What codes between the two are made with, once it was needed.
    code: Option<Secret>,
}

/// Whether anything is to be said: found by looking through everything, and kept, because it is asked at every turn of the proxy.
#[derive(Clone, Copy)]
enum Quiet {
    /// Something has changed since it was looked for.
    Unknown,
    /// Nothing is, before this time.
    Until(Instant),
    /// Nothing is.
    Always,
}

/// Keeps and passes on.
pub(crate) struct Courier {
    kept: Vec<Option<Box<Kept>>>,
    peers: Vec<Peer>,
    quiet: Quiet,
}

impl Courier {
    pub(crate) fn new() -> Self {
        let mut courier = Self {
            kept: Vec::new(),
            peers: Vec::new(),
            quiet: Quiet::Unknown,
        };
        courier.kept.resize_with(NODES, || None);
        courier.peers.resize_with(NODES, Peer::default);
        courier
    }

    /// Keeps an update that the administrator has made. A second one of the same generation goes for the first, which somebody may have spoilt for others on its way.
    // [N54]
    pub(crate) fn keep(&mut self, label: Label, update: &[u8]) {
        let (Some(index), Ok(update)) = (index(label.node), update.try_into()) else {
            return;
        };
        let Some(place) = self.kept.get_mut(index) else {
            return;
        };
        if place
            .as_ref()
            .is_some_and(|kept| kept.generation > label.generation)
        {
            return;
        }
        let generation = label.generation;
        match place {
            Some(kept) if kept.generation == generation && kept.update == update => {}
            // In place of the one before: room is taken once for each machine.
            Some(kept) => {
                (kept.generation, kept.update) = (generation, update);
                self.hurry();
            }
            None => {
                *place = Some(Box::new(Kept { generation, update }));
                self.hurry();
            }
        }
    }

    /// There is something new: everybody who lacks it is offered it at once.
    fn hurry(&mut self) {
        self.quiet = Quiet::Unknown;
        for peer in &mut self.peers {
            (peer.due, peer.offers) = (None, 0);
        }
    }

    /// Other keys are in force: who is not among them is forgotten, and codes are made with others.
    pub(crate) fn keys_changed(&mut self, keys: &ClusterKeys) {
        for ((kept, peer), public) in self.kept.iter_mut().zip(&mut self.peers).zip(&keys.public) {
            peer.code = None;
            if public.is_none() {
                *kept = None;
                *peer = Peer::default();
            }
        }
        self.hurry();
    }

    /// A peer may have lost what it had: it is a new start, or of other keys.
    pub(crate) fn doubt(&mut self, now: Instant, peer: NodeId) {
        self.quiet = Quiet::Unknown;
        let Some(peer) = index(peer).and_then(|index| self.peers.get_mut(index)) else {
            return;
        };
        if peer.doubted.is_some_and(|at| now < at + DOUBT_AGAIN) {
            return;
        }
        peer.doubted = Some(now);
        peer.has = Generations::default();
        (peer.due, peer.offers) = (None, 0);
    }

    /// A peer has sent an update that the administrator has made: it is told what is here now.
    pub(crate) fn owe_answer(&mut self, keys: &ClusterKeys, peer: NodeId) {
        self.quiet = Quiet::Unknown;
        if let Some(known) = index(peer).filter(|_| is_peer(keys, peer))
            && let Some(peer) = self.peers.get_mut(known)
        {
            peer.answer = Answer::Owed;
        }
    }

    /// A peer says what it has.
    // [N55]
    pub(crate) fn hear(&mut self, keys: &ClusterKeys, datagram: &[u8]) -> Result<NodeId, Refused> {
        let have: &[u8; HAVE_LENGTH] = datagram.try_into().map_err(|_| Refused::Malformed)?;
        let (content, tag) = have.split_at(CONTENT);
        let reserved = &content[field::RESERVED..field::GENERATIONS];
        if !is_have(content) || reserved.iter().any(|byte| *byte != 0) {
            return Err(Refused::Malformed);
        }
        let from = NodeId(content[field::FROM]);
        if NodeId(content[field::TO]) != keys.node || !is_peer(keys, from) {
            return Err(Refused::Misdirected);
        }
        let index = index(from).ok_or(Refused::Misdirected)?;
        let peer = self.peers.get_mut(index).ok_or(Refused::Misdirected)?;
        // The key is there if the peer was ever told anything; what it says unasked costs no arithmetic.
        let code = peer.code.as_ref().ok_or(Refused::Forged)?;
        if !mac::fits(&code.0, &[content], tag) {
            return Err(Refused::Forged);
        }
        self.quiet = Quiet::Unknown;
        let before = peer.has;
        let said = content[field::GENERATIONS..].chunks_exact(8);
        for (has, said) in peer.has.iter_mut().zip(said) {
            *has = said.try_into().map_or(0, u64::from_le_bytes);
        }
        if peer.has != before {
            (peer.due, peer.offers) = (None, 0);
        }
        Ok(from)
    }

    /// When a peer is to be sent something that it is not to be sent now.
    pub(crate) fn timeout(&self, now: Instant, keys: &ClusterKeys) -> Option<Instant> {
        match self.quiet {
            Quiet::Unknown => {}
            Quiet::Until(at) => return (now < at).then_some(at),
            Quiet::Always => return None,
        }
        let at = |node: NodeId| {
            let due = self.peers[index(node)?].due.filter(|due| now < *due)?;
            self.lacks(keys, node).next().map(|_| due)
        };
        peers_of(keys).filter_map(at).min()
    }

    /// Writes the next datagram: for whom, and how long it is.
    pub(crate) fn next(
        &mut self,
        now: Instant,
        keys: &ClusterKeys,
        datagram: &mut [u8],
    ) -> Option<(NodeId, usize)> {
        match self.quiet {
            Quiet::Always => return None,
            Quiet::Until(at) if now < at => return None,
            Quiet::Until(_) | Quiet::Unknown => {}
        }
        self.quiet = Quiet::Unknown;
        let said = self.say(now, keys, datagram);
        if said.is_none() {
            let timeout = self.timeout(now, keys);
            self.quiet = timeout.map_or(Quiet::Always, Quiet::Until);
        }
        said
    }

    // [N55]
    fn say(
        &mut self,
        now: Instant,
        keys: &ClusterKeys,
        datagram: &mut [u8],
    ) -> Option<(NodeId, usize)> {
        for node in peers_of(keys) {
            let peer = self.peers.get_mut(index(node)?)?;
            if core::mem::take(&mut peer.answer) == Answer::Owed
                && let Some(length) = self.write_have(keys, node, datagram)
            {
                return Some((node, length));
            }
        }
        for node in peers_of(keys) {
            let peer = &self.peers[index(node)?];
            if peer.due.is_some_and(|due| now < due) {
                continue;
            }
            let (lacks, offers) = (self.lacks(keys, node).count(), peer.offers);
            // One after the other, its own first.
            let Some(turn) = (offers as usize).checked_rem(lacks) else {
                continue;
            };
            let whose = self.lacks(keys, node).nth(turn)?;
            // Its answer is going to be looked at.
            self.make_code(keys, node);
            let kept = self.kept[index(whose)?].as_ref()?;
            let room = datagram.get_mut(..update::LENGTH)?;
            room.copy_from_slice(&kept.update);
            let peer = &mut self.peers[index(node)?];
            peer.due = Some(now + pause(offers));
            peer.offers = offers.saturating_add(1);
            return Some((node, update::LENGTH));
        }
        None
    }

    /// Whose updates a peer lacks, its own first.
    fn lacks<'a>(
        &'a self,
        keys: &'a ClusterKeys,
        peer: NodeId,
    ) -> impl Iterator<Item = NodeId> + 'a {
        let others = nodes().filter(move |node| *node != peer);
        core::iter::once(peer).chain(others).filter(move |whose| {
            let Some((peer, whose)) = index(peer).zip(index(*whose)) else {
                return false;
            };
            let kept = self.kept[whose].as_ref().map_or(0, |kept| kept.generation);
            keys.public[whose].is_some() && kept > self.peers[peer].has[whose]
        })
    }

    fn make_code(&mut self, keys: &ClusterKeys, node: NodeId) -> Option<&Secret> {
        let public = keys.public_of(node)?;
        let peer = self.peers.get_mut(index(node)?)?;
        if peer.code.is_none() {
            let common = noise::common(&keys.private, public)?;
            peer.code = Some(Secret(mac::derive(&common.0, &[b"isthmus netipc have"])));
        }
        peer.code.as_ref()
    }

    fn write_have(&mut self, keys: &ClusterKeys, to: NodeId, datagram: &mut [u8]) -> Option<usize> {
        let mut have = self.generations();
        // What is in force counts, however it came.
        *have.get_mut(index(keys.node)?)? = keys.generation;
        let code = self.make_code(keys, to)?;
        let have = have_of(keys.node, to, &have, code);
        datagram.get_mut(..HAVE_LENGTH)?.copy_from_slice(&have);
        Some(HAVE_LENGTH)
    }

    fn generations(&self) -> Generations {
        let of = |index: usize| self.kept[index].as_ref().map_or(0, |kept| kept.generation);
        core::array::from_fn(of)
    }
}

fn have_of(from: NodeId, to: NodeId, has: &Generations, code: &Secret) -> [u8; HAVE_LENGTH] {
    let mut have = [0; HAVE_LENGTH];
    let (content, tag) = have.split_at_mut(CONTENT);
    content[..MAGIC.len()].copy_from_slice(&MAGIC);
    content[field::FROM] = from.0;
    content[field::TO] = to.0;
    let places = content[field::GENERATIONS..].chunks_exact_mut(8);
    for (place, generation) in places.zip(has) {
        place.copy_from_slice(&generation.to_le_bytes());
    }
    tag.copy_from_slice(&mac::code(&code.0, &[content]));
    have
}

/// The pause after so many offers that were not answered.
fn pause(offers: u32) -> Duration {
    let doubled = OFFER_AGAIN.checked_mul(1 << offers.min(16));
    doubled.unwrap_or(OFFER_AGAIN_MAX).min(OFFER_AGAIN_MAX)
}

fn index(node: NodeId) -> Option<usize> {
    usize::from(node.0)
        .checked_sub(1)
        .filter(|index| *index < NODES)
}

fn nodes() -> impl Iterator<Item = NodeId> {
    (1..=NODES as u8).map(NodeId)
}

fn is_peer(keys: &ClusterKeys, node: NodeId) -> bool {
    node != keys.node && keys.public_of(node).is_some()
}

fn peers_of(keys: &ClusterKeys) -> impl Iterator<Item = NodeId> + '_ {
    nodes().filter(|node| is_peer(keys, *node))
}
