//! The supervisor: waits for faults, says what happened, and buries the dead. It calls nobody and never stops. `docs/death.md` has the states.

use alloc::vec::Vec;

use isthmus_abi::{ComponentId, Ending};
use sel4::{Fault, cap};

use crate::error::Result;
use crate::objects::{Objects, place};
use crate::system::System;
use crate::{console, say};
use builder::body::of_fault_badge;
use builder::undertaker::answer_saved;
use builder::{Body, Grave, Supply, Undertaker};

/// A component in the supervisor's care.
struct Ward {
    body: Body,
    grave: Grave,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Dead,
}

/// What the dead will need, made while everybody lives.
pub struct Graves {
    graves: Vec<Grave>,
    scratch: sel4::CPtr,
}

/// Digs a grave for each component.
pub fn dig(objects: &mut Objects, system: &System, undertaker: &Undertaker) -> Result<Graves> {
    let mut graves = Vec::new();
    for body in &system.bodies {
        graves.push(undertaker.grave(objects, &body.lasting)?);
    }
    Ok(Graves {
        graves,
        scratch: objects.slot()?,
    })
}

/// The supervisor.
pub struct Supervisor {
    faults: cap::Endpoint,
    wards: Vec<Ward>,
    console: Option<ComponentId>,
    /// Where a saved reply lies while it is answered.
    scratch: sel4::CPtr,
}

impl Supervisor {
    /// Takes the components into its care, before they run.
    pub fn new(system: System, graves: Graves) -> Self {
        let wards = system.bodies.into_iter().zip(graves.graves);
        let wards = wards.map(|(body, grave)| Ward {
            body,
            grave,
            state: State::Running,
        });
        Self {
            faults: system.faults,
            wards: wards.collect(),
            console: system.console.map(|console| console.id),
            scratch: graves.scratch,
        }
    }

    /// Lets every component run.
    pub fn start(&self) -> Result<()> {
        Ok(self.wards.iter().try_for_each(|ward| ward.body.start())?)
    }

    /// Waits for faults, for ever.
    pub fn run(mut self) -> ! {
        loop {
            let (info, badge) = self.faults.recv(());
            let fault = sel4::with_ipc_buffer(|buffer| Fault::new(buffer, &info));
            let (id, thread) = of_fault_badge(badge);
            self.fault(id, thread, &fault);
        }
    }

    fn fault(&mut self, id: ComponentId, thread: usize, fault: &Fault) {
        let Some(ward) = self.wards.iter_mut().find(|ward| ward.body.id() == id) else {
            return;
        };
        if ward.state == State::Dead {
            return;
        }
        ward.state = State::Dead;
        if self.console == Some(id) {
            console::take_back();
        }
        let name = ward.body.name();
        match (ending(fault), fault) {
            (Some(ending), _) => {
                say!("component {name} died in thread {thread}: {ending}");
            }
            (None, Fault::VmFault(page)) if ward.body.is_below_stack(thread, page.addr()) => {
                say!("component {name} died in thread {thread}: its stack is full; {fault}");
            }
            (None, _) => say!("component {name} died in thread {thread}: {fault}"),
        }
        match bury(ward, self.scratch) {
            Ok(0) => {}
            Ok(saved) => say!(
                "component {name}: {saved} saved replies answered",
                name = ward.body.name()
            ),
            Err(error) => say!("component {}: {error}", ward.body.name()),
        }
    }
}

fn ending(fault: &Fault) -> Option<Ending> {
    match fault {
        Fault::UnknownSyscall(fault) => Ending::from_system_call(fault.syscall(), fault.argument()),
        _ => None,
    }
}

/// Steps 2 to 5 of `docs/death.md`; answers how many saved replies were answered.
fn bury(ward: &Ward, scratch: sel4::CPtr) -> Result<usize> {
    let body = &ward.body;
    for thread in &body.threads {
        // Suspending a thread of ours does not fail.
        let _ = thread.tcb.tcb_suspend();
    }
    let _ = body.threads[0].tcb.tcb_unbind_notification();
    let saved = answer_saved(body, place(scratch));
    for thread in &body.threads {
        ward.grave.bury(thread.tcb)?;
    }
    Ok(saved)
}
