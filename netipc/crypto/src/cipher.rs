//! The cipher that the protocol is handed: the keys of every peer's sessions.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use netipc_protocol::{
    Admission, BootId, Cipher, Crowd, Exchange, Extension, Instant, NoKeys, NodeId, SessionId,
    Transparent, Unreadable,
};
use netipc_wire::handshake::Cookie;
use netipc_wire::{Header, Kind, Nonce};

use crate::ahead::{Ahead, Of};
use crate::courier::{self, Courier};
use crate::epochs::{Change, Epochs, Which};
use crate::fault::{Faults, PlantedFault};
use crate::gate::Gate;
use crate::key::Key;
use crate::keys::{ClusterKeys, Encryption, KeyLog, NODES, Secret};
use crate::limits::{OVERLAP, REKEY_AFTER, REKEY_AGAIN, REKEY_PATIENCE};
use crate::noise::{self, Begun, Failed};
use crate::ring::{Asker, Entry, Ring};
use crate::source::Source;
use crate::update::Refused;

/// What protects a machine's frames. It begins as [`Silent`](Self::Silent), which is zeroes.
#[derive(Default)]
pub enum Protection {
    /// There are no keys: nothing can be sealed, and nothing is believed.
    #[default]
    Silent,
    /// Keys, and all that Noise is good for.
    Noise(Box<Noise>),
    /// For tests that show what encryption hides, and for simulations: a checksum.
    OffForTests(Transparent),
}

impl Protection {
    /// As the keys say, with random numbers from the machine's seed.
    #[must_use]
    pub fn new(keys: ClusterKeys, seed: &[u8; 32]) -> Self {
        match keys.encryption {
            Encryption::On => Self::Noise(Box::new(Noise::new(keys, seed))),
            Encryption::OffForTests => Self::OffForTests(Transparent),
        }
    }

    /// A datagram about keys has come ([`is_about_keys`](crate::is_about_keys)): [`Noise::hear`].
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn hear(&mut self, now: Instant, from: NodeId, said: &[u8]) -> Result<Heard, Refused> {
        match self {
            Self::Noise(noise) => noise.hear(now, from, said),
            // Who has no keys knows no administrator.
            Self::Silent | Self::OffForTests(_) => Err(Refused::Forged),
        }
    }

    /// The next datagram about keys: [`Noise::next_said`].
    pub fn next_said(&mut self, now: Instant, datagram: &mut [u8]) -> Option<(NodeId, usize)> {
        match self {
            Self::Noise(noise) => noise.next_said(now, datagram),
            Self::Silent | Self::OffForTests(_) => None,
        }
    }

    /// When the next one is due that is not due now.
    #[must_use]
    pub fn said_at(&self, now: Instant) -> Option<Instant> {
        match self {
            Self::Noise(noise) => noise.said_at(now),
            Self::Silent | Self::OffForTests(_) => None,
        }
    }

    /// A session with a peer has begun: [`Noise::met`].
    pub fn met(&mut self, now: Instant, peer: NodeId) {
        if let Self::Noise(noise) = self {
            noise.met(now, peer);
        }
    }

    /// The generation of the cluster's keys; 0 if there are none.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        match self {
            Self::Noise(noise) => noise.generation(),
            Self::Silent | Self::OffForTests(_) => 0,
        }
    }

    /// The next key that was agreed on, if the keys say that it may be told: [`KeyLog`].
    pub fn agreed(&mut self) -> Option<Agreed> {
        match self {
            Self::Noise(noise) => noise.agreed.pop_front(),
            Self::Silent | Self::OffForTests(_) => None,
        }
    }
}

/// What a datagram about keys was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Other keys for this machine: they are in force.
    Changed(Change),
    /// Other keys for that machine, kept for it and offered to it.
    Kept(NodeId),
    /// This peer has said what it has.
    Told(NodeId),
}

/// A key of a session, for a log that tests read captures with.
#[derive(Clone, Debug)]
pub struct Agreed {
    /// With whom.
    pub peer: NodeId,
    /// Of which session.
    pub session: SessionId,
    /// Which of its keys.
    pub key: u32,
    /// For what we send.
    pub send: Secret,
    /// For what we receive.
    pub receive: Secret,
}

