//! The ciphers of the simulation: a sum, or what machines have.

use std::sync::LazyLock;
use std::time::Duration;

use fastrand::Rng;
use netipc_crypto::{ClusterKeys, Noise};
use netipc_protocol::{
    Admission, BootId, Cipher, Crowd, Exchange, Extension, Instant, NoKeys, NodeId, SessionId,
    Unreadable,
};
use netipc_wire::handshake::Cookie;
use netipc_wire::{Header, Nonce};

use crate::NODES_MAX;
use crate::mutants::Mistake;
use crate::tag::Tag;

/// What protects the frames of a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protection {
    /// A sum that notices damage: it is fast.
    #[default]
    Sum,
    /// The real cipher, with keys that are replaced all the time.
    Real,
}

/// Machines replace keys so often: several times in a history.
const REKEY_AFTER: Duration = Duration::from_millis(150);

/// The same for every history: nothing depends on them but themselves.
static KEYS: LazyLock<Vec<ClusterKeys>> = LazyLock::new(|| {
    let mut rng = Rng::with_seed(0);
    let draw = || {
        let mut drawn = [0; 32];
        rng.fill(&mut drawn);
        Ok::<_, std::convert::Infallible>(drawn)
    };
    let Ok(keys) = ClusterKeys::generate(NODES_MAX.into(), draw);
    keys
});

/// A machine's cipher.
pub(crate) enum Guard {
    Sum(Tag),
    Real {
        noise: Box<Noise>,
        /// The frame that was sealed last, as it was before: the checkers read along.
        plain: Vec<u8>,
    },
}

impl Guard {
    /// Of a machine, by its place.
    pub(crate) fn new(
        protection: Protection,
        index: usize,
        rng: &mut Rng,
        mistake: Option<Mistake>,
    ) -> Self {
        match protection {
            Protection::Sum => Self::Sum(Tag),
            Protection::Real => {
                let mut seed = [0; 32];
                rng.fill(&mut seed);
                let noise = Noise::new(KEYS[index].clone(), &seed);
                let mut noise = noise.rekeying_after(REKEY_AFTER);
                if let Some(Mistake::Keys(fault)) = mistake {
                    noise.plant(fault);
                }
                Self::Real {
                    noise: Box::new(noise),
                    plain: Vec::new(),
                }
            }
        }
    }

    /// What the frame that was sealed last says.
    pub(crate) fn plain<'f>(&'f self, sealed: &'f [u8]) -> &'f [u8] {
        match self {
            Self::Sum(_) => sealed,
            Self::Real { plain, .. } => plain,
        }
    }
}

impl Cipher for Guard {
    fn begin(&mut self) {
        if let Self::Real { noise, .. } = self {
            noise.begin();
        }
    }

    fn seal(&mut self, peer: NodeId, header: &Header, frame: &mut [u8]) {
        match self {
            Self::Sum(tag) => tag.seal(peer, header, frame),
            Self::Real { noise, plain } => {
                plain.clear();
                plain.extend_from_slice(frame);
                noise.seal(peer, header, frame);
            }
        }
    }

    fn open(
        &mut self,
        now: Instant,
        peer: NodeId,
        header: &Header,
        frame: &mut [u8],
    ) -> Result<(), Unreadable> {
        match self {
            Self::Sum(tag) => tag.open(now, peer, header, frame),
            Self::Real { noise, .. } => noise.open(now, peer, header, frame),
        }
    }

    fn key(&self, peer: NodeId, session: SessionId) -> u32 {
        match self {
            Self::Sum(tag) => tag.key(peer, session),
            Self::Real { noise, .. } => noise.key(peer, session),
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
        match self {
            Self::Sum(tag) => tag.admit(now, peer, identity, cookie, crowd),
            Self::Real { noise, .. } => noise.admit(now, peer, identity, cookie, crowd),
        }
    }

    fn initiate(&mut self, exchange: &Exchange<'_>) -> Result<Extension, NoKeys> {
        match self {
            Self::Sum(tag) => tag.initiate(exchange),
            Self::Real { noise, .. } => noise.initiate(exchange),
        }
    }

    fn respond(
        &mut self,
        now: Instant,
        exchange: &Exchange<'_>,
        first: &[u8],
    ) -> Result<Extension, Unreadable> {
        match self {
            Self::Sum(tag) => tag.respond(now, exchange, first),
            Self::Real { noise, .. } => noise.respond(now, exchange, first),
        }
    }

    fn complete(
        &mut self,
        now: Instant,
        exchange: &Exchange<'_>,
        second: &[u8],
    ) -> Result<(), Unreadable> {
        match self {
            Self::Sum(tag) => tag.complete(now, exchange, second),
            Self::Real { noise, .. } => noise.complete(now, exchange, second),
        }
    }

    fn wants_rekey(&mut self, now: Instant, peer: NodeId, session: SessionId) -> Option<u32> {
        match self {
            Self::Sum(tag) => tag.wants_rekey(now, peer, session),
            Self::Real { noise, .. } => noise.wants_rekey(now, peer, session),
        }
    }

    fn closed(&mut self, peer: NodeId, session: SessionId) {
        match self {
            Self::Sum(tag) => tag.closed(peer, session),
            Self::Real { noise, .. } => noise.closed(peer, session),
        }
    }
}
