//! A machine of the cluster that has gone mad: it has keys, and seals whatever comes into its head.
//!
//! The third of three machines runs the real protocol, and on their way out its frames are changed before they are sealed; others that it never meant to
//! send go beside. What must hold, besides what holds of every machine (`cluster`): the calls of the other two are answered; when it starts
//! again and is sane, its calls are, too; in the end no table holds anything.

use std::time::Duration;

use fastrand::Rng;
use netipc_protocol::{Cipher, ClusterId, SessionId};
use netipc_wire::frame::Packet;
use netipc_wire::{HEADER_LENGTH, Header, Kind, TAG_LENGTH};

use crate::cluster::{Cluster, Hope, Meddler, Nobody, Passes, SLOTS, Taped, node_id};
use crate::mutate::{content, mutate};
use crate::samples::{self, About};
use crate::{CLUSTER, Counts, Failure, Options, Protection};

const ROUNDS: usize = 16;
/// The one that goes mad.
const MAD: usize = 2;
/// Frames that it remembers.
const TAPE: usize = 64;
/// Tries to reach it when it is sane again: those whose session it has spoilt must notice first.
const TRIES: usize = 6;

/// What goes on in the mad machine's head.
struct Madness {
    /// Its own frames, and those that it got.
    tape: Vec<Vec<u8>>,
    /// The header of the last frame of a session with each of the others.
    last: [Option<Header>; 2],
    /// How many of its frames are changed, of eight.
    rate: u8,
    counts: Counts,
}

/// One case.
pub(crate) fn run(rng: &mut Rng, options: &Options) -> Result<Counts, Failure> {
    let protection = match rng.u8(..4) {
        0 => Protection::Real,
        _ => Protection::Sum,
    };
    let mut cluster = Cluster::new(rng, 3, protection, options);
    cluster.odd = Some(MAD);
    let mut madness = Madness {
        tape: Vec::new(),
        last: [None; 2],
        rate: [1, 3, 8][rng.usize(..3)],
        counts: Counts::default(),
    };
    // A session with each, mostly, so that it is heard.
    if rng.u8(..8) != 0 {
        for (from, to) in [(MAD, 0), (1, MAD), (0, 1)] {
            cluster.call(rng, from, to, Hope::Outcome)?;
        }
        cluster.pass(rng, Duration::from_millis(5), &mut Nobody)?;
    }
    for _ in 0..ROUNDS {
        for (from, to) in [(0, 1), (1, 0)] {
            for _ in 0..rng.usize(..=SLOTS / 2) {
                cluster.call(rng, from, to, Hope::Answer)?;
            }
        }
        for (from, to) in [(0, MAD), (1, MAD), (MAD, 0), (MAD, 1)] {
            for _ in 0..rng.usize(..3) {
                cluster.call(rng, from, to, Hope::Outcome)?;
            }
        }
        for index in 0..=MAD {
            cluster.whim(rng, index)?;
        }
        let span = Duration::from_micros(match rng.u8(..8) {
            0 => rng.u64(..700_000),
            1 => 0,
            _ => rng.u64(..30_000),
        });
        cluster.pass(rng, span, &mut madness)?;
        cluster.pass(rng, Duration::from_millis(2), &mut madness)?;
    }
    sane_again(&mut cluster, rng)?;
    madness.counts.calls = cluster.nodes.iter().map(|node| node.answered).sum();
    Ok(madness.counts)
}

/// The mad machine starts again.
fn sane_again(cluster: &mut Cluster<'_>, rng: &mut Rng) -> Result<(), Failure> {
    cluster.odd = None;
    cluster.wind_up(rng)?;
    cluster.boot(rng, MAD);
    let pairs = [(0, MAD), (MAD, 0), (1, MAD), (MAD, 1)];
    for _ in 0..TRIES {
        for (from, to) in pairs {
            cluster.call(rng, from, to, Hope::Outcome)?;
        }
        cluster.pass(rng, Duration::from_millis(700), &mut Nobody)?;
    }
    cluster.wind_up(rng)?;
    cluster.pass(rng, Duration::from_secs(2), &mut Nobody)?;
    for (from, to) in pairs.into_iter().chain([(0, 1), (1, 0)]) {
        cluster.call(rng, from, to, Hope::Answer)?;
    }
    cluster.pass(rng, Duration::from_secs(2), &mut Nobody)?;
    cluster.wind_up(rng)?;
    cluster.pass(rng, Duration::from_secs(2), &mut Nobody)?;
    cluster.empty()
}

