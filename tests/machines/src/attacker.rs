//! An attacker at the switch sees the frames of two machines that call each other, and for each sends some of its own: recorded ones as
//! they were, changed and cut ones, and recorded handshakes. Nothing of it is accepted: the client's judgement is right, every request has run
//! once, and there was one session.
//!
//! A machine believes a frame's sender about where it is, as with ARP everywhere (`docs/threat-model.md`), so that some of the machines' frames go to the attacker
//! instead; it passes them on.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use isthmus_testkit::{Cluster, Failure, Machine, StreamDecoder, Verdict, length_prefix};
use netipc_wire::HEADER_LENGTH;

use crate::frames;
use crate::lab::Lab;

/// Calls of the honest client, nearly all of them while it is attacked.
const CALLS: usize = 3000;
/// What it takes to be an attack: frames. The attacker sends three for each that it sees, and on a busy host does not keep up.
const ATTACKS: usize = 2000;
/// Frames of the machines, handshakes not counted, after which they surely have their session: then the attack begins.
const SETTLED: usize = 10;
/// Some milliseconds for each, on a busy host.
const LIMIT: Duration = Duration::from_secs(300);
/// Frames that the attacker remembers.
const RECORDED: usize = 300;
/// Where an Ethernet frame says to whom it goes, and who sends it.
const RECEIVER: std::ops::Range<usize> = 0..6;
const SENDER: std::ops::Range<usize> = 6..12;
/// Where the last byte of the receiver's IPv4 address is: the machine's number.
const NODE: usize = 14 + 16 + 3;
/// The attacker's address, and what those of machines begin with.
const ATTACKER: [u8; 6] = [0x52, 0x54, 0x00, 0x66, 0x66, 0x66];
const MACHINES: [u8; 5] = [0x52, 0x54, 0x00, 0x49, 0x53];
/// Bytes before a netipc frame: Ethernet, IPv4, UDP.
const BEFORE: usize = 14 + 20 + 8;

pub(crate) fn nothing_is_accepted(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab
        .machines(2)?
        .arguments(format!("calls={CALLS}"))
        .with_outsider()
        .prepare()?;
    let recorded = Arc::new(Mutex::new(Vec::new()));
    let eyes = Arc::clone(&recorded);
    let (seen, pulses) = mpsc::channel();
    cluster.observe(move |sighting| {
        if frames::netipc(sighting.frame).is_none()
            || sighting.frame.get(SENDER) == Some(&ATTACKER[..])
        {
            return Verdict::Pass;
        }
        let mut recorded = eyes.lock().unwrap_or_else(PoisonError::into_inner);
        if recorded.len() < RECORDED {
            recorded.push(sighting.frame.to_vec());
        }
        if !is_handshake(sighting.frame) {
            // Nobody may be listening any more.
            let _ = seen.send(());
        }
        Verdict::Pass
    });
    let port = cluster.outsider()?;
    let incoming = port
        .try_clone()
        .map_err(|error| cluster.failure(error.to_string()))?;
    let attacker = Arc::new(Attacker {
        port: Mutex::new(port),
        recorded,
        sent: AtomicUsize::new(0),
    });
    cluster.machines().iter().try_for_each(Machine::start)?;
    // They end when the switch does.
    let between = Arc::clone(&attacker);
    std::thread::spawn(move || between.pass_on(incoming));
    let attacking = Arc::clone(&attacker);
    std::thread::spawn(move || attacking.attack(&pulses));
    let summary = cluster.machine(2).wait_until_right(LIMIT)?;
    if !summary.starts_with(&format!("{CALLS} calls, ")) {
        return Err(cluster.failure(format!("not {CALLS} calls were made: {summary}")));
    }
    one_session(&cluster)?;
    let sent = attacker.sent.load(Ordering::Relaxed);
    if sent < ATTACKS {
        return Err(cluster.failure(format!("{sent} frames are no attack")));
    }
    Ok(())
}

pub(crate) struct Attacker {
    port: Mutex<UnixStream>,
    /// What went over the wire so far.
    recorded: Arc<Mutex<Vec<Vec<u8>>>>,
    /// How many frames of its own it has sent.
    sent: AtomicUsize,
}

