//! The whole system of this machine, from the plan: first everybody's objects, then what each gets of the others.

use alloc::vec::Vec;
use core::fmt;

use isthmus_abi::startup::{self, LOGS, Region, RegionKind, Startup};
use isthmus_abi::{ComponentId, EventBit, Name, layout};
use isthmus_plan::Starter;
use isthmus_plan::archive::Archive;
use isthmus_plan::plan::{Component, Plan};
use sel4::{ObjectBlueprint, cap};

use crate::devices::Machine;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::hand_over::Processes;
use crate::objects::Objects;
use crate::{console, hand_over, inventory, say};
use builder::Window;
use builder::body::frames;
use builder::{Body, Lasting, Program, Supply, Undertaker};

/// The system as the root task made it.
pub struct System {
    /// The components that it starts.
    pub bodies: Vec<Body>,
    /// What each of them is going to be told, in the same order.
    pub startups: Vec<Startup>,
    /// What lasts of every component of this machine.
    pub all: Vec<Lasting>,
    /// The channels of this machine.
    pub channels: Vec<SharedChannel>,
    /// Where their faults arrive.
    pub faults: cap::Endpoint,
    /// The console server, the bit by which it hears of logs, and the root task's own log ring.
    pub console: Option<ConsoleServer>,
}

/// A channel of this machine.
pub struct SharedChannel {
    /// Its place in the plan.
    pub index: u8,
    /// Its ends.
    pub between: [ComponentId; 2],
    /// Its memory.
    pub frames: Vec<cap::Granule>,
}

/// What the root task needs to write through the console server.
pub struct ConsoleServer {
    /// Which component it is.
    pub id: ComponentId,
    /// To wake it.
    pub notification: cap::Notification,
    /// The frames of the root task's log ring.
    pub ring: Vec<cap::Granule>,
}

/// Where things come from.
pub struct Supplies<'a> {
    /// Objects.
    pub objects: &'a mut Objects,
    /// The way into new frames.
    pub window: &'a mut Window,
    /// Devices.
    pub machine: &'a mut Machine,
    /// The programs.
    pub archive: Archive<'a>,
    /// This machine.
    pub facts: &'a Facts,
}

/// The name by which the console server knows the root task's log ring.
const ROOT_TASK: &str = "root-task";

/// Makes everything; nothing runs yet, and nobody has been told anything.
pub fn build(supplies: &mut Supplies<'_>, plan: &Plan) -> Result<System> {
    let here = supplies.facts.here;
    let faults = supplies.objects.make(ObjectBlueprint::Endpoint)?.cast();
    let mut all = Vec::new();
    let mut bodies = Vec::new();
    for (id, component) in plan.on(here) {
        let lasting = Lasting::new(supplies.objects, id, component)?;
        if plan.starter(id, here) == Starter::RootTask {
            let body = Body::new(supplies.objects, lasting.clone(), component)?;
            if inventory::is_wanted(supplies.facts) {
                body.record();
            }
            bodies.push(body);
        }
        all.push(lasting);
    }
    for body in &bodies {
        give_capabilities(&all, body, plan, supplies.facts, faults)?;
    }
    let channels = share_channels(supplies, &mut bodies, plan)?;
    let console = share_logs(supplies, &all, &mut bodies, plan)?;
    let mut startups = Vec::new();
    for body in &mut bodies {
        let startup = load(supplies, body, plan, console.as_ref())
            .inspect_err(|_| say!("component {} does not start", body.name()))?;
        startups.push(startup);
    }
    Ok(System {
        bodies,
        startups,
        all,
        channels,
        faults,
        console,
    })
}

impl System {
    /// Tells each component what it has, and hands over what the memory server and the scheduler get: the last that is made.
    pub fn tell(
        &mut self,
        supplies: &mut Supplies<'_>,
        plan: &Plan,
        undertaker: &Undertaker,
        image: core::ops::Range<usize>,
    ) -> Result<()> {
        let here = supplies.facts.here;
        let processes = Processes {
            plan,
            all: &self.all,
            channels: &self.channels,
            undertaker,
            image,
            archive: sel4_root_task::archive(),
        };
        for (body, startup) in self.bodies.iter_mut().zip(&mut self.startups) {
            if planned(plan, body).owns_processes() {
                let is_base = |id| plan.starter(id, here) == Starter::RootTask;
                startup.processes = Some(processes.hand_over(supplies.objects, body, is_base)?);
            }
        }
        // Last of all, for from then on there is no memory to make anything of.
        let owner = self
            .bodies
            .iter()
            .position(|body| planned(plan, body).owns_memory());
        if let Some(index) = owner {
            let server = &self.bodies[index];
            let handed = hand_over::memory(supplies.objects, plan, &self.bodies, server)?;
            self.startups[index].hand_over = Some(handed);
        }
        for (body, startup) in self.bodies.iter_mut().zip(&self.startups) {
            body.tell(supplies.objects, supplies.window, startup)?;
        }
        Ok(())
    }
}

/// What lasts of the component with this number, if it runs here.
fn find(all: &[Lasting], id: ComponentId) -> Option<&Lasting> {
    all.iter().find(|lasting| lasting.id == id)
}

fn find_mut(bodies: &mut [Body], id: ComponentId) -> Option<&mut Body> {
    bodies.iter_mut().find(|body| body.id() == id)
}

/// A body was made from a component of the plan.
fn planned<'p>(plan: &'p Plan, body: &Body) -> &'p Component {
    plan.component(body.id())
        .expect("bodies are made from the plan")
}

