//! Who holds which capability, and which line gave it: what the plan says, to be held against what the machine says.

use std::fmt;

use isthmus_abi::{ComponentId, EndpointBadge, Name, Slot, slots};
use isthmus_plan::Here;
use isthmus_plan::plan::{Component, DeviceKind, Start};

use crate::{Description, Lines};

/// What kind of object a capability is for, as seL4 calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Object {
    /// A CNode.
    CNode,
    /// An endpoint.
    Endpoint,
    /// A notification.
    Notification,
    /// A thread.
    Thread,
    /// The handler of an interrupt.
    InterruptHandler,
    /// I/O ports.
    IoPorts,
}

impl Object {
    /// The names, which the root task uses too.
    pub const NAMES: [(&'static str, Self); 6] = [
        ("cnode", Self::CNode),
        ("endpoint", Self::Endpoint),
        ("notification", Self::Notification),
        ("thread", Self::Thread),
        ("interrupt-handler", Self::InterruptHandler),
        ("io-ports", Self::IoPorts),
    ];
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = Self::NAMES.iter().find(|(_, object)| object == self);
        f.pad(found.map_or("", |(name, _)| name))
    }
}

/// What a capability allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rights {
    /// Everything.
    All,
    /// To call: Write and Grant.
    Call,
    /// To signal: Write.
    Signal,
}

impl Rights {
    /// As the root task writes them: Read, Write, Grant.
    #[must_use]
    pub const fn letters(self) -> &'static str {
        match self {
            Self::All => "rwg",
            Self::Call => "-wg",
            Self::Signal => "-w-",
        }
    }
}

/// Whether a machine must have a capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Presence {
    /// On every machine.
    Always,
    /// Where the machine's device has interrupts, or ports.
    ByDevice,
}

/// One capability of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Who holds it.
    pub holder: ComponentId,
    /// The holder's name.
    pub name: Name,
    /// Where.
    pub slot: Slot,
    /// To what.
    pub object: Object,
    /// What it allows.
    pub rights: Rights,
    /// Its badge; 0 is none.
    pub badge: u64,
    /// Whose object it is, and what for.
    pub what: String,
    /// Whether it must be there.
    pub presence: Presence,
    /// The line of the description that gave it.
    pub line: usize,
    /// That line's key.
    pub key: &'static str,
}

/// One component's capabilities, while they are listed.
struct List<'a> {
    description: &'a Description,
    id: ComponentId,
    component: &'a Component,
    lines: &'a Lines,
    here: Here,
    all: Vec<Capability>,
}

impl Description {
    /// All capabilities that components have when they start, on one machine.
    #[must_use]
    pub fn capabilities(&self, here: Here) -> Vec<Capability> {
        let mut all = Vec::new();
        for (id, component) in self.plan.on(here) {
            let mut list = List {
                description: self,
                id,
                component,
                lines: &self.lines[usize::from(id.0) - 1],
                here,
                all: Vec::new(),
            };
            list.own();
            list.uses();
            list.signals();
            list.devices();
            list.threads();
            list.all.sort_by_key(|capability| capability.slot);
            all.extend(list.all);
        }
        all
    }
}

