//! The switch's decisions, pure: frames and the time go in, frames come out. Nothing here reads a clock or a socket.
//!
//! A frame that enters at a port is sent to the port behind which its destination was last seen, or to all others. For each of these
//! ways, in this order: the observer is asked; a cut link loses it; the link's dice decide what befalls it.
//!
//! With no observer and no faults a frame is handed on within the call, and nothing is allocated.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::time::Duration;

use crate::address::{AddressTable, Mac, PortId, addresses};
use crate::commands::{Command, CommandError};
use crate::counters::Counters;
use crate::faults::{Bandwidth, Dice, Faults};
use crate::framing::MAX_FRAME;

/// What became of a frame at the port where it was to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It is on its way to the machine.
    Taken,
    /// The machine takes no frames, and too many wait for it.
    Full,
    /// There is no machine.
    Unplugged,
}

/// Where frames leave the switch.
pub trait Outlet {
    /// Takes `frame` to the machine at `to`.
    fn deliver(&mut self, to: PortId, frame: &[u8]) -> Delivery;
}

impl<F: FnMut(PortId, &[u8]) -> Delivery> Outlet for F {
    fn deliver(&mut self, to: PortId, frame: &[u8]) -> Delivery {
        self(to, frame)
    }
}

/// One direction of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum LinkState {
    /// Frames pass.
    #[default]
    Whole,
    /// Frames are lost, those under way too.
    Cut,
}

/// A frame on one of its ways, as the observer sees it.
#[derive(Clone, Copy, Debug)]
pub struct Sighting<'a> {
    /// Since the switch started.
    pub at: Duration,
    /// The port where it entered.
    pub from: PortId,
    /// The port where it is to leave. A flooded frame is seen once for each.
    pub to: PortId,
    /// The state of the link from `from` to `to`.
    pub link: LinkState,
    /// The whole Ethernet frame.
    pub frame: &'a [u8],
}

/// What the observer says of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// On, to the link and its faults.
    Pass,
    /// Lost.
    Drop,
    /// Kept until [`Fabric::release_held`] or [`Fabric::discard_held`].
    Hold,
}

/// Looks at each frame. It is called within the switch, so it must not wait, nor call the switch that asks it.
pub type Observer = Box<dyn FnMut(&Sighting<'_>) -> Verdict + Send>;

/// A frame that has not left yet.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Parcel {
    from: PortId,
    to: PortId,
    frame: Vec<u8>,
}

/// A frame that travels for a while. The number keeps those that are due together in their order.
type Travelling = Reverse<(Duration, u64, Parcel)>;

/// A frame that waits to be overtaken.
#[derive(Debug)]
struct Waiting {
    frame: Vec<u8>,
    overtaken_by: u32,
    until: Duration,
}

/// One direction between two ports.
#[derive(Debug)]
struct Link {
    state: LinkState,
    faults: Faults,
    dice: Dice,
    /// Until when frames occupy it, where its bandwidth is limited.
    busy_until: Duration,
    waiting: Vec<Waiting>,
}

/// The switch's state.
pub struct Fabric {
    ports: u8,
    links: Vec<Link>,
    table: AddressTable,
    travelling: BinaryHeap<Travelling>,
    sent: u64,
    held: Vec<Parcel>,
    observer: Option<Observer>,
    spare: Vec<Vec<u8>>,
    counters: Counters,
}

impl fmt::Debug for Fabric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fabric")
            .field("ports", &self.ports)
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

impl Fabric {
    /// Frames that travel, are held, or wait to be overtaken on one link; more are lost.
    pub const MAX_KEPT: usize = 16 * 1024;

    /// A switch with whole links between `ports` ports; the same seed and the same frames give the same faults.
    #[must_use]
    pub fn new(ports: u8, seed: u64, faults: Faults) -> Self {
        let directions = u64::from(ports) * u64::from(ports);
        let link = |direction| Link {
            state: LinkState::Whole,
            faults,
            dice: Dice::new(seed, direction),
            busy_until: Duration::ZERO,
            waiting: Vec::new(),
        };
        Self {
            ports,
            links: (0..directions).map(link).collect(),
            table: AddressTable::default(),
            travelling: BinaryHeap::new(),
            sent: 0,
            held: Vec::new(),
            observer: None,
            spare: Vec::new(),
            counters: Counters::default(),
        }
    }

    /// All ports.
    pub fn ports(&self) -> impl Iterator<Item = PortId> + use<> {
        (0..self.ports).map(PortId)
    }

    /// What became of the frames so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// # Panics
    /// If there is no such port: the caller made the fabric and knows how many it has.
    fn link(&mut self, from: PortId, to: PortId) -> &mut Link {
        assert!(
            from.0 < self.ports && to.0 < self.ports,
            "no link from {from} to {to}: the switch has {} ports",
            self.ports
        );
        &mut self.links[from.index() * usize::from(self.ports) + to.index()]
    }

    /// Cuts or mends one direction.
    ///
    /// # Panics
    /// If there is no such port.
    pub fn set_link(&mut self, from: PortId, to: PortId, state: LinkState) {
        self.link(from, to).state = state;
    }

