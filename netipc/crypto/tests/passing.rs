//! The administrator's updates reach machines that he does not reach: several machines under virtual time, with datagrams lost, doubled and late, links cut, machines off and started again.

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::cluster;
use netipc_crypto::update::{LENGTH, seal};
use netipc_crypto::{ClusterKeys, HAVE_LENGTH, Heard, Noise, Refused, Secret, Urgency, limits};
use netipc_protocol::{Instant, NodeId};

const ADMINISTRATOR: [u8; 32] = [200; 32];
/// Who sends datagrams and is no machine.
const NOBODY: NodeId = NodeId(254);
const MACHINES: usize = 5;
/// By then everybody who can be reached has it, whatever is lost.
const SETTLED: Duration = Duration::from_secs(300);

/// A datagram on its way.
struct Datagram {
    arrives: Instant,
    from: usize,
    to: usize,
    bytes: Vec<u8>,
}

struct Net {
    now: Instant,
    /// `None`: it is off.
    machines: Vec<Option<Noise>>,
    /// What each has at its start.
    files: Vec<ClusterKeys>,
    /// What the administrator has for each.
    newest: Vec<ClusterKeys>,
    wire: Vec<Datagram>,
    cut: BTreeSet<(usize, usize)>,
    /// Datagrams of a hundred that are lost, and that come twice.
    lost: u64,
    doubled: u64,
    dice: u64,
    sent: Vec<(usize, usize, Vec<u8>)>,
    seeds: u8,
}

impl Net {
    fn new(dice: u64) -> Self {
        let mut files = cluster::<MACHINES>(1).to_vec();
        for keys in &mut files {
            keys.administrator = Some(Secret(ADMINISTRATOR).public());
        }
        let mut net = Self {
            now: Instant::from_nanos(1_000_000_000),
            machines: Vec::new(),
            newest: files.clone(),
            files,
            wire: Vec::new(),
            cut: BTreeSet::new(),
            lost: 0,
            doubled: 0,
            dice: dice.wrapping_mul(2).wrapping_add(1),
            sent: Vec::new(),
            seeds: 0,
        };
        net.machines.resize_with(MACHINES, || None);
        (0..MACHINES).for_each(|machine| net.start(machine));
        net
    }

    /// Starts a machine with its file. Who meets it then makes a session, if it can.
    fn start(&mut self, machine: usize) {
        self.seeds += 1;
        let noise = Noise::new(self.files[machine].clone(), &[self.seeds; 32]);
        self.machines[machine] = Some(noise);
        for (other, peer) in self.machines.iter_mut().enumerate() {
            if other != machine
                && !self.cut.contains(&(other, machine))
                && let Some(peer) = peer
            {
                peer.met(self.now, node(machine));
            }
        }
    }