/// Keys that wait to be told.
const AGREED: usize = 8;

/// Noise IK, and frames sealed with what it agreed on.
pub struct Noise {
    epochs: Epochs,
    courier: Courier,
    source: Source,
    gate: Gate,
    /// Machine 1 is the first.
    peers: Vec<Peer>,
    rekey_after: Duration,
    faults: Faults,
    agreed: heapless::Deque<Agreed, AGREED>,
    /// For whom a frame was last sealed.
    last: Option<NodeId>,
}

/// What is known for one peer.
#[derive(Default)]
struct Peer {
    ring: Ring,
    /// Our key exchange that is not answered.
    begun: Option<Box<Begun>>,
    /// By which of the cluster's keys it has last spoken in a handshake.
    spoke: Which,
    /// By which of them our next HELLO is, while it may have either.
    turn: Which,
    /// Keystream for what we send.
    sending: Ahead,
    /// Keystream for what we receive.
    receiving: Ahead,
    /// What was sealed last, and what is the newest that was opened.
    last: (Option<Of>, Option<Of>),
}

impl Noise {
    /// With a machine's keys, and random numbers from its seed.
    #[must_use]
    pub fn new(keys: ClusterKeys, seed: &[u8; 32]) -> Self {
        let mut noise = Self {
            epochs: Epochs::new(keys),
            courier: Courier::new(),
            source: Source::new(),
            gate: Gate::new(),
            peers: Vec::new(),
            rekey_after: REKEY_AFTER,
            faults: Faults::NONE,
            agreed: heapless::Deque::new(),
            last: None,
        };
        noise.peers.resize_with(NODES, Peer::default);
        noise.source.seed(seed);
        noise.restart();
        noise
    }

    /// Replaces keys after another time than [`REKEY_AFTER`]: for simulations.
    #[must_use]
    pub const fn rekeying_after(mut self, time: Duration) -> Self {
        self.rekey_after = time;
        self
    }

    /// Plants a fault.
    #[cfg(feature = "planted-faults")]
    pub const fn plant(&mut self, fault: PlantedFault) {
        self.faults.planted = Some(fault);
    }

    fn restart(&mut self) {
        self.peers.fill_with(Peer::default);
        self.agreed.clear();
        self.last = None;
        let cookie = self.source.draw();
        self.gate.begin(cookie);
    }

    fn peer(&mut self, node: NodeId) -> Option<&mut Peer> {
        self.peers.get_mut(usize::from(node.0).checked_sub(1)?)
    }

    /// A datagram about keys has come, from a machine or from elsewhere: an update that the administrator has sealed ([`crate::update`]), or what a peer says that it has. This
    /// machine's own update is applied: sessions go on, but those that the answer says are to end; each is given a new key when it is used next. Another machine's is kept for it.
    ///
    /// # Errors
    /// Why it is not taken; nothing has changed then.
    pub fn hear(&mut self, now: Instant, from: NodeId, said: &[u8]) -> Result<Heard, Refused> {
        if courier::is_have(said) {
            let told = self.courier.hear(self.epochs.keys(), said);
            return told.map(Heard::Told);
        }
        let label = self.epochs.check(said)?;
        self.courier.owe_answer(self.epochs.keys(), from);
        let keys = self.epochs.keys();
        if label.node != keys.node {
            self.courier.keep(label, said);
            return Ok(Heard::Kept(label.node));
        }
        if label.generation >= keys.generation {
            self.courier.keep(label, said);
        }
        let change = self.epochs.replace(now, label, said)?;
        self.courier.keys_changed(self.epochs.keys());
        for node in &change.gone {
            if let Some(peer) = self.peer(*node) {
                *peer = Peer::default();
            }
        }
        Ok(Heard::Changed(change))
    }