impl List<'_> {
    fn add(
        &mut self,
        slot: Slot,
        object: Object,
        rights: Rights,
        badge: u64,
        what: impl Into<String>,
        by: (usize, &'static str),
    ) {
        self.all.push(Capability {
            holder: self.id,
            name: self.component.name.clone(),
            slot,
            object,
            rights,
            badge,
            what: what.into(),
            presence: match object {
                Object::InterruptHandler | Object::IoPorts => Presence::ByDevice,
                _ => Presence::Always,
            },
            line: by.0,
            key: by.1,
        });
    }

    /// What every component has; and for each thread the capability by which its faults reach the supervisor.
    fn own(&mut self) {
        let own = (self.lines.component, "[[component]]");
        self.add(
            slots::CNODE,
            Object::CNode,
            Rights::All,
            0,
            "its own slots",
            own,
        );
        if let Some(line) = self.lines.serves {
            let by = (line, "serves");
            self.add(
                slots::SERVICE,
                Object::Endpoint,
                Rights::All,
                0,
                "its own service",
                by,
            );
        }
        self.add(
            slots::NOTIFICATION,
            Object::Notification,
            Rights::All,
            0,
            "its own events",
            own,
        );
        let first = self.component.slots_end().0;
        for thread in 0..self.component.threads.len() {
            let slot = Slot(first + thread as u32);
            let badge = u64::from(self.id.0) << 8 | thread as u64;
            let what = format!("the supervisor, for faults of thread {thread}");
            let by = self.of_thread(thread);
            self.add(slot, Object::Endpoint, Rights::Call, badge, what, by);
        }
    }

    fn of_thread(&self, thread: usize) -> (usize, &'static str) {
        match self.lines.threads {
            Some(line) if thread > 0 => (line, "threads"),
            _ => (self.lines.component, "[[component]]"),
        }
    }

    fn uses(&mut self) {
        let plan = &self.description.plan;
        for (used, &line) in self.component.uses.iter().zip(&self.lines.uses) {
            if let Some((_, server)) = plan.provider(used, self.here) {
                let badge = EndpointBadge::service(self.id).bits();
                let below = used.directory.as_ref();
                let below = below.map_or_else(String::new, |d| format!(" from {d} on"));
                let what = format!("`{}` of {}{below}", used.interface, server.name);
                self.add(
                    used.slot,
                    Object::Endpoint,
                    Rights::Call,
                    badge,
                    what,
                    (line, "uses"),
                );
            }
        }
    }

    fn signals(&mut self) {
        let plan = &self.description.plan;
        for (signal, &line) in self.component.signals.iter().zip(&self.lines.signals) {
            let receiver = plan.component(signal.to).filter(|c| c.on.holds(self.here));
            let Some(receiver) = receiver else { continue };
            let (key, about) = match signal.about.as_str() {
                isthmus_abi::startup::PLAIN_EVENT => ("[[event]]", String::new()),
                isthmus_abi::startup::LOGS => ("devices", " about logs".to_owned()),
                channel => ("[[channel]]", format!(" about `{channel}`")),
            };
            let what = format!("to tell {}{about}", receiver.name);
            let badge = signal.bit.badge();
            self.add(
                signal.slot,
                Object::Notification,
                Rights::Signal,
                badge,
                what,
                (line, key),
            );
        }
    }

    fn devices(&mut self) {
        for (device, &line) in self.component.devices.iter().zip(&self.lines.devices) {
            let name = DeviceKind::name(device.kind);
            let by = (line, "devices");
            let interrupt = format!("interrupts of the {name}");
            self.add(
                device.handler,
                Object::InterruptHandler,
                Rights::All,
                0,
                interrupt,
                by,
            );
            let ports = format!("registers of the {name}");
            self.add(device.ports, Object::IoPorts, Rights::All, 0, ports, by);
        }
    }

    fn threads(&mut self) {
        for (index, thread) in self.component.threads.iter().enumerate().skip(1) {
            let by = self.of_thread(index);
            let of = |what: &str| format!("{what} of thread {index}");
            self.add(
                thread.tcb,
                Object::Thread,
                Rights::All,
                0,
                of("control"),
                by,
            );
            self.add(
                thread.notification,
                Object::Notification,
                Rights::All,
                0,
                of("events"),
                by,
            );
            let badge = thread.bit.badge();
            let tells = format!("its main thread, from thread {index}");
            self.add(
                thread.signal_main,
                Object::Notification,
                Rights::Signal,
                badge,
                tells,
                by,
            );
        }
    }
}

/// A capability that a machine says a component has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Who holds it.
    pub holder: String,
    /// Where.
    pub slot: Slot,
    /// What kind of object it is for: a name of [`Object::NAMES`], or `type-N`, or `unknown`.
    pub kind: String,
    /// The rights that it was given with, as [`Rights::letters`].
    pub rights: String,
    /// The badge, or other data, that it was given with.
    pub badge: u64,
}

impl Found {
    /// Reads a line of the root task's: `cap COMPONENT SLOT KIND RIGHTS BADGE`. `None` if it is another line.
    #[must_use]
    pub fn read(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        if words.next()? != "cap" {
            return None;
        }
        let found = Self {
            holder: words.next()?.to_owned(),
            slot: Slot(words.next()?.parse().ok()?),
            kind: words.next()?.to_owned(),
            rights: words.next()?.to_owned(),
            badge: u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok()?,
        };
        words.next().is_none().then_some(found)
    }

