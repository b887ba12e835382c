//! Who a machine is, nobody else can say: a HELLO that was recorded in an earlier start of it is sent again after the next, and two impostors claim its number: one who knows the cluster's
//! secret and has a key pair of its own, and another machine of the cluster with its right one. Nothing of it is believed: no session begins or ends, and honest calls go on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use isthmus_testkit::{Cluster, Failure, Verdict};
use netipc_crypto::{ClusterKeys, Noise, Secret};
use netipc_interface::Statistics;
use netipc_protocol::{
    BootId, Call, Config, Endpoint, FRAME_LENGTH_MAX, Instant as Moment, NodeId, Random, Target,
    Token, Way,
};
use netipc_wire::{Kind, Nonce};
use network_interface::{NETIPC_PORT, Node, Peer};
use network_logic::Mac;
use network_logic::datagram::{self, HEADERS, Own};

use crate::attacker::{Attacker, is_handshake};
use crate::frames;
use crate::keys;
use crate::lab::Lab;
use crate::sites::Site;

/// The machine that is attacked, the one whose identity is claimed, and a third of the cluster.
const VICTIM: u8 = 1;
const CLAIMED: u8 = 2;
const OTHER: u8 = 3;
/// HELLOs of each kind.
const ATTEMPTS: usize = 100;
const LIMIT: Duration = Duration::from_secs(30);

/// Numbers that differ are all that an impostor needs.
struct Counter(u64);

impl Random for Counter {
    fn nonce(&mut self) -> Nonce {
        self.0 += 1;
        Nonce(self.0)
    }
}

/// HELLOs to the victim from one who has these keys, each of another start.
fn hellos(keys: &ClusterKeys) -> Result<Vec<Vec<u8>>, Failure> {
    let noise = Noise::new(keys.clone(), &[7; 32]);
    let mut endpoint = Box::new(Endpoint::<_, _, 2, 4, 4>::new(noise, Counter(1 << 40)));
    let now = Moment::from_nanos(1_000_000_000);
    let mut made = Vec::new();
    for boot in 0..ATTEMPTS as u64 {
        let config = Config {
            node: keys.node,
            boot: BootId(0x1111_0000 + boot),
            cluster: keys.cluster,
        };
        let failed = |_| Failure::new("an impostor says nothing");
        endpoint.begin(config, [NodeId(VICTIM)]).map_err(failed)?;
        let call = Call {
            token: Token(0),
            target: Target::Bootstrap(NodeId(VICTIM)),
            way: Way::Call,
            budget: None,
            label: 1,
            words: &[],
            capability: None,
        };
        endpoint.call(now, &call).map_err(failed)?;
        let mut buffer = [0; FRAME_LENGTH_MAX];
        let hello = endpoint.poll_transmit(now, &mut buffer);
        let hello = hello.ok_or_else(|| Failure::new("an impostor says nothing"))?;
        made.push(in_datagram(&buffer[..hello.length]).ok_or_else(|| Failure::new("no node"))?);
    }
    Ok(made)
}

/// The frame as from the claimed machine. The attacker writes the Ethernet addresses.
fn in_datagram(payload: &[u8]) -> Option<Vec<u8>> {
    let own = Own {
        mac: Mac([2; 6]),
        node: Node::new(CLAIMED)?,
    };
    let peer = Peer {
        node: Node::new(VICTIM)?,
        port: NETIPC_PORT,
    };
    let mut frame = vec![0; HEADERS + payload.len()];
    datagram::build(&mut frame, own, Mac([2; 6]), peer, |room| {
        room.copy_from_slice(payload);
    });
    Some(frame)
}

fn is_hello_of_claimed(frame: &[u8]) -> bool {
    let hello = frames::netipc(frame).is_some_and(|frame| frame.header().kind == Kind::Hello);
    // The last bytes of the sender's and the receiver's addresses.
    hello
        && is_handshake(frame)
        && (frame.get(29), frame.get(33)) == (Some(&CLAIMED), Some(&VICTIM))
}