    /// Changes the faults of one direction.
    ///
    /// # Panics
    /// If there is no such port.
    pub fn set_faults(&mut self, from: PortId, to: PortId, faults: Faults) {
        self.link(from, to).faults = faults;
    }

    /// Does what a command says.
    ///
    /// # Errors
    /// If it names a machine that is not there; nothing is changed then.
    pub fn apply(&mut self, command: &Command) -> Result<(), CommandError> {
        command.check(self.ports)?;
        for from in self.ports() {
            for to in self.ports() {
                let link = self.link(from, to);
                match command {
                    Command::Change(place, change) if place.has(from, to) => {
                        change.apply(&mut link.state, &mut link.faults);
                    }
                    Command::Change(..) => {}
                    Command::Partition(groups) => {
                        let group = |port| groups.iter().position(|group| group.contains(&port));
                        if let (Some(a), Some(b)) = (group(from), group(to)) {
                            link.state = if a == b {
                                LinkState::Whole
                            } else {
                                LinkState::Cut
                            };
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Changes the faults of all links.
    pub fn set_all_faults(&mut self, faults: Faults) {
        self.links.iter_mut().for_each(|link| link.faults = faults);
    }

    /// Has `observer` asked about each frame from now on; `None`: nobody.
    pub fn set_observer(&mut self, observer: Option<Observer>) {
        self.observer = observer;
    }

    /// A frame has entered at `from`.
    pub fn receive(&mut self, now: Duration, from: PortId, frame: &[u8], outlet: &mut impl Outlet) {
        self.counters.received += 1;
        let Some((destination, source)) = addresses(frame).filter(|_| frame.len() <= MAX_FRAME)
        else {
            self.counters.malformed += 1;
            return;
        };
        self.table.learn(source, from);
        match self.destination(destination) {
            Some(to) if to == from => {} // already where it belongs
            Some(to) => self.forward(now, from, to, frame, outlet),
            None => {
                for to in self.ports().filter(|to| *to != from) {
                    self.forward(now, from, to, frame, outlet);
                }
            }
        }
    }

    fn destination(&self, destination: Mac) -> Option<PortId> {
        if destination.is_group() {
            None
        } else {
            self.table.find(destination)
        }
    }

    /// Asks the observer, then gives the frame to the link.
    fn forward(
        &mut self,
        now: Duration,
        from: PortId,
        to: PortId,
        frame: &[u8],
        outlet: &mut impl Outlet,
    ) {
        let link = self.link(from, to).state;
        let verdict = match &mut self.observer {
            Some(observer) => observer(&Sighting {
                at: now,
                from,
                to,
                link,
                frame,
            }),
            None => Verdict::Pass,
        };
        match verdict {
            Verdict::Pass => self.enter_link(now, from, to, frame, outlet),
            Verdict::Drop => self.counters.refused += 1,
            Verdict::Hold if self.held.len() >= Self::MAX_KEPT => self.counters.overflowed += 1,
            Verdict::Hold => {
                let frame = self.copy(frame);
                self.held.push(Parcel { from, to, frame });
            }
        }
    }

    /// Lets the link's dice decide.
    fn enter_link(
        &mut self,
        now: Duration,
        from: PortId,
        to: PortId,
        frame: &[u8],
        outlet: &mut impl Outlet,
    ) {
        let link = self.link(from, to);
        if link.state == LinkState::Cut {
            self.counters.cut += 1;
            return;
        }
        if link.faults.is_none() {
            self.leave(from, to, frame, outlet);
            return;
        }
        let faults = link.faults;
        let fate = link.dice.throw(&faults);
        if let Some(overtaken_by) = fate.duplicate_after {
            self.counters.duplicated += 1;
            self.wait(now, from, to, frame, overtaken_by);
        }
        if fate.dropped {
            self.counters.dropped += 1;
            return;
        }
        let mut damaged = None;
        if let Some(bit) = fate.turned_bit {
            self.counters.corrupted += 1;
            let mut copy = self.copy(frame);
            turn_bit(&mut copy, bit);
            damaged = Some(copy);
        }
        let frame = damaged.as_deref().unwrap_or(frame);
        if let Some(overtaken_by) = fate.overtaken_by {
            self.counters.reordered += 1;
            self.wait(now, from, to, frame, overtaken_by);
        } else {
            match self.turn(now, from, to, frame.len()) {
                None => self.counters.overflowed += 1,
                Some(turn) if turn + fate.delay > now => {
                    self.travel(turn + fate.delay, from, to, frame);
                }
                Some(_) => self.leave(from, to, frame, outlet),
            }
        }
        self.spare.extend(damaged);
    }

    /// When a frame of `bytes` bytes is through a link of limited bandwidth; `None` if the line before it is too long.
    fn turn(&mut self, now: Duration, from: PortId, to: PortId, bytes: usize) -> Option<Duration> {
        let link = self.link(from, to);
        let begins = link.busy_until.max(now);
        if begins - now > Bandwidth::LONGEST_LINE {
            return None;
        }
        let through = begins + link.faults.bandwidth.time_of(bytes);
        link.busy_until = through;
        Some(through)
    }

    /// Keeps a frame until `overtaken_by` others have passed it, or the link's window is over.
    fn wait(&mut self, now: Duration, from: PortId, to: PortId, frame: &[u8], overtaken_by: u32) {
        if self.link(from, to).waiting.len() >= Self::MAX_KEPT {
            self.counters.overflowed += 1;
            return;
        }
        let frame = self.copy(frame);
        let link = self.link(from, to);
        let until = now + link.faults.reorder_window + link.faults.delay.most;
        link.waiting.push(Waiting {
            frame,
            overtaken_by,
            until,
        });
    }

    /// Keeps a frame until `due`.
    fn travel(&mut self, due: Duration, from: PortId, to: PortId, frame: &[u8]) {
        if self.travelling.len() >= Self::MAX_KEPT {
            self.counters.overflowed += 1;
            return;
        }
        let frame = self.copy(frame);
        self.sent += 1;
        self.travelling
            .push(Reverse((due, self.sent, Parcel { from, to, frame })));
    }

    /// The frame leaves, and after it those that it was the last to overtake.
    fn leave(&mut self, from: PortId, to: PortId, frame: &[u8], outlet: &mut impl Outlet) {
        self.deliver(to, frame, outlet);
        let link = self.link(from, to);
        if link.waiting.is_empty() {
            return;
        }
        for waiting in &mut link.waiting {
            waiting.overtaken_by = waiting.overtaken_by.saturating_sub(1);
        }
        self.let_go(from, to, outlet, |waiting| waiting.overtaken_by == 0);
    }

    fn deliver(&mut self, to: PortId, frame: &[u8], outlet: &mut impl Outlet) {
        let counter = match outlet.deliver(to, frame) {
            Delivery::Taken => &mut self.counters.delivered,
            Delivery::Full => &mut self.counters.overflowed,
            Delivery::Unplugged => &mut self.counters.unplugged,
        };
        *counter += 1;
    }

    /// Sends those of the waiting frames of a link that `ready` picks, in the order in which they came.
    fn let_go(
        &mut self,
        from: PortId,
        to: PortId,
        outlet: &mut impl Outlet,
        ready: impl Fn(&Waiting) -> bool,
    ) {
        let link = self.link(from, to);
        let state = link.state;
        let gone: Vec<Waiting> = link
            .waiting
            .extract_if(.., |waiting| ready(waiting))
            .collect();
        for waiting in gone {
            match state {
                LinkState::Whole => self.deliver(to, &waiting.frame, outlet),
                LinkState::Cut => self.counters.cut += 1,
            }
            self.spare.push(waiting.frame);
        }
    }

    /// Sends what is due at `now`.
    pub fn poll(&mut self, now: Duration, outlet: &mut impl Outlet) {
        while let Some(Reverse((due, ..))) = self.travelling.peek() {
            if *due > now {
                break;
            }
            let Some(Reverse((_, _, parcel))) = self.travelling.pop() else {
                break;
            };
            match self.link(parcel.from, parcel.to).state {
                LinkState::Whole => self.leave(parcel.from, parcel.to, &parcel.frame, outlet),
                LinkState::Cut => self.counters.cut += 1,
            }
            self.spare.push(parcel.frame);
        }
        for from in self.ports() {
            for to in self.ports() {
                if self
                    .link(from, to)
                    .waiting
                    .iter()
                    .any(|waiting| waiting.until <= now)
                {
                    self.let_go(from, to, outlet, |waiting| waiting.until <= now);
                }
            }
        }
    }

    /// When [`Self::poll`] has something to send next, if nothing enters before.
    #[must_use]
    pub fn next_due(&self) -> Option<Duration> {
        let travelling = self.travelling.peek().map(|Reverse((due, ..))| *due);
        let waiting = self
            .links
            .iter()
            .flat_map(|link| &link.waiting)
            .map(|waiting| waiting.until)
            .min();
        travelling.into_iter().chain(waiting).min()
    }

    /// Frames held by the observer's word.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Sends the held frames on, in their order, without asking the observer again.
    pub fn release_held(&mut self, now: Duration, outlet: &mut impl Outlet) {
        for parcel in std::mem::take(&mut self.held) {
            self.enter_link(now, parcel.from, parcel.to, &parcel.frame, outlet);
        }
    }

    /// Loses the held frames.
    pub fn discard_held(&mut self) {
        self.counters.refused += self.held.len() as u64;
        self.held.clear();
    }

    /// A copy in memory that an earlier frame has left behind, if there is any.
    fn copy(&mut self, frame: &[u8]) -> Vec<u8> {
        let mut copy = self.spare.pop().unwrap_or_default();
        copy.clear();
        copy.extend_from_slice(frame);
        copy
    }
}

/// Turns the bit at `position`, modulo the length, of a frame that is not empty.
fn turn_bit(frame: &mut [u8], position: u64) {
    let bits = frame.len() as u64 * 8;
    let bit = position % bits;
    // Less than the length, which is a usize.
    frame[(bit / 8) as usize] ^= 1 << (bit % 8);
}
