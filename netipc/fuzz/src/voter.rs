//! Two voters of a view, and a third that has gone mad: it says what it never meant to say, and what others have said.
//!
//! The view's promises are about machines that fail, and not about machines that lie (`docs/threat-model.md`), so what must hold is little: nothing
//! panics, whatever is read is written back as it was, and each message and each moment causes so many messages and no more.

use fastrand::Rng;
use netipc_protocol::Instant;
use netipc_view::message::{MESSAGE_LENGTH_MAX, Message};
use netipc_view::{Action, BootId, Config, Id, NodeId, Nodes, Part, Random, Token, View};

use crate::mutate::mutate;
use crate::{Counts, Failure};

/// Machines; the last is mad.
const NODES: u8 = 3;
/// Steps of one case, and how many of them pass before the madness: a leader is there by then, mostly.
const STEPS: u32 = 400;
const SANE: u32 = 60;
/// The longest step: a fifth of it is less than a heartbeat, and several are more than a lease.
const STEP_MILLIS: u64 = 60;
/// Things that are claimed.
const THINGS: u128 = 4;
/// Messages that are remembered, to be said again.
const OVERHEARD: usize = 64;
/// What one voter may say at one look: of each of six kinds one to each other machine, and the chunks of a whole table.
const AT_ONCE: usize = 100;

/// A voter's random words.
struct Dice(Rng);

impl Random for Dice {
    fn word(&mut self) -> u64 {
        self.0.u64(..)
    }
}

struct Voters {
    rng: Rng,
    now: Instant,
    views: Vec<Box<View<Dice>>>,
    /// On their way: from whom, to whom, what.
    wire: Vec<(NodeId, NodeId, Vec<u8>)>,
    overheard: Vec<Vec<u8>>,
    counts: Counts,
    tokens: u64,
}

/// One case.
pub(crate) fn run(rng: &mut Rng) -> Result<Counts, Failure> {
    let mut voters = Voters::new(rng.fork())?;
    for step in 0..STEPS {
        voters.step(step >= SANE)?;
    }
    Ok(voters.counts)
}

impl Voters {
    fn new(mut rng: Rng) -> Result<Self, Failure> {
        let now = Instant::from_nanos(0);
        let all: Nodes = (1..=NODES).map(NodeId).collect();
        let mut views = Vec::new();
        for node in 1..=NODES {
            let mut view = Box::new(View::new(Dice(rng.fork())));
            let config = Config {
                node: NodeId(node),
                boot: BootId(rng.u64(..)),
                part: Part::Holder,
                nodes: all,
                voters: all,
            };
            let begun = view.begin(now, config);
            begun.map_err(|error| Failure::new(format!("a voter does not begin: {error:?}")))?;
            views.push(view);
        }
        Ok(Self {
            rng,
            now,
            views,
            wire: Vec::new(),
            overheard: Vec::new(),
            counts: Counts::default(),
            tokens: 0,
        })
    }

    /// Some time passes, and whatever is on the wire arrives.
    fn step(&mut self, mad: bool) -> Result<(), Failure> {
        let millis = self.rng.u64(..STEP_MILLIS);
        self.now = self.now + core::time::Duration::from_millis(millis);
        if self.rng.u8(..4) == 0 {
            self.want();
        }
        for (from, to, said) in std::mem::take(&mut self.wire) {
            self.hear(from, to, &said)?;
        }
        if mad {
            self.rave()?;
        }
        for index in 0..self.views.len() {
            let view = &mut self.views[index];
            if view.poll_timeout().is_some_and(|at| at <= self.now) {
                view.handle_timeout(self.now);
            }
            self.look(index, mad)?;
        }
        Ok(())
    }

    /// Somebody wants something, or wants it no more.
    fn want(&mut self) {
        let id = Id(self.rng.u128(..THINGS));
        let view = &mut self.views[self.rng.usize(..usize::from(NODES))];
        let action = match view.owns(self.now, id) {
            Some(epoch) if self.rng.bool() => Action::Release(id, epoch),
            _ => Action::Claim(id),
        };
        self.tokens += 1;
        // That it is busy is an answer, too.
        let _ = view.handle_local(self.now, Token(self.tokens), action);
    }

    /// The mad one says something to each of the others.
    fn rave(&mut self) -> Result<(), Failure> {
        if self.overheard.is_empty() {
            return Ok(());
        }
        for to in (1..NODES).map(NodeId) {
            let any = |rng: &mut Rng| rng.usize(..self.overheard.len());
            let mut said = self.overheard[any(&mut self.rng)].clone();
            let other = &self.overheard[any(&mut self.rng)];
            for _ in 0..=self.rng.u8(..3) {
                mutate(&mut self.rng, &mut said, other);
            }
            self.counts.frames += 1;
            if self.hear(NodeId(NODES), to, &said)? {
                self.counts.accepted += 1;
            }
        }
        Ok(())
    }

    /// Whether it had an effect.
    fn hear(&mut self, from: NodeId, to: NodeId, said: &[u8]) -> Result<bool, Failure> {
        if let Ok(message) = Message::parse(said) {
            let mut again = [0; MESSAGE_LENGTH_MAX];
            let length = message
                .emit(&mut again)
                .ok_or_else(|| Failure::new("a view's message is longer than it may be"))?;
            if again[..length] != *said {
                let what = format!("a view's message is written back in another way: {message:?}");
                return Err(Failure::new(what));
            }
        }
        let view = &mut self.views[usize::from(to.0) - 1];
        let taken = view.handle_message(self.now, from, said).is_ok();
        Ok(taken)
    }

    /// What one has to say.
    fn look(&mut self, index: usize, mad: bool) -> Result<(), Failure> {
        let from = NodeId(index as u8 + 1);
        let view = &mut self.views[index];
        for _ in 0..AT_ONCE {
            while let Some(event) = view.poll_event() {
                self.counts.calls +=
                    u64::from(matches!(event, netipc_view::Event::Answered { .. }));
            }
            let mut buffer = [0; MESSAGE_LENGTH_MAX];
            let Some(transmit) = view.poll_transmit(self.now, &mut buffer) else {
                return Ok(());
            };
            let said = buffer[..transmit.length].to_vec();
            if self.overheard.len() < OVERHEARD {
                self.overheard.push(said.clone());
            } else {
                let at = self.rng.usize(..OVERHEARD);
                self.overheard[at].clone_from(&said);
            }
            // The mad one still says half of what it should.
            if from != NodeId(NODES) || !mad || self.rng.bool() {
                self.wire.push((from, transmit.to, said));
            }
        }
        Err(Failure::new(format!("voter {from} does not stop speaking")))
    }
}