/// What must stand still, whatever is claimed.
fn sessions(statistics: &Statistics) -> [u64; 5] {
    [
        statistics.sessions_up,
        statistics.sessions_down,
        statistics.twins,
        statistics.exports,
        statistics.imports,
    ]
}

pub(crate) fn nobody_is_believed(lab: &Lab) -> Result<(), Failure> {
    let all = keys::cluster_of(usize::from(OTHER), |_| {})?;
    let folder = tempfile::tempdir().map_err(|error| Failure::new(error.to_string()))?;
    let files = keys::write_all(folder.path(), &all)?;
    let cluster = lab
        .machines(all.len())?
        .keys(Some(files))
        .with_outsider()
        .prepare()?;
    let recorded = Arc::new(Mutex::new(Vec::new()));
    let eyes = Arc::clone(&recorded);
    cluster.observe(move |sighting| {
        if is_hello_of_claimed(sighting.frame) {
            let mut recorded = eyes.lock().unwrap_or_else(PoisonError::into_inner);
            recorded.push(sighting.frame.to_vec());
        }
        Verdict::Pass
    });
    let attacker = Attacker::at(&cluster)?;
    let machines = cluster.machines();
    machines
        .iter()
        .try_for_each(isthmus_testkit::Machine::start)?;
    let honest = |cluster: &Cluster| -> Result<(), Failure> {
        let site = Site::of(cluster, cluster.machine(usize::from(CLAIMED)))?;
        let called = keys::call(&site.holder(VICTIM)?);
        site.right("an honest call", called).map(drop)
    };
    let victim = Site::of(&cluster, cluster.machine(usize::from(VICTIM)))?;
    honest(&cluster)?;
    // A HELLO of the first start: one that the claimed machine has to say, since it is started again below, and its peers before it.
    let machine = cluster.machine(usize::from(CLAIMED));
    let restart = || -> Result<(), Failure> {
        machine.kill();
        machine.restart()?;
        machine.wait_until_up()?;
        honest(&cluster)
    };
    restart()?;
    let earlier = recorded
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    if earlier.is_empty() {
        return Err(cluster.failure("the claimed machine has said no HELLO"));
    }
    restart()?;

    let of = |node: u8| all[usize::from(node) - 1].clone();
    let with = |private: Secret| {
        let mut keys = of(CLAIMED);
        keys.public[usize::from(CLAIMED) - 1] = Some(private.public());
        ClusterKeys { private, ..keys }
    };
    let replays = earlier.iter().cycle().take(ATTEMPTS).cloned().collect();
    let waves = [
        ("a HELLO of an earlier start", replays),
        (
            "one who knows the secret",
            hellos(&with(Secret([0x42; 32])))?,
        ),
        (
            "another machine of the cluster",
            hellos(&with(of(OTHER).private))?,
        ),
    ];
    for (who, frames) in waves {
        let before = victim.statistics()?;
        let unheard = |now: &Statistics| {
            let had = before.frames_corrupt + before.frames_dropped + before.frames_in;
            let has = now.frames_corrupt + now.frames_dropped + now.frames_in;
            has < had + ATTEMPTS as u64
        };
        for frame in frames {
            let sent = attacker.send(Some(frame));
            sent.map_err(|error| cluster.failure(error.to_string()))?;
        }
        honest(&cluster)?;
        let end = Instant::now() + LIMIT;
        while unheard(&victim.statistics()?) {
            if Instant::now() > end {
                return Err(cluster.failure(format!("{who}: the attack has not arrived")));
            }
        }
        // Half-open sessions are forgotten after half a second, and then there is nothing.
        honest(&cluster)?;
        let after = victim.statistics()?;
        let [up, down, twins, exports, imports] = sessions(&after);
        let had = sessions(&before);
        // The honest calls have looked a name up each.
        if [up, down, twins, imports] != [had[0], had[1], had[2], had[4]] || exports > had[3] + 2 {
            return Err(cluster.failure(format!(
                "{who}: sessions begun and ended, twins, exports, imports: {:?}, before {had:?}",
                sessions(&after)
            )));
        }
    }
    Ok(())
}