fn give_capabilities(
    all: &[Lasting],
    body: &Body,
    plan: &Plan,
    facts: &Facts,
    faults: cap::Endpoint,
) -> Result<()> {
    let component = planned(plan, body);
    body.give_own(component, faults)?;
    for used in &component.uses {
        let service = plan
            .provider(used, facts.here)
            .and_then(|(id, _)| find(all, id))
            .and_then(|server| server.service);
        if let Some(service) = service {
            body.give_endpoint(used.slot, service)?;
        }
    }
    for signal in &component.signals {
        if let Some(receiver) = find(all, signal.to) {
            body.give_signal(signal.slot, receiver, signal.bit)?;
        }
    }
    Ok(())
}

fn share_channels(
    supplies: &mut Supplies<'_>,
    bodies: &mut [Body],
    plan: &Plan,
) -> Result<Vec<SharedChannel>> {
    let mut shared = Vec::new();
    let here = supplies.facts.here;
    for (index, channel) in plan.channels.iter().enumerate() {
        if !channel.between.iter().all(|&end| plan.runs(end, here)) {
            continue;
        }
        let frames = frames(supplies.objects, channel.bytes)?;
        for end in channel.between {
            if let Some(body) = find_mut(bodies, end) {
                body.share(supplies.objects, &frames, channel.address)?;
            }
        }
        shared.push(SharedChannel {
            index: index as u8,
            between: channel.between,
            frames,
        });
    }
    Ok(shared)
}

/// Maps everybody's log rings for themselves and for the console server.
fn share_logs(
    supplies: &mut Supplies<'_>,
    all: &[Lasting],
    bodies: &mut [Body],
    plan: &Plan,
) -> Result<Option<ConsoleServer>> {
    let objects = &mut *supplies.objects;
    for body in bodies.iter_mut() {
        let logs = body.lasting.logs.clone();
        body.map(objects, &logs, layout::LOGS, builder::Access::Write)?;
    }
    let drains = |body: &&mut Body| planned(plan, body).drains_logs();
    let Some(console) = bodies.iter_mut().find(drains) else {
        return Ok(None);
    };
    let own = console.id();
    for other in all.iter().filter(|other| other.id != own) {
        let address = isthmus_plan::startup::console_log_address(other.id);
        console.share(objects, &other.logs, address)?;
    }
    let ring = frames(objects, layout::LOG_BYTES)?;
    console.share(objects, &ring, layout::ROOT_TASK_LOG)?;
    let notification = match logs_bit(planned(plan, console)) {
        Some(bit) => console.lasting.badged_notification(objects, bit)?,
        None => console.lasting.notification,
    };
    Ok(Some(ConsoleServer {
        id: console.id(),
        notification,
        ring,
    }))
}

fn logs_bit(console: &Component) -> Option<EventBit> {
    let logs = console.events.iter().find(|event| event.about == LOGS);
    logs.map(|event| event.bit)
}

/// Loads the program; answers what it is going to be told.
fn load(
    supplies: &mut Supplies<'_>,
    body: &mut Body,
    plan: &Plan,
    console: Option<&ConsoleServer>,
) -> Result<Startup> {
    let component = planned(plan, body);
    let name = &component.program;
    let entry = supplies
        .archive
        .program(name.as_str())
        .ok_or_else(|| Error::NoProgram(name.clone()))?;
    let digest = entry.digest();
    if digest != entry.sha256 {
        return Err(Error::DamagedProgram(name.clone()));
    }
    let program = Program::read(entry.bytes).map_err(|why| builder::Error::BadProgram {
        program: name.clone(),
        why,
    })?;

    if component.heap_bytes > 0 {
        body.memory(supplies.objects, layout::HEAP, component.heap_bytes)?;
    }
    let machine = startup::Machine {
        node: supplies.facts.here.node,
        nodes: supplies.facts.here.nodes,
        counter_hz: supplies.machine.counter_hz,
        seed: supplies.facts.entropy.seed_of(body.name()),
        randomness: supplies.facts.entropy.randomness(),
        arguments: supplies.facts.arguments.clone(),
    };
    let mut startup = plan
        .startup(body.id(), supplies.facts.here, machine)
        .map_err(builder::Error::Startup)?;
    if component.has_keys() {
        startup.keys = supplies.facts.keys.clone();
    }
    if component.dma_bytes > 0 {
        let physical = body.dma(supplies.objects, layout::DMA, component.dma_bytes)?;
        let dma = startup
            .regions
            .iter_mut()
            .find(|r| r.kind == RegionKind::Dma);
        if let Some(dma) = dma {
            dma.physical = physical;
        }
    }
    for device in &component.devices {
        let given = supplies
            .machine
            .give(supplies.objects, supplies.window, body, device)?;
        let full = isthmus_plan::startup::NoRoom("devices");
        startup
            .devices
            .push(given)
            .map_err(|_| builder::Error::Startup(full))?;
    }
    if console.is_some_and(|console| console.id == body.id()) {
        let full = isthmus_plan::startup::NoRoom("regions");
        startup
            .regions
            .push(root_task_log())
            .map_err(|_| builder::Error::Startup(full))?;
    }
    body.load(supplies.objects, supplies.window, &program, component)?;
    console::announce(body.name().as_str(), entry.build_id);
    say!(
        "component {} {}: priority {}, program {name}, sha256 {}, build {}",
        body.id().0,
        body.name(),
        body.priority,
        Hex(&digest),
        Hex(entry.build_id),
    );
    Ok(startup)
}

fn root_task_log() -> Region {
    Region {
        name: Name::new(ROOT_TASK).expect("it is a name"),
        kind: RegionKind::Log,
        address: layout::ROOT_TASK_LOG,
        bytes: layout::LOG_BYTES,
        physical: 0,
    }
}

/// Bytes in hexadecimal.
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
