//! Somebody on the network, without keys, who sees every frame of two machines and throws any bytes at both.
//!
//! What must hold, besides what holds of every machine (`cluster`): no frame of theirs has an effect, unless it is one of a machine, word for word,
//! that has not come yet, or a handshake that comes again; no session ends by it; every call between the machines is answered.

use std::collections::HashSet;
use std::time::Duration;

use fastrand::Rng;
use netipc_wire::frame::Packet;

use crate::cluster::{Cluster, Hope, Meddler, Nobody, Passes, SLOTS, Taped};
use crate::mutate::mutate;
use crate::samples::{self, About};
use crate::{CLUSTER, Counts, Failure, Options, Protection};

/// Times that calls are made and time passes.
const ROUNDS: usize = 12;
/// Frames that the attacker remembers.
const TAPE: usize = 200;

/// What the attacker has seen.
#[derive(Default)]
struct Attacker {
    tape: Vec<Taped>,
    /// Frames of sessions that have reached their machine.
    arrived: HashSet<(usize, usize, Vec<u8>)>,
    counts: Counts,
}

/// One case.
pub(crate) fn run(rng: &mut Rng, options: &Options) -> Result<Counts, Failure> {
    let mut cluster = Cluster::new(rng, 2, Protection::Real, options);
    let mut attacker = Attacker::default();
    // Before there is a session.
    for _ in 0..rng.usize(..40) {
        attacker.throw(&mut cluster, rng)?;
    }
    settle(&mut cluster, rng, &mut attacker)?;
    if cluster.nodes.iter().any(|node| node.downs > 0) {
        return Err(Failure::new("more than one session has begun"));
    }
    for _ in 0..ROUNDS {
        if rng.u8(..6) == 0 {
            cluster.pass(rng, Duration::from_secs(1), &mut attacker)?;
            let which = rng.usize(..2);
            cluster.boot(rng, which);
            settle(&mut cluster, rng, &mut attacker)?;
        }
        let downs: u64 = cluster.nodes.iter().map(|node| node.downs).sum();
        for from in [0, 1] {
            for _ in 0..rng.usize(..=SLOTS / 2) {
                cluster.call(rng, from, 1 - from, Hope::Answer)?;
            }
        }
        let span = Duration::from_micros(match rng.u8(..6) {
            0 => rng.u64(..700_000),
            1 => 0,
            _ => rng.u64(..30_000),
        });
        cluster.pass(rng, span, &mut attacker)?;
        cluster.pass(rng, Duration::from_millis(2), &mut attacker)?;
        if downs != cluster.nodes.iter().map(|node| node.downs).sum::<u64>() {
            return Err(Failure::new("a session ends that no machine has ended"));
        }
    }
    cluster.wind_up(rng)?;
    cluster.pass(rng, Duration::from_secs(4), &mut Nobody)?;
    cluster.empty()?;
    attacker.counts.calls = cluster.nodes.iter().map(|node| node.answered).sum();
    Ok(attacker.counts)
}

/// Afterwards they have a session.
fn settle(
    cluster: &mut Cluster<'_>,
    rng: &mut Rng,
    attacker: &mut Attacker,
) -> Result<(), Failure> {
    for _ in 0..2 {
        for from in [0, 1] {
            cluster.call(rng, from, 1 - from, Hope::Outcome)?;
        }
        cluster.pass(rng, Duration::from_secs(1), attacker)?;
    }
    cluster.wind_up(rng)?;
    cluster.pass(rng, Duration::from_secs(1), attacker)
}

impl Attacker {
    /// The frame that comes next, changed, a moment before it.
    fn forestall(
        &mut self,
        cluster: &mut Cluster<'_>,
        rng: &mut Rng,
        next: &Taped,
    ) -> Result<(), Failure> {
        let mut frame = next.sealed.clone();
        mutate(rng, &mut frame, &[]);
        self.reaches(cluster, next.from, next.to, frame)
    }

