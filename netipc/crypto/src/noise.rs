//! One key exchange: `Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s` (The Noise Protocol Framework, revision 34), by the crate `snow`.
//!
//! Both sides know each other's public keys beforehand; the first message says whose it is, and only its receiver can read that. What the
//! frames say beside is bound to it: the first's as Noise's prologue, the second's as its payload.

use alloc::boxed::Box;
use alloc::vec::Vec;

use netipc_protocol::Extension;
use netipc_wire::handshake::EXTENSION_MAX;
use snow::params::{CipherChoice, DHChoice, HashChoice, NoiseParams};
use snow::resolvers::{CryptoResolver, DefaultResolver};
use snow::{Builder, HandshakeState, types};

use crate::key::Pair;
use crate::keys::{PublicKey, Secret};

const NAME: &str = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
const ALONE: &str = "Noise_K_25519_ChaChaPoly_BLAKE2s";
/// Where in the pattern the pre-shared key is mixed in.
const PRE_SHARED: u8 = 2;
/// What the prologue begins with: this protocol, and this way to use it.
const DOMAIN: &[u8] = b"isthmus netipc 1";

/// A message is not one, or not of who it should be, or was changed; or a key is unusable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failed;

impl From<snow::Error> for Failed {
    fn from(_: snow::Error) -> Self {
        Self
    }
}

/// Who takes part.
#[derive(Clone, Copy)]
pub(crate) struct Sides<'a> {
    pub(crate) own: &'a Secret,
    pub(crate) peer: &'a PublicKey,
    pub(crate) shared: &'a Secret,
    /// Which of the session's keys it is to be.
    pub(crate) key: u32,
    /// What the first message says beside.
    pub(crate) bound: &'a [u8],
}

/// `snow` draws once in each exchange: the ephemeral key.
struct Once(Secret);

impl types::Random for Once {
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), snow::Error> {
        if out.len() != self.0.0.len() {
            return Err(snow::Error::Rng);
        }
        out.copy_from_slice(&self.0.0);
        Ok(())
    }
}

