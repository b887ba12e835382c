//! A cluster's keys, and two machines under virtual time.

#![allow(dead_code)]

use std::time::Duration;

use netipc_crypto::{ClusterKeys, Encryption, KeyLog, Noise, Secret, Voters};
use netipc_protocol::{
    Answer, BootId, Call, ClusterId, Config, Dropped, Endpoint, Event, FRAME_LENGTH_MAX, Instant,
    NodeId, Outcome, Random, Target, Token, Way,
};
use netipc_wire::frame::Packet;
use netipc_wire::{Kind, Nonce};

pub const A: usize = 0;
pub const B: usize = 1;

/// The keys of a cluster's first `N` machines. Clusters of the same `shared` number share their secret.
pub fn cluster<const N: usize>(shared: u8) -> [ClusterKeys; N] {
    let private = |node: usize| Secret([node as u8 + 1; 32]);
    let mut public = [None; netipc_crypto::keys::NODES];
    for (index, key) in public.iter_mut().enumerate().take(N) {
        *key = Some(private(index).public());
    }
    std::array::from_fn(|index| ClusterKeys {
        cluster: ClusterId(7),
        node: NodeId(index as u8 + 1),
        shared: Secret([shared; 32]),
        private: private(index),
        public,
        generation: 1,
        administrator: None,
        encryption: Encryption::On,
        voters: Voters::NONE,
        key_log: KeyLog::Off,
    })
}

pub struct Counter(u64);

impl Random for Counter {
    fn nonce(&mut self) -> Nonce {
        self.0 += 1;
        Nonce(self.0)
    }
}

pub type Machine = Endpoint<Noise, Counter, 2, 4, 4>;

/// What a machine was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Complete(u64, Result<Vec<u64>, Outcome>),
    Up,
    Down,
    Twin(BootId),
}

/// Two machines that answer every call with its words, each one more.
pub struct Pair {
    pub now: Instant,
    pub machines: [Box<Machine>; 2],
    /// Frames on their way: arrival, receiver, bytes.
    pub wire: Vec<(Instant, usize, Vec<u8>)>,
    /// Every frame that was sent: by whom, and bytes.
    pub sent: Vec<(usize, Vec<u8>)>,
    pub dropped: Vec<(usize, Dropped)>,
    pub said: [Vec<Said>; 2],
    /// Whether a frame is lost.
    pub lose: Box<dyn FnMut(usize, Kind) -> bool>,
}

pub fn node(machine: usize) -> NodeId {
    NodeId(machine as u8 + 1)
}

pub fn kind(frame: &[u8]) -> Kind {
    Packet::new_checked(frame).unwrap().header().kind
}

impl Pair {
    pub fn new(keys: [ClusterKeys; 2]) -> Self {
        Self::rekeying(keys, netipc_crypto::limits::REKEY_AFTER)
    }

    pub fn rekeying(keys: [ClusterKeys; 2], after: Duration) -> Self {
        let mut seed = 0;
        let machines = keys.map(|keys| {
            seed += 1;
            let noise = Noise::new(keys, &[seed; 32]).rekeying_after(after);
            Box::new(Endpoint::new(noise, Counter(u64::from(seed) << 32)))
        });
        let mut pair = Self {
            now: Instant::from_nanos(1_000_000_000),
            machines,
            wire: Vec::new(),
            sent: Vec::new(),
            dropped: Vec::new(),
            said: [Vec::new(), Vec::new()],
            lose: Box::new(|_, _| false),
        };
        pair.boot(A, 1);
        pair.boot(B, 2);
        pair
    }

    pub fn boot(&mut self, machine: usize, boot: u64) {
        let config = Config {
            node: node(machine),
            boot: BootId(boot),
            cluster: ClusterId(7),
        };
        self.machines[machine]
            .begin(config, [node(0), node(1)])
            .unwrap();
    }

    pub fn call(&mut self, from: usize, token: u64, words: &[u64]) {
        let call = Call {
            target: Target::Bootstrap(node(1 - from)),
            way: Way::Call,
            label: 1 << 20,
            words,
            capability: None,
            budget: None,
            token: Token(token),
        };
        self.machines[from].call(self.now, &call).unwrap();
        self.settle(from);
    }

    /// Does what a machine asks for.
    pub fn settle(&mut self, machine: usize) {
        let endpoint = &mut self.machines[machine];
        loop {
            let mut deliver = None;
            match endpoint.poll_event() {
                None => break,
                Some(Event::Complete { token, result }) => {
                    let result = result.map(|reply| reply.words.to_vec());
                    self.said[machine].push(Said::Complete(token.0, result));
                }
                Some(Event::Deliver { execution, .. }) => deliver = Some(execution),
                Some(Event::Up { .. }) => self.said[machine].push(Said::Up),
                Some(Event::Down { .. }) => self.said[machine].push(Said::Down),
                Some(Event::Twin { boot, .. }) => self.said[machine].push(Said::Twin(boot)),
                Some(_) => {}
            }
            if let Some(execution) = deliver
                && let Ok(request) = endpoint.start(self.now, execution)
            {
                let words: Vec<u64> = request.words.iter().map(|word| word + 1).collect();
                let answer = Answer::Reply {
                    label: 1,
                    words: &words,
                    capability: None,
                };
                let _ = endpoint.finish(self.now, execution, &answer);
            }
        }
        let mut buffer = [0; FRAME_LENGTH_MAX];
        while let Some(transmit) = endpoint.poll_transmit(self.now, &mut buffer) {
            let frame = buffer[..transmit.length].to_vec();
            self.sent.push((machine, frame.clone()));
            if !(self.lose)(machine, kind(&frame)) {
                let arrival = self.now + Duration::from_micros(100);
                self.wire.push((arrival, 1 - machine, frame));
            }
        }
    }

    pub fn inject(&mut self, to: usize, frame: &[u8]) -> Result<(), Dropped> {
        let mut frame = frame.to_vec();
        let result = self.machines[to].handle_frame(self.now, node(1 - to), &mut frame);
        if let Err(why) = result {
            self.dropped.push((to, why));
        }
        self.settle(to);
        result
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.settle(A);
            self.settle(B);
            let arrival = self.wire.iter().map(|(at, ..)| *at).min();
            let timeouts = self.machines.iter_mut().filter_map(|m| m.poll_timeout());
            let next = timeouts.chain(arrival).min().filter(|at| *at <= end);
            let Some(next) = next else { break };
            self.now = self.now.max(next);
            let arrived = self.wire.iter().position(|(at, ..)| *at <= self.now);
            if let Some(index) = arrived {
                let (_, to, frame) = self.wire.remove(index);
                let _ = self.inject(to, &frame);
            }
            for machine in [A, B] {
                self.machines[machine].handle_timeout(self.now);
            }
        }
        self.now = end;
    }

    /// What a machine's last call came to.
    pub fn last_outcome(&self, machine: usize) -> Option<(u64, Result<Vec<u64>, Outcome>)> {
        self.said[machine].iter().rev().find_map(|said| match said {
            Said::Complete(token, result) => Some((*token, result.clone())),
            _ => None,
        })
    }

    pub fn frames(&self, of: Kind) -> Vec<Vec<u8>> {
        let frames = self.sent.iter().map(|(_, frame)| frame);
        frames.filter(|frame| kind(frame) == of).cloned().collect()
    }
}