    /// Writes the next datagram about keys that a peer is to have, at least [`update::LENGTH`](crate::update::LENGTH) bytes: for whom, and how long it is.
    pub fn next_said(&mut self, now: Instant, datagram: &mut [u8]) -> Option<(NodeId, usize)> {
        self.courier.next(now, self.epochs.keys(), datagram)
    }

    /// When the next one is due that is not due now.
    #[must_use]
    pub fn said_at(&self, now: Instant) -> Option<Instant> {
        self.courier.timeout(now, self.epochs.keys())
    }

    /// A session with a peer has begun: what it has of others' keys it may have lost.
    pub fn met(&mut self, now: Instant, peer: NodeId) {
        self.courier.doubt(now, peer);
    }

    /// The generation of the cluster's keys.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.epochs.keys().generation
    }

    /// By which keys the next HELLO to a peer is signed: those that its key exchange was begun by, by turns if either will do, for nobody knows which of them the peer has.
    fn hello_by(&mut self, node: NodeId) -> Which {
        let before = self.epochs.generation(Which::Before);
        let Some((before, peer)) = before.zip(self.peer(node)) else {
            return Which::Now;
        };
        match peer.begun.as_ref().map(|begun| begun.generations()) {
            Some([Some(_), Some(_)]) => {
                let other = peer.turn.other();
                core::mem::replace(&mut peer.turn, other)
            }
            Some([Some(only), None]) if only == before => Which::Before,
            _ => Which::Now,
        }
    }

    fn tell(&mut self, exchange: &Exchange<'_>, key: &Key) {
        if self.epochs.keys().key_log == KeyLog::Off {
            return;
        }
        // Nobody listens: then nothing is told.
        let _ = self.agreed.push_back(Agreed {
            peer: exchange.peer,
            session: exchange.session,
            key: exchange.key,
            send: key.pair().send.clone(),
            receive: key.pair().receive.clone(),
        });
    }

    fn insert(
        &mut self,
        now: Instant,
        exchange: &Exchange<'_>,
        (key, generation): (Key, u64),
        asker: Asker,
    ) {
        self.tell(exchange, &key);
        if let Some(peer) = self.peer(exchange.peer) {
            let entry = Entry::new(exchange.session, exchange.key, key, asker, now, generation);
            peer.ring.insert(entry);
        }
    }
}

impl Cipher for Noise {
    fn begin(&mut self) {
        self.restart();
    }

    fn seal(&mut self, peer: NodeId, header: &Header, frame: &mut [u8]) {
        if header.kind.is_handshake() {
            let which = match header.kind {
                Kind::Hello => self.hello_by(peer),
                _ => self.peer(peer).map_or(Which::Now, |peer| peer.spoke),
            };
            self.epochs.sign(which, frame);
            return;
        }
        let faults = self.faults;
        self.last = Some(peer);
        let sealed = self.peer(peer).is_some_and(|peer| {
            let Some(entry) = peer.ring.find(header.session, header.key) else {
                return false;
            };
            let of = Of::frame(header);
            entry.key.seal(&mut peer.sending, of, frame, faults);
            peer.last.0 = Some(of);
            true
        });
        if !sealed {
            // The protocol asked for the key, so there is one; without it nothing may be readable.
            frame.fill(0);
        }
    }

    fn open(
        &mut self,
        now: Instant,
        peer: NodeId,
        header: &Header,
        frame: &mut [u8],
    ) -> Result<(), Unreadable> {
        if header.kind.is_handshake() {
            self.epochs.expire(now);
            let signed = match self.epochs.signed_by(frame) {
                None if self.faults.has(PlantedFault::HandshakeUnsigned) => Some(Which::Now),
                signed => signed,
            };
            if signed != Some(Which::Now) {
                // It may not have the present keys yet, or not any more.
                self.courier.doubt(now, peer);
            }
            let signed = signed.ok_or(Unreadable::Corrupt)?;
            if let Some(peer) = self.peer(peer) {
                peer.spoke = signed;
            }
            return Ok(());
        }
        let faults = self.faults;
        let peer = self.peer(peer).ok_or(Unreadable::NoKey)?;
        let entry = peer.ring.find(header.session, header.key);
        let entry = entry
            .filter(|entry| entry.is_good(now))
            .ok_or(Unreadable::NoKey)?;
        let of = Of::frame(header);
        entry.key.open(&mut peer.receiving, of, frame, faults)?;
        peer.last.1 = Some(of);
        if entry.heard() {
            peer.ring
                .retire_before(header.session, header.key, now + OVERLAP);
        }
        Ok(())
    }

