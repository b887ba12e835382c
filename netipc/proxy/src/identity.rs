//! Who this machine is among the others, and whether it may speak to them at all.

use core::fmt;

use isthmus_abi::startup::{Machine, Randomness};
use isthmus_runtime::{Startup, say};
use netipc_crypto::{BadKeys, ClusterKeys, Encryption, KEY_LOG_WORDS, Protection, Secret, Voters};
use netipc_protocol::{ClusterId, NodeId};

/// What makes a machine one of a cluster.
pub struct Identity {
    /// Which cluster.
    pub cluster: ClusterId,
    /// How many machines it can speak to, itself included; 1 if it may speak to none.
    pub nodes: u8,
    /// Who votes on the view of the cluster, by its keys.
    pub voters: Voters,
    /// What protects its frames.
    pub protection: Protection,
}

/// Why a machine speaks to no other.
enum Mute {
    /// It was given no keys.
    NoKeys,
    /// What it was given are none.
    BadKeys(BadKeys),
    /// They are another machine's.
    Foreign(NodeId),
    /// Its random numbers can be guessed, and so could its keys be.
    NoRandomness,
}

impl fmt::Display for Mute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKeys => {
                f.write_str("it has no keys: `isthmus cluster new` makes them, -fw_cfg name=opt/isthmus/keys,file=... brings them")
            }
            Self::BadKeys(why) => write!(f, "the keys that it was given cannot be used: {why}"),
            Self::Foreign(node) => write!(f, "the keys that it was given are machine {}'s", node.0),
            Self::NoRandomness => f.write_str(
                "it has no source of random numbers: a processor with RDRAND (-cpu qemu64,+rdrand), a virtio-rng device, or the host's seed (-fw_cfg name=opt/isthmus/seed,...)",
            ),
        }
    }
}

impl Identity {
    /// Of this machine. One that has peers and may not speak to them says why; calls to them are then not executed.
    pub fn of(startup: &Startup) -> Self {
        let alone = Self {
            cluster: ClusterId(0),
            nodes: 1,
            voters: Voters::NONE,
            protection: Protection::Silent,
        };
        if startup.machine.nodes < 2 {
            return alone;
        }
        match Self::among_others(startup) {
            Ok(identity) => identity,
            Err(why) => {
                say!("netipc: this machine speaks to no other: {why}");
                alone
            }
        }
    }

    fn among_others(startup: &Startup) -> Result<Self, Mute> {
        let Machine {
            node,
            nodes,
            randomness,
            seed,
            ..
        } = &startup.machine;
        let keys = startup.keys.as_ref().ok_or(Mute::NoKeys)?;
        let keys = ClusterKeys::from_bytes(&keys.0).map_err(Mute::BadKeys)?;
        if keys.node != NodeId(*node) {
            return Err(Mute::Foreign(keys.node));
        }
        if *randomness == Randomness::Guessable {
            return Err(Mute::NoRandomness);
        }
        if keys.encryption == Encryption::OffForTests {
            say!("netipc: ENCRYPTION IS OFF, as its keys say: for tests only");
        }
        Ok(Self {
            cluster: keys.cluster,
            nodes: *nodes,
            voters: keys.voters,
            protection: Protection::new(keys, &seed.0),
        })
    }
}

/// Says the keys of sessions, if this machine's keys ask for that: for tests that read captures.
pub fn tell(protection: &mut Protection) {
    while let Some(agreed) = protection.agreed() {
        say!(
            "{KEY_LOG_WORDS}peer {} session {:016x} key {} send {} receive {}",
            agreed.peer.0,
            agreed.session.0,
            agreed.key,
            Hex(&agreed.send),
            Hex(&agreed.receive),
        );
    }
}

struct Hex<'a>(&'a Secret);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