    /// A number below a hundred (xorshift, Marsaglia 2003).
    fn draw(&mut self) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice % 100
    }

    /// The administrator changes keys; his updates for all machines.
    fn change(&mut self, urgency: Urgency, change: impl Fn(&mut ClusterKeys)) -> Vec<Vec<u8>> {
        let present = self.newest[0].public;
        let machines = self.newest.iter_mut();
        let sealed = machines.map(|keys| {
            keys.generation += 1;
            change(keys);
            let ephemeral = [keys.node.0 ^ keys.generation as u8; 32];
            let sealed = seal(&Secret(ADMINISTRATOR), &present, keys, urgency, ephemeral);
            sealed.expect("keys are keys").to_vec()
        });
        sealed.collect()
    }

    fn rotate(&mut self) -> Vec<Vec<u8>> {
        self.change(Urgency::Overlap, |keys| {
            keys.shared.0[0] = keys.shared.0[0].wrapping_add(1);
        })
    }

    fn hear(&mut self, to: usize, from: NodeId, bytes: &[u8]) -> Option<Result<Heard, Refused>> {
        let now = self.now;
        Some(self.machines[to].as_mut()?.hear(now, from, bytes))
    }

    /// The administrator reaches one machine, and gives it everybody's.
    fn give(&mut self, to: usize, updates: &[Vec<u8>]) {
        for update in updates {
            let heard = self.hear(to, NOBODY, update).expect("it is on");
            // Its own it may have already.
            assert!(matches!(heard, Ok(_) | Err(Refused::Old)), "{heard:?}");
        }
    }

    fn settle(&mut self) {
        for from in 0..MACHINES {
            let mut buffer = [0; LENGTH];
            while let Some((to, length)) = self.machines[from]
                .as_mut()
                .and_then(|machine| machine.next_said(self.now, &mut buffer))
            {
                let (to, bytes) = (usize::from(to.0) - 1, buffer[..length].to_vec());
                self.sent.push((from, to, bytes.clone()));
                let copies = 1 + u64::from(self.draw() < self.doubled);
                for _ in 0..copies {
                    if self.draw() >= self.lost && !self.cut.contains(&(from, to)) {
                        let arrives = self.now + Duration::from_millis(self.draw());
                        let bytes = bytes.clone();
                        self.wire.push(Datagram {
                            arrives,
                            from,
                            to,
                            bytes,
                        });
                    }
                }
            }
        }
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.settle();
            let arrival = self.wire.iter().map(|datagram| datagram.arrives);
            let machines = self.machines.iter().flatten();
            let due = machines.filter_map(|machine| machine.said_at(self.now));
            let Some(next) = due.chain(arrival).min().filter(|at| *at <= end) else {
                break;
            };
            self.now = self.now.max(next);
            let now = self.now;
            while let Some(at) = self.wire.iter().position(|d| d.arrives <= now) {
                let Datagram {
                    from, to, bytes, ..
                } = self.wire.swap_remove(at);
                let _ = self.hear(to, node(from), &bytes);
            }
        }
        self.now = end;
    }

    fn generations(&self) -> Vec<u64> {
        let of = |machine: &Option<Noise>| machine.as_ref().map_or(0, Noise::generation);
        self.machines.iter().map(of).collect()
    }

    /// Only a line of machines is left: each hears the next and the one before.
    fn line(&mut self) {
        for a in 0..MACHINES {
            for b in 0..MACHINES {
                if a.abs_diff(b) > 1 {
                    self.cut.insert((a, b));
                }
            }
        }
    }

    /// Nobody says anything any more.
    fn is_quiet(&mut self) {
        let sent = self.sent.len();
        self.run(Duration::from_secs(3600));
        assert_eq!(self.sent.len(), sent, "what everybody has is not offered");
    }
}

fn node(machine: usize) -> NodeId {
    NodeId(machine as u8 + 1)
}

// [N55]
#[test]
fn one_machine_that_is_reached_is_enough() {
    for seed in 0..40 {
        let mut net = Net::new(seed);
        (net.lost, net.doubled) = (seed % 4 * 15, 20);
        if seed % 2 == 1 {
            net.line();
        }
        for (first, generation) in [(seed as usize % MACHINES, 2), (4, 3)] {
            let updates = net.rotate();
            net.give(first, &updates);
            net.run(SETTLED);
            let all = [generation; MACHINES];
            assert_eq!(net.generations(), all, "seed {seed}");
        }
        // Who cannot be reached is offered it now and then, for ever.
        net.cut.clear();
        net.lost = 0;
        net.run(SETTLED);
        net.is_quiet();
        // Each pair moves each update a few times at most, each with its answer.
        let most = 2 * MACHINES * MACHINES * MACHINES * 8;
        assert!(net.sent.len() < most, "{} datagrams", net.sent.len());
    }
}