impl Madness {
    /// What it makes of a frame: changed, and sealed so that it is believed.
    fn twist(
        &mut self,
        cluster: &mut Cluster<'_>,
        rng: &mut Rng,
        to: usize,
        plain: &[u8],
    ) -> Vec<u8> {
        let other = match self.tape.len() {
            0 => Vec::new(),
            seen => self.tape[rng.usize(..seen)].clone(),
        };
        let mut frame = content(plain).to_vec();
        for _ in 0..=rng.usize(..3) {
            mutate(rng, &mut frame, content(&other));
        }
        // Mostly the header is left in order: what is behind it is more interesting.
        if rng.u8(..8) != 0 {
            let kind = frame.get(3).copied();
            let header = HEADER_LENGTH.min(frame.len()).min(plain.len());
            frame[..header].copy_from_slice(&plain[..header]);
            if let (Some(place), Some(kind)) = (frame.get_mut(3), kind) {
                *place = kind;
            }
        }
        seal(cluster, to, frame)
    }

    /// A frame that the protocol never meant to send.
    fn invent(
        &mut self,
        cluster: &mut Cluster<'_>,
        rng: &mut Rng,
        to: usize,
    ) -> Result<(), Failure> {
        let kind = Kind::ALL[rng.usize(..Kind::ALL.len())];
        let mut about = About::anything(rng);
        about.cluster = ClusterId(CLUSTER);
        about.from = node_id(MAD);
        about.to = node_id(to);
        if let Some(last) = &mut self.last[to] {
            about.session = last.session;
            about.key = last.key;
            last.number += rng.u64(1..5);
            about.number = last.number;
        }
        let mut plain = samples::frame(rng, kind, &about);
        if !self.tape.is_empty() && rng.bool() {
            let body = self.tape[rng.usize(..self.tape.len())].clone();
            plain.truncate(HEADER_LENGTH);
            plain.extend_from_slice(body.get(HEADER_LENGTH..).unwrap_or(&[]));
            if let (Some(place), Some(kind)) = (plain.get_mut(3), body.get(3)) {
                *place = *kind;
            }
        }
        let frame = match rng.bool() {
            true => self.twist(cluster, rng, to, &plain),
            false => seal(cluster, to, content(&plain).to_vec()),
        };
        self.counts.frames += 1;
        let result = cluster.arrive(MAD, to, &frame)?;
        self.counts.accepted += u64::from(result.is_ok());
        Ok(())
    }

    fn remember(&mut self, rng: &mut Rng, frame: &Taped) {
        if self.tape.len() == TAPE {
            self.tape.swap_remove(rng.usize(..TAPE));
        }
        self.tape.push(frame.plain.clone());
        if let (MAD, Ok(packet)) = (frame.from, Packet::new_checked(&frame.plain[..])) {
            let header = packet.header();
            if header.session != SessionId::NONE {
                self.last[frame.to] = Some(header);
            }
        }
    }
}

/// A frame, with room for its tag, as the mad machine's cipher protects it.
fn seal(cluster: &mut Cluster<'_>, to: usize, mut frame: Vec<u8>) -> Vec<u8> {
    frame.extend_from_slice(&[0; TAG_LENGTH]);
    if let Ok(header) = Packet::new_checked(&frame[..]).map(|packet| packet.header()) {
        let cipher = cluster.nodes[MAD].endpoint.cipher_mut();
        cipher.seal(node_id(to), &header, &mut frame);
    }
    frame
}

impl Meddler for Madness {
    fn sees(
        &mut self,
        cluster: &mut Cluster<'_>,
        rng: &mut Rng,
        frame: &Taped,
    ) -> Result<Passes, Failure> {
        if frame.from != MAD && frame.to != MAD {
            return Ok(Passes::Yes);
        }
        self.remember(rng, frame);
        let victim = match frame.from {
            MAD => frame.to,
            victim => victim,
        };
        if rng.u8(..8) < self.rate {
            self.invent(cluster, rng, victim)?;
        }
        if frame.from != MAD || rng.u8(..8) >= self.rate {
            return Ok(Passes::Yes);
        }
        let twisted = self.twist(cluster, rng, frame.to, &frame.plain);
        self.counts.frames += 1;
        let result = cluster.arrive(MAD, frame.to, &twisted)?;
        self.counts.accepted += u64::from(result.is_ok());
        Ok(Passes::No)
    }
}