    fn prepare(&mut self) {
        let last = self.last.take();
        let Some(peer) = last.and_then(|node| self.peer(node)) else {
            return;
        };
        let (sealed, opened) = peer.last;
        let (sealed, opened) = (sealed.map(Of::next), opened.map(Of::next));
        if let Some(of) = sealed
            && let Some(entry) = peer.ring.find(of.session, of.key)
        {
            peer.sending.prepare(&entry.key.pair().send, of);
        }
        if let Some(of) = opened
            && let Some(entry) = peer.ring.find(of.session, of.key)
        {
            peer.receiving.prepare(&entry.key.pair().receive, of);
        }
    }

    fn key(&self, peer: NodeId, session: SessionId) -> u32 {
        let index = usize::from(peer.0).checked_sub(1);
        let peer = index.and_then(|index| self.peers.get(index));
        let entry = peer.and_then(|peer| peer.ring.sealing(session));
        entry.map_or(0, |entry| entry.id)
    }

    fn admit(
        &mut self,
        now: Instant,
        peer: NodeId,
        identity: (BootId, Nonce),
        cookie: Cookie,
        crowd: Crowd,
    ) -> Admission {
        self.gate.admit(now, peer, identity, cookie, crowd)
    }

    fn initiate(&mut self, exchange: &Exchange<'_>) -> Result<Extension, NoKeys> {
        let ephemeral = self.source.draw();
        let by = |which| {
            let sides = self.epochs.sides(which, which, exchange);
            sides.zip(self.epochs.generation(which))
        };
        let (now, generation) = by(Which::Now).ok_or(NoKeys)?;
        let before = by(Which::Before);
        let before = before
            .as_ref()
            .map(|(sides, generation)| (sides, *generation));
        let begun = noise::begin((&now, generation), before, ephemeral);
        let (begun, first) = begun.map_err(|Failed| NoKeys)?;
        self.peer(exchange.peer).ok_or(NoKeys)?.begun = Some(Box::new(begun));
        Ok(first)
    }

    fn respond(
        &mut self,
        now: Instant,
        exchange: &Exchange<'_>,
        first: &[u8],
    ) -> Result<Extension, Unreadable> {
        let ephemeral = self.source.draw();
        self.epochs.expire(now);
        // A HELLO's code says which secret its sender has; in a session nobody says it, and who has not the present one asks again when it has.
        let spoke = match exchange.key {
            0 => self.peer(exchange.peer).map(|peer| peer.spoke),
            _ => None,
        };
        let secret = spoke.unwrap_or(Which::Now);
        let mut answered = Err(Unreadable::NoKey);
        for pairs in [secret, secret.other()] {
            if let Some(sides) = self.epochs.sides(secret, pairs, exchange) {
                let made = noise::answer(&sides, ephemeral, first, exchange.answer);
                answered = made.map_err(|Failed| Unreadable::Corrupt);
                if answered.is_ok() {
                    break;
                }
            }
        }
        let (pair, second) = answered?;
        let generation = self.epochs.generation(secret).unwrap_or(0);
        self.insert(now, exchange, (Key::new(pair), generation), Asker::Them);
        Ok(second)
    }

    fn complete(
        &mut self,
        now: Instant,
        exchange: &Exchange<'_>,
        second: &[u8],
    ) -> Result<(), Unreadable> {
        let peer = self.peer(exchange.peer).ok_or(Unreadable::NoKey)?;
        let begun = peer
            .begun
            .as_mut()
            .filter(|begun| begun.key == exchange.key);
        let ended = begun.ok_or(Unreadable::NoKey)?.end(second, exchange.answer);
        let (pair, generation) = ended.map_err(|Failed| Unreadable::Corrupt)?;
        peer.begun = None;
        self.insert(now, exchange, (Key::new(pair), generation), Asker::Us);
        Ok(())
    }