#[test]
fn who_was_off_gets_it_when_it_is_back_and_who_starts_with_an_old_file_again() {
    let mut net = Net::new(7);
    net.machines[3] = None;
    let updates = net.rotate();
    net.give(0, &updates);
    net.run(Duration::from_secs(3600));
    assert_eq!(net.generations(), [2, 2, 2, 0, 2]);
    let offers = net.sent.len();
    net.run(Duration::from_secs(3600));
    let offers = net.sent.len() - offers;
    let most = 4 * 3600 / limits::OFFER_AGAIN_MAX.as_secs() as usize + 4;
    assert!(offers <= most, "{offers} offers to nobody in an hour");
    net.start(3);
    net.run(2 * limits::OFFER_AGAIN_MAX);
    assert_eq!(net.generations(), [2; MACHINES]);
    // It has forgotten everything, and its file is old.
    for machine in [3, 0] {
        net.start(machine);
        assert_eq!(net.generations()[machine], 1);
        net.run(2 * limits::OFFER_AGAIN_MAX);
        assert_eq!(net.generations(), [2; MACHINES]);
    }
    net.is_quiet();
    // When all forget it at once nobody has it, until the administrator sends it again.
    (0..MACHINES).for_each(|machine| net.start(machine));
    net.run(SETTLED);
    assert_eq!(net.generations(), [1; MACHINES]);
    net.give(2, &updates);
    net.run(SETTLED);
    assert_eq!(net.generations(), [2; MACHINES]);
}

/// It knows all that a machine of the cluster knew, hears everything, and says what it likes in anybody's name.
// [N54]
#[test]
fn who_is_expelled_does_not_keep_the_others_from_it() {
    const EXPELLED: usize = 4;
    let mut net = Net::new(9);
    let updates = net.rotate();
    net.give(EXPELLED, &updates);
    net.run(SETTLED);
    net.newest.truncate(EXPELLED);
    let updates = net.change(Urgency::AtOnce, |keys| {
        keys.public[EXPELLED] = None;
        keys.shared = Secret([0x78; 32]);
    });
    net.machines[EXPELLED] = None;
    net.files[0].public[EXPELLED] = Some(net.files[EXPELLED].private.public());
    // Two are reached, and the links between them and the others are bad.
    net.lost = 30;
    net.give(0, &updates);
    for _ in 0..200 {
        let recorded: Vec<_> = net.sent.iter().rev().take(20).cloned().collect();
        for (from, to, bytes) in recorded.iter().chain(&net.sent[..20].to_vec()) {
            for victim in 0..EXPELLED {
                let _ = net.hear(victim, node(*from), bytes);
                let _ = net.hear(victim, node(*to), bytes);
                let mut changed = bytes.clone();
                let at = net.draw() as usize * changed.len() / 100;
                changed[at] ^= 1 << (net.draw() % 8);
                let heard = net.hear(victim, node(EXPELLED), &changed);
                // Of a code that is another machine's it cannot tell.
                let others = changed.len() == LENGTH && at >= LENGTH - 8 * 16;
                assert!(others || heard.is_some_and(|heard| heard.is_err()));
                // "They all have everything."
                let mut have = vec![0xff; HAVE_LENGTH];
                have[..8].copy_from_slice(b"ISTHHAV1");
                (have[8], have[9]) = (node(*from).0, node(victim).0);
                have[10..16].fill(0);
                let heard = net.hear(victim, node(*from), &have);
                assert!(heard.is_some_and(|heard| heard.is_err()));
            }
        }
        net.run(Duration::from_millis(500));
    }
    net.run(SETTLED);
    // What was spoilt for others on its way the administrator sends again.
    net.give(1, &updates);
    net.run(SETTLED);
    assert_eq!(net.generations()[..EXPELLED], [3; EXPELLED]);
    let sent = net.sent.len();
    let updates = net.rotate();
    net.give(2, &updates);
    net.run(SETTLED);
    assert_eq!(net.generations()[..EXPELLED], [4; EXPELLED]);
    let to_it = net.sent[sent..].iter().filter(|(_, to, _)| *to == EXPELLED);
    assert_eq!(to_it.count(), 0, "not a word is said to it");
}