    /// The line after a component's last: whose it is, and how many there were.
    #[must_use]
    pub fn read_count(line: &str) -> Option<(&str, usize)> {
        let (name, count) = line.strip_prefix("caps of ")?.split_once(": ")?;
        Some((name, count.parse().ok()?))
    }

    fn is(&self, planned: &Capability) -> bool {
        *self.holder == *planned.name.as_str() && self.slot == planned.slot
    }

    /// What differs from the plan.
    fn differs(&self, planned: &Capability) -> Option<String> {
        let known = Object::NAMES.iter().any(|(name, _)| *name == self.kind);
        if known && self.kind != planned.object.to_string() {
            return Some(format!("it is for another kind of object: {}", self.kind));
        }
        if self.rights != planned.rights.letters() {
            return Some(format!("its rights are {}", self.rights));
        }
        // A CNode and ports have other data in place of a badge.
        let badged = matches!(planned.object, Object::Endpoint | Object::Notification);
        (badged && self.badge != planned.badge).then(|| format!("its badge is {:#x}", self.badge))
    }
}

/// What a machine says of a planned capability.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is there, as planned.
    Right,
    /// It is not there, and need not be.
    NotNeeded,
    /// The component starts on request, and nobody has asked.
    NotAsked,
    /// It is not there.
    Missing,
    /// It is another one.
    Differs(String),
}

/// The plan held against the machine.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// Each planned capability.
    pub planned: Vec<(Capability, Verdict)>,
    /// What the root task hands over to the memory server and the scheduler: in slots that the plan gives to that, with the line of `serves`.
    pub handed_over: Vec<(Found, usize)>,
    /// What nobody planned.
    pub unplanned: Vec<Found>,
}

impl Comparison {
    /// Whether there is no difference.
    #[must_use]
    pub fn agrees(&self) -> bool {
        let wrong = |v: &Verdict| matches!(v, Verdict::Missing | Verdict::Differs(_));
        self.unplanned.is_empty() && !self.planned.iter().any(|(_, verdict)| wrong(verdict))
    }
}

impl Description {
    /// The components that a machine speaks of when it starts: all but those that start on request.
    #[must_use]
    pub fn asked(&self, here: Here) -> Vec<&str> {
        let at_boot = self.plan.on(here).filter(|(_, c)| c.start == Start::Boot);
        at_boot.map(|(_, c)| c.name.as_str()).collect()
    }

    /// Holds the plan against what a machine says.
    #[must_use]
    pub fn compare(&self, here: Here, found: &[Found]) -> Comparison {
        let mut comparison = Comparison::default();
        let planned = self.capabilities(here);
        for one in found {
            if !planned.iter().any(|p| one.is(p)) {
                match self.handed_over(one) {
                    Some(line) => comparison.handed_over.push((one.clone(), line)),
                    None => comparison.unplanned.push(one.clone()),
                }
            }
        }
        for planned in planned {
            let verdict = self.verdict(here, &planned, found);
            comparison.planned.push((planned, verdict));
        }
        comparison
    }

    fn verdict(&self, here: Here, planned: &Capability, found: &[Found]) -> Verdict {
        let Some(one) = found.iter().find(|one| one.is(planned)) else {
            let asked = found
                .iter()
                .any(|one| *one.holder == *planned.name.as_str());
            let starts = self.asked(here).contains(&planned.name.as_str());
            return match planned.presence {
                _ if !starts && !asked => Verdict::NotAsked,
                Presence::ByDevice => Verdict::NotNeeded,
                Presence::Always => Verdict::Missing,
            };
        };
        one.differs(planned)
            .map_or(Verdict::Right, Verdict::Differs)
    }

    /// The line for which the root task hands this over, if it does.
    fn handed_over(&self, found: &Found) -> Option<usize> {
        let (id, component) = self.plan.find(&found.holder)?;
        let line = self.lines.get(usize::from(id.0) - 1)?.serves?;
        component.hand_over().contains(found.slot).then_some(line)
    }
}