impl Attacker {
    /// At the switch's port for outsiders, passing on from now on what comes there.
    pub(crate) fn at(cluster: &Cluster) -> Result<Arc<Self>, Failure> {
        let port = cluster.outsider()?;
        let incoming = port
            .try_clone()
            .map_err(|error| cluster.failure(error.to_string()))?;
        let attacker = Arc::new(Self {
            port: Mutex::new(port),
            recorded: Arc::default(),
            sent: AtomicUsize::new(0),
        });
        let between = Arc::clone(&attacker);
        std::thread::spawn(move || between.pass_on(incoming));
        Ok(attacker)
    }

    /// What comes here belongs to a machine.
    fn pass_on(&self, mut incoming: UnixStream) -> std::io::Result<()> {
        let mut decoder = StreamDecoder::new();
        while decoder.read_from(&mut incoming)? > 0 {
            while let Ok(Some(frame)) = decoder.next_frame() {
                if frames::netipc(frame).is_some() && frame.get(RECEIVER) == Some(&ATTACKER[..]) {
                    self.send(Some(frame.to_vec()))?;
                }
            }
        }
        Ok(())
    }

    fn attack(&self, pulses: &mpsc::Receiver<()>) -> std::io::Result<()> {
        (0..)
            .zip(pulses.iter().skip(SETTLED))
            .try_for_each(|(turn, ())| self.strike(turn))
    }

    fn known(&self) -> Vec<Vec<u8>> {
        let recorded = self.recorded.lock();
        recorded.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A recorded frame as it was, one that is wrong in one of four ways, and a handshake.
    fn strike(&self, turn: usize) -> std::io::Result<()> {
        let known = self.known();
        let Some(frame) = known.get(turn % known.len().max(1)).cloned() else {
            return Ok(());
        };
        let mut other = frame.clone();
        let netipc = other.len().saturating_sub(BEFORE).max(1);
        match turn % 4 {
            0 => other[BEFORE + turn % netipc] ^= 1 << (turn % 8),
            1 => other.truncate(BEFORE + turn % netipc),
            // The number that comes next, and one far ahead: the tag does not fit.
            2 => other[BEFORE + HEADER_LENGTH - 8] ^= 1,
            _ => other[BEFORE + HEADER_LENGTH - 1] ^= 0x40,
        }
        let mut handshakes = known.iter().filter(|frame| is_handshake(frame)).cycle();
        let handshake = handshakes.nth(turn % 5).cloned();
        for frame in [Some(frame), Some(other), handshake] {
            self.sent.fetch_add(1, Ordering::Relaxed);
            self.send(frame)?;
        }
        Ok(())
    }

    /// To the machine whose address it has, as from here.
    pub(crate) fn send(&self, frame: Option<Vec<u8>>) -> std::io::Result<()> {
        let Some(mut frame) = frame.filter(|frame| frame.len() > NODE) else {
            return Ok(());
        };
        let node = frame[NODE];
        let [receiver @ .., last] = &mut frame[RECEIVER] else {
            return Ok(());
        };
        receiver.copy_from_slice(&MACHINES);
        *last = node;
        frame[SENDER].copy_from_slice(&ATTACKER);
        match length_prefix(&frame) {
            Some(length) => {
                let mut port = self.port.lock().unwrap_or_else(PoisonError::into_inner);
                port.write_all(&[&length[..], &frame].concat())
            }
            None => Ok(()),
        }
    }
}

pub(crate) fn is_handshake(frame: &[u8]) -> bool {
    frames::netipc(frame).is_some_and(|frame| frame.header().kind.is_handshake())
}

/// Each machine has had one session, and it has not ended.
fn one_session(cluster: &Cluster) -> Result<(), Failure> {
    for machine in cluster.machines() {
        let lines = machine.lines();
        let count = |what: &str| {
            let said = lines.iter().map(ToString::to_string);
            said.filter(|line| line.contains("netipc: ") && line.contains(what))
                .count()
        };
        let (up, down, twins) = (count(" is up ("), count(" is down"), count("identity"));
        if (up, down, twins) != (1, 0, 0) {
            return Err(machine.failure(format!(
                "{up} sessions began, {down} ended, {twins} twins: an attacker was believed"
            )));
        }
    }
    Ok(())
}