    /// A frame that was never sent, or that was, changed or not, to either machine as if from the other.
    fn throw(&mut self, cluster: &mut Cluster<'_>, rng: &mut Rng) -> Result<(), Failure> {
        let (from, to) = match rng.bool() {
            true => (0, 1),
            false => (1, 0),
        };
        let mut frame = match self.tape.len() {
            0 => forged(rng),
            _ if rng.u8(..8) == 0 => forged(rng),
            // What is fresh is more telling.
            seen => {
                let back = match rng.bool() {
                    true => rng.usize(..seen.min(4)),
                    false => rng.usize(..seen),
                };
                self.tape[seen - 1 - back].sealed.clone()
            }
        };
        let other = match self.tape.len() {
            0 => Vec::new(),
            seen => self.tape[rng.usize(..seen)].sealed.clone(),
        };
        for _ in 0..rng.usize(..3) {
            mutate(rng, &mut frame, &other);
        }
        self.reaches(cluster, from, to, frame)
    }

    fn reaches(
        &mut self,
        cluster: &mut Cluster<'_>,
        from: usize,
        to: usize,
        frame: Vec<u8>,
    ) -> Result<(), Failure> {
        self.counts.frames += 1;
        let result = cluster.arrive(from, to, &frame)?;
        let is = |seen: &&Taped| seen.from == from && seen.to == to && seen.sealed == frame;
        let genuine = self.tape.iter().rev().find(is).is_some();
        if result.is_err() {
            return Ok(());
        }
        self.counts.accepted += 1;
        let kind = Packet::new_checked(&frame[..]).map(|packet| packet.header().kind);
        let kind = kind.map_err(|why| Failure::new(format!("what is no frame is taken: {why}")))?;
        if !genuine {
            return Err(Failure::new(format!("a forged {kind:?} has an effect")));
        }
        if !kind.is_handshake() && !self.arrived.insert((from, to, frame)) {
            return Err(Failure::new(format!("a {kind:?} has an effect twice")));
        }
        Ok(())
    }
}

/// A frame of somebody who knows everything but the keys.
fn forged(rng: &mut Rng) -> Vec<u8> {
    let mut about = About::anything(rng);
    about.cluster.0 = CLUSTER;
    let kinds = netipc_wire::Kind::ALL;
    let kind = kinds[rng.usize(..kinds.len())];
    let mut frame = samples::frame(rng, kind, &about);
    let tag = frame.len().saturating_sub(netipc_wire::TAG_LENGTH);
    rng.fill(&mut frame[tag..]);
    frame
}

impl Meddler for Attacker {
    fn sees(
        &mut self,
        cluster: &mut Cluster<'_>,
        rng: &mut Rng,
        frame: &Taped,
    ) -> Result<Passes, Failure> {
        if self.tape.len() == TAPE {
            self.tape.remove(rng.usize(..TAPE / 2));
        }
        self.tape.push(frame.clone());
        // Before the frame itself comes, or after.
        let early = rng.u8(..3) == 0;
        if early {
            self.forestall(cluster, rng, frame)?;
        }
        if !early {
            let first = self
                .arrived
                .insert((frame.from, frame.to, frame.sealed.clone()));
            let result = cluster.arrive(frame.from, frame.to, &frame.sealed)?;
            if !first && result.is_ok() && !is_handshake(&frame.sealed) {
                return Err(Failure::new("a frame has an effect twice"));
            }
        }
        for _ in 0..rng.usize(..4) {
            self.throw(cluster, rng)?;
        }
        if early {
            self.arrived
                .insert((frame.from, frame.to, frame.sealed.clone()));
            return Ok(Passes::Yes);
        }
        Ok(Passes::No)
    }
}

fn is_handshake(frame: &[u8]) -> bool {
    Packet::new_checked(frame).is_ok_and(|packet| packet.header().kind.is_handshake())
}
