//! The root task: the first program, which the kernel gives everything. It starts each component of this machine in an address space and a
//! capability space of its own with what the plan says it gets, and nothing else; then it is the supervisor, which buries the dead.
//!
//! It never serves a call, and reads no memory that a component can write. Bad input (archive, plan, machine facts) ends in a line on the
//! console, never in a panic. Read next: `docs/death.md`; `isthmus-plan` for what it reads; [`system`] for the order in which it builds.
#![no_std]
#![no_main]

extern crate alloc;

mod console;
mod devices;
mod entropy;
mod error;
mod facts;
mod firmware;
mod hand_over;
mod inventory;
mod objects;
mod supervisor;
mod system;

use core::ptr::NonNull;

use isthmus_abi::layout::LOG_BYTES;
use isthmus_plan::{Archive, Plan};
use sel4_root_task::root_task;
use shared_memory::{Producer, SharedMemory};

use crate::devices::Machine;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::objects::Objects;
use crate::supervisor::Supervisor;
use crate::system::{ConsoleServer, Supplies};
use builder::Doing;
use builder::Undertaker;
use builder::{Access, Space, Window};

/// Where the root task maps what it must write itself: the second 512 GiB, where the kernel maps nothing for it.
const WINDOW: u64 = 1 << 39;

/// The root task's priority: above every component's.
const PRIORITY: sel4::Word = isthmus_abi::limits::PRIORITY as sel4::Word + 1;

#[root_task(stack_size = 128 * 1024, heap_size = 1024 * 1024)]
fn main(bootinfo: &sel4::BootInfoPtr) -> ! {
    sel4_root_task::set_panic_hook(|info| say!("{info}"));
    let mut objects = Objects::new(bootinfo);
    let mut window = Window::new(Space::over(sel4::init_thread::slot::VSPACE.cap()), WINDOW);
    match start(bootinfo, &mut objects, &mut window) {
        Ok(supervisor) => supervisor.run(),
        Err(error) => {
            say!("cannot start: {error}");
            sel4::init_thread::suspend_self()
        }
    }
}

fn start(
    bootinfo: &sel4::BootInfo,
    objects: &mut Objects,
    window: &mut Window,
) -> Result<Supervisor> {
    let own = sel4::init_thread::slot::TCB.cap();
    own.tcb_set_priority(own, PRIORITY)
        .doing("the root task's priority")?;
    let (mut machine, mut facts) = look_around(objects, window)?;
    match devices::draw_entropy(&mut machine, objects, window) {
        Ok(Some(drawn)) => facts.entropy.add_drawn(&drawn),
        Ok(None) => {}
        Err(why) => say!("no random numbers from virtio-rng: {why}"),
    }
    let archive = Archive::open(sel4_root_task::archive()).map_err(Error::Archive)?;
    let plan = Plan::decode(archive.plan().map_err(Error::Archive)?).map_err(Error::Plan)?;
    let node = facts.here.node;
    say!(
        "node {node} of {}: system {}, {} MiB free",
        facts.here.nodes,
        plan.name,
        objects.free_bytes() >> 20
    );

    let undertaker = Undertaker::new(objects, window)?;
    let mut supplies = Supplies {
        objects,
        window,
        machine: &mut machine,
        archive,
        facts: &facts,
    };
    let mut system = system::build(&mut supplies, &plan)?;
    let log = match &system.console {
        Some(console) => Some(log_ring(supplies.objects, supplies.window, console)?),
        None => None,
    };
    let graves = supervisor::dig(supplies.objects, &system, &undertaker)?;
    let image = bootinfo.user_image_frames().range();
    system.tell(&mut supplies, &plan, &undertaker, image)?;
    if inventory::is_wanted(&facts) {
        inventory::report(supplies.objects, &system)?;
    }
    let supervisor = Supervisor::new(system, graves);
    // The root task has the highest priority: nobody runs before it waits for faults.
    supervisor.start()?;
    say!("node {node}: all components started");
    if let Some(ring) = log {
        console::hand_over(ring);
    }
    Ok(supervisor)
}

/// Opens the serial line, and reads what this machine is told.
#[cfg(target_arch = "x86_64")]
fn look_around(_objects: &mut Objects, _window: &mut Window) -> Result<(Machine, Facts)> {
    console::open(devices::open_console()?);
    let ports = sel4::init_thread::slot::IO_PORT_CONTROL.cap();
    let facts = Facts::read(&mut firmware::PortConfig(ports))?;
    Ok((Machine::new(devices::counter_hz()?), facts))
}

/// Opens the serial line, and reads what this machine is told.
#[cfg(target_arch = "aarch64")]
fn look_around(objects: &mut Objects, window: &mut Window) -> Result<(Machine, Facts)> {
    let (port, frame) = devices::open_console(objects, window)?;
    console::open(port);
    let facts = Facts::read(&mut firmware::RegisterConfig::new(objects, window)?)?;
    Ok((Machine::new(devices::counter_hz()?, frame), facts))
}

/// Maps the root task's own log ring.
fn log_ring(
    objects: &mut Objects,
    window: &mut Window,
    console: &ConsoleServer,
) -> Result<console::Ring> {
    let address = window.keep(objects, &console.ring, Access::Write)?;
    let start = NonNull::new(address as *mut u8).expect("the window does not begin at 0");
    // SAFETY: mapped just now, read-write and for good; this program touches it only here.
    let memory = unsafe { SharedMemory::from_raw(start, LOG_BYTES as usize) };
    let memory = memory.expect("pages are aligned");
    Ok(console::Ring {
        producer: Producer::attach(memory.words()).expect("a log ring has room"),
        memory,
        console: console.notification,
    })
}
