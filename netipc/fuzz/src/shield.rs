//! The ciphers of the fuzzed machines: what machines have, or a sum, which is fast.

use std::time::Duration;

use fastrand::Rng;
use netipc_crypto::{ClusterKeys, Encryption, KeyLog, Noise, Secret};
use netipc_protocol::{
    Admission, BootId, Cipher, ClusterId, Crowd, Exchange, Extension, Instant, NoKeys, NodeId,
    SessionId, Transparent, Unreadable,
};
use netipc_wire::handshake::Cookie;
use netipc_wire::{Header, Nonce};

use crate::{CLUSTER, Plant, Protection};

/// Machines replace keys so often: several times in a case.
const REKEY_AFTER: Duration = Duration::from_millis(60);

/// A machine's cipher, which remembers what it sealed last.
pub(crate) struct Shield {
    kind: ShieldKind,
    plain: Vec<u8>,
}

enum ShieldKind {
    Sum(Transparent),
    Real(Box<Noise>),
}

macro_rules! with {
    ($self:ident, $cipher:ident => $what:expr) => {
        match &mut $self.kind {
            ShieldKind::Sum($cipher) => $what,
            ShieldKind::Real($cipher) => $what,
        }
    };
}

impl Shield {
    /// Of a machine, by its place among `count`.
    pub(crate) fn new(
        protection: Protection,
        (index, count): (usize, usize),
        plant: &Plant,
        rng: &mut Rng,
    ) -> Self {
        let kind = match protection {
            Protection::Sum => ShieldKind::Sum(Transparent),
            Protection::Real => {
                let mut seed = [0; 32];
                rng.fill(&mut seed);
                let noise = Noise::new(keys(index, count), &seed);
                let mut noise = noise.rekeying_after(REKEY_AFTER);
                if let Plant::Crypto(fault) = plant {
                    noise.plant(*fault);
                }
                ShieldKind::Real(Box::new(noise))
            }
        };
        let plain = Vec::new();
        Self { kind, plain }
    }

    /// The frame that was sealed last, as it was before.
    pub(crate) fn plain(&self) -> &[u8] {
        &self.plain
    }
}

/// The same for every case: nothing depends on them but themselves.
fn keys(index: usize, count: usize) -> ClusterKeys {
    let private = |node: usize| Secret([node as u8 + 1; 32]);
    let mut public = [None; netipc_crypto::keys::NODES];
    for (node, key) in public.iter_mut().enumerate().take(count) {
        *key = Some(private(node).public());
    }
    ClusterKeys {
        cluster: ClusterId(CLUSTER),
        node: NodeId(index as u8 + 1),
        shared: Secret([0x5e; 32]),
        private: private(index),
        public,
        generation: 1,
        administrator: None,
        encryption: Encryption::On,
        key_log: KeyLog::Off,
    }
}

impl Cipher for Shield {
    fn begin(&mut self) {
        with!(self, cipher => cipher.begin());
    }

    fn seal(&mut self, peer: NodeId, header: &Header, frame: &mut [u8]) {
        self.plain.clear();
        self.plain.extend_from_slice(frame);
        with!(self, cipher => cipher.seal(peer, header, frame));
    }

    fn open(
        &mut self,
        now: Instant,
        peer: NodeId,
        header: &Header,
        frame: &mut [u8],
    ) -> Result<(), Unreadable> {
        with!(self, cipher => cipher.open(now, peer, header, frame))
    }

    fn key(&self, peer: NodeId, session: SessionId) -> u32 {
        match &self.kind {
            ShieldKind::Sum(cipher) => cipher.key(peer, session),
            ShieldKind::Real(cipher) => cipher.key(peer, session),
        }
    }

    fn admit(
        &mut self,
        now: Instant,
        peer: NodeId,
        identity: (BootId, Nonce),
        cookie: Cookie,
        crowd: Crowd,
    ) -> Admission {
        with!(self, cipher => cipher.admit(now, peer, identity, cookie, crowd))
    }

    fn initiate(&mut self, exchange: &Exchange<'_>) -> Result<Extension, NoKeys> {
        with!(self, cipher => cipher.initiate(exchange))
    }

    fn respond(
        &mut self,
        now: Instant,
        exchange: &Exchange<'_>,
        first: &[u8],
    ) -> Result<Extension, Unreadable> {
        with!(self, cipher => cipher.respond(now, exchange, first))
    }

    fn complete(
        &mut self,
        now: Instant,
        exchange: &Exchange<'_>,
        second: &[u8],
    ) -> Result<(), Unreadable> {
        with!(self, cipher => cipher.complete(now, exchange, second))
    }

    fn wants_rekey(&mut self, now: Instant, peer: NodeId, session: SessionId) -> Option<u32> {
        with!(self, cipher => cipher.wants_rekey(now, peer, session))
    }

    fn closed(&mut self, peer: NodeId, session: SessionId) {
        with!(self, cipher => cipher.closed(peer, session));
    }
}