/// `snow`'s own primitives, and our random numbers.
struct Resolver(Secret);

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn types::Random>> {
        Some(Box::new(Once(self.0.clone())))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn types::Dh>> {
        DefaultResolver.resolve_dh(choice)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn types::Hash>> {
        DefaultResolver.resolve_hash(choice)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn types::Cipher>> {
        DefaultResolver.resolve_cipher(choice)
    }
}

/// Which side we are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Initiator,
    Responder,
}

fn state(sides: &Sides<'_>, role: Role, ephemeral: [u8; 32]) -> Result<HandshakeState, Failed> {
    let params: NoiseParams = NAME.parse()?;
    let mut prologue = Vec::with_capacity(DOMAIN.len() + size_of::<u32>() + sides.bound.len());
    prologue.extend_from_slice(DOMAIN);
    prologue.extend_from_slice(&sides.key.to_le_bytes());
    prologue.extend_from_slice(sides.bound);
    let builder = Builder::with_resolver(params, Box::new(Resolver(Secret(ephemeral))))
        .prologue(&prologue)?
        .local_private_key(&sides.own.0)?
        .psk(PRE_SHARED, &sides.shared.0)?;
    Ok(match role {
        Role::Initiator => builder
            .remote_public_key(&sides.peer.0)?
            .build_initiator()?,
        Role::Responder => builder.build_responder()?,
    })
}

fn written(state: &mut HandshakeState, payload: &[u8]) -> Result<Extension, Failed> {
    let mut message = Extension::new();
    message.resize(EXTENSION_MAX, 0).map_err(|_| Failed)?;
    let length = state.write_message(payload, &mut message)?;
    message.truncate(length);
    Ok(message)
}

/// A first message that is not answered.
pub(crate) struct Begun {
    /// By the present keys, and by those before if the same message fits them; each with its generation.
    states: heapless::Vec<(HandshakeState, u64), 2>,
    pub(crate) key: u32,
}

/// Makes the first message. It may be answered by a machine that still has the keys `before`.
pub(crate) fn begin(
    (sides, generation): (&Sides<'_>, u64),
    before: Option<(&Sides<'_>, u64)>,
    ephemeral: [u8; 32],
) -> Result<(Begun, Extension), Failed> {
    let mut first = state(sides, Role::Initiator, ephemeral)?;
    let message = written(&mut first, &[])?;
    let mut states = heapless::Vec::new();
    // There is room for two.
    let _ = states.push((first, generation));
    if let Some((sides, generation)) = before {
        let mut other = state(sides, Role::Initiator, ephemeral)?;
        // The cluster's secret comes in with the second message only.
        if written(&mut other, &[])? == message {
            let _ = states.push((other, generation));
        }
    }
    let key = sides.key;
    Ok((Begun { states, key }, message))
}

/// Reads the first message, and makes the second, which also says `answer`.
pub(crate) fn answer(
    sides: &Sides<'_>,
    ephemeral: [u8; 32],
    first: &[u8],
    answer: &[u8],
) -> Result<(Pair, Extension), Failed> {
    let mut state = state(sides, Role::Responder, ephemeral)?;
    let said = state.read_message(first, &mut [0; EXTENSION_MAX])?;
    if said != 0 || state.get_remote_static() != Some(&sides.peer.0[..]) {
        return Err(Failed);
    }
    let message = written(&mut state, answer)?;
    let (receive, send) = state.dangerously_get_raw_split();
    Ok((pair(send, receive), message))
}

impl Begun {
    /// Of which keys it may become one: of those that it was begun by, and of those before.
    pub(crate) fn generations(&self) -> [Option<u64>; 2] {
        [0, 1].map(|index| self.states.get(index).map(|(_, generation)| *generation))
    }

    /// Reads the second message, which must also say `answer`: the keys, and the generation of those that they were agreed on by. After an error another may be tried.
    pub(crate) fn end(&mut self, second: &[u8], answer: &[u8]) -> Result<(Pair, u64), Failed> {
        for (state, generation) in &mut self.states {
            let mut said = [0; EXTENSION_MAX];
            let Ok(length) = state.read_message(second, &mut said) else {
                continue;
            };
            if said.get(..length) != Some(answer) {
                return Err(Failed);
            }
            let (send, receive) = state.dangerously_get_raw_split();
            return Ok((pair(send, receive), *generation));
        }
        Err(Failed)
    }
}

fn pair(send: [u8; 32], receive: [u8; 32]) -> Pair {
    Pair {
        send: Secret(send),
        receive: Secret(receive),
    }
}

/// What two machines have in common: each from its own private key and the other's public one.
pub(crate) fn common(private: &Secret, public: &PublicKey) -> Option<Secret> {
    let mut dh = DefaultResolver.resolve_dh(&DHChoice::Curve25519)?;
    let mut common = Secret::ZERO;
    dh.set(&private.0);
    dh.dh(&public.0, &mut common.0).ok()?;
    Some(common)
}

/// One message from one whose public key the receiver knows (`Noise_K_25519_ChaChaPoly_BLAKE2s`), bound to what it says beside.
pub(crate) fn seal_alone(
    own: &Secret,
    to: &PublicKey,
    bound: &[u8],
    ephemeral: [u8; 32],
    content: &[u8],
    sealed: &mut [u8],
) -> Result<usize, Failed> {
    let mut state = Builder::with_resolver(ALONE.parse()?, Box::new(Resolver(Secret(ephemeral))))
        .prologue(bound)?
        .local_private_key(&own.0)?
        .remote_public_key(&to.0)?
        .build_initiator()?;
    Ok(state.write_message(content, sealed)?)
}

/// Opens what [`seal_alone`] has sealed.
pub(crate) fn open_alone(
    own: &Secret,
    from: &PublicKey,
    bound: &[u8],
    sealed: &[u8],
    content: &mut [u8],
) -> Result<usize, Failed> {
    let mut state = Builder::with_resolver(ALONE.parse()?, Box::new(Resolver(Secret::ZERO)))
        .prologue(bound)?
        .local_private_key(&own.0)?
        .remote_public_key(&from.0)?
        .build_responder()?;
    Ok(state.read_message(sealed, content)?)
}

/// The public key that belongs to a private one.
pub(crate) fn public(private: &Secret) -> PublicKey {
    let mut public = PublicKey([0; 32]);
    if let Some(mut dh) = DefaultResolver.resolve_dh(&DHChoice::Curve25519) {
        dh.set(&private.0);
        public.0.copy_from_slice(dh.pubkey());
    }
    public
}