    fn wants_rekey(&mut self, now: Instant, peer: NodeId, session: SessionId) -> Option<u32> {
        self.epochs.expire(now);
        let after = self.rekey_after;
        let generation = self.generation();
        let ring = &mut self.peer(peer)?.ring;
        let entry = ring.sealing_mut(session)?;
        let patience = match entry.asker {
            Asker::Us => Duration::ZERO,
            Asker::Them => REKEY_PATIENCE.min(after),
        };
        let due = match entry.wanted {
            // The cluster's keys have changed since, or the peer has not heard of that yet.
            None if entry.generation < generation => entry.since + REKEY_AGAIN,
            None => entry.since + after + patience,
            Some(wanted) => wanted + REKEY_AGAIN,
        };
        if now < due {
            return None;
        }
        entry.wanted = Some(now);
        Some(entry.id)
    }

    fn closed(&mut self, peer: NodeId, session: SessionId) {
        if let Some(peer) = self.peer(peer) {
            peer.ring.forget(session);
        }
    }
}

/// The same of whatever it is.
macro_rules! delegate {
    ($self:ident, $noise:ident => $with:expr, $off:ident => $without:expr, $silent:expr) => {
        match $self {
            Self::Noise($noise) => $with,
            Self::OffForTests($off) => $without,
            Self::Silent => $silent,
        }
    };
}

impl Cipher for Protection {
    fn begin(&mut self) {
        delegate!(self, noise => noise.begin(), off => off.begin(), ());
    }

    fn seal(&mut self, peer: NodeId, header: &Header, frame: &mut [u8]) {
        delegate!(self, noise => noise.seal(peer, header, frame), off => off.seal(peer, header, frame), frame.fill(0));
    }

    fn open(
        &mut self,
        now: Instant,
        peer: NodeId,
        header: &Header,
        frame: &mut [u8],
    ) -> Result<(), Unreadable> {
        delegate!(self, noise => noise.open(now, peer, header, frame), off => off.open(now, peer, header, frame), Err(Unreadable::Corrupt))
    }

    fn prepare(&mut self) {
        delegate!(self, noise => noise.prepare(), _off => (), ());
    }

    fn key(&self, peer: NodeId, session: SessionId) -> u32 {
        delegate!(self, noise => noise.key(peer, session), off => off.key(peer, session), 0)
    }

    fn admit(
        &mut self,
        now: Instant,
        peer: NodeId,
        identity: (BootId, Nonce),
        cookie: Cookie,
        crowd: Crowd,
    ) -> Admission {
        delegate!(self, noise => noise.admit(now, peer, identity, cookie, crowd), _off => Admission::Welcome, Admission::Refused)
    }

    fn initiate(&mut self, exchange: &Exchange<'_>) -> Result<Extension, NoKeys> {
        delegate!(self, noise => noise.initiate(exchange), off => off.initiate(exchange), Err(NoKeys))
    }

    fn respond(
        &mut self,
        now: Instant,
        exchange: &Exchange<'_>,
        first: &[u8],
    ) -> Result<Extension, Unreadable> {
        delegate!(self, noise => noise.respond(now, exchange, first), off => off.respond(now, exchange, first), Err(Unreadable::NoKey))
    }

    fn complete(
        &mut self,
        now: Instant,
        exchange: &Exchange<'_>,
        second: &[u8],
    ) -> Result<(), Unreadable> {
        delegate!(self, noise => noise.complete(now, exchange, second), off => off.complete(now, exchange, second), Err(Unreadable::NoKey))
    }

    fn wants_rekey(&mut self, now: Instant, peer: NodeId, session: SessionId) -> Option<u32> {
        delegate!(self, noise => noise.wants_rekey(now, peer, session), _off => None, None)
    }

    fn closed(&mut self, peer: NodeId, session: SessionId) {
        delegate!(self, noise => noise.closed(peer, session), off => off.closed(peer, session), ());
    }
}
