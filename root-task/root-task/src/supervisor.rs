//! The supervisor: waits for faults, says what happened, and buries the dead. It calls nobody and never stops. `docs/death.md` has the states.

use alloc::vec::Vec;

use isthmus_abi::{ComponentId, Ending};
use sel4::{Fault, cap};

use crate::component::{Body, of_fault_badge};
use crate::error::Result;
use crate::objects::{Objects, place};
use crate::system::System;
use crate::undertaker::{Grave, Undertaker, owed};
use crate::{console, say};

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

/// The supervisor.
pub struct Supervisor {
    faults: cap::Endpoint,
    wards: Vec<Ward>,
    undertaker: Undertaker,
    console: Option<ComponentId>,
    /// Where a saved reply lies while it is answered.
    scratch: sel4::CPtr,
}

impl Supervisor {
    /// Takes the components into its care, before they run.
    pub fn new(objects: &mut Objects, system: System, undertaker: Undertaker) -> Result<Self> {
        let mut wards = Vec::new();
        for body in system.bodies {
            wards.push(Ward {
                grave: undertaker.grave(objects, &body)?,
                body,
                state: State::Running,
            });
        }
        Ok(Self {
            faults: system.faults,
            wards,
            undertaker,
            console: system.console.map(|console| console.id),
            scratch: objects.slot()?,
        })
    }

    /// Lets every component run.
    pub fn start(&self) -> Result<()> {
        self.wards.iter().try_for_each(|ward| ward.body.start())
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
        let Some(ward) = self.wards.iter_mut().find(|ward| ward.body.id == id) else {
            return;
        };
        if ward.state == State::Dead {
            return;
        }
        ward.state = State::Dead;
        if self.console == Some(id) {
            console::take_back();
        }
        let name = &ward.body.name;
        match (ending(fault), fault) {
            (Some(ending), _) => {
                say!(
                    "component {name} died in thread {thread}: {}",
                    ending.text()
                );
            }
            (None, Fault::VmFault(page)) if ward.body.is_below_stack(thread, page.addr()) => {
                say!("component {name} died in thread {thread}: its stack is full; {fault}");
            }
            (None, _) => say!("component {name} died in thread {thread}: {fault}"),
        }
        match bury(&self.undertaker, ward, self.scratch) {
            Ok(0) => {}
            Ok(saved) => say!(
                "component {name}: {saved} saved replies answered",
                name = ward.body.name
            ),
            Err(error) => say!("component {}: {error}", ward.body.name),
        }
    }
}

fn ending(fault: &Fault) -> Option<Ending> {
    match fault {
        Fault::UnknownSyscall(fault) => Ending::from_system_call(fault.syscall()),
        _ => None,
    }
}

/// Steps 2 to 5 of `docs/death.md`; answers how many saved replies were answered.
fn bury(undertaker: &Undertaker, ward: &Ward, scratch: sel4::CPtr) -> Result<usize> {
    let body = &ward.body;
    for thread in &body.threads {
        // Suspending a thread of ours does not fail.
        let _ = thread.tcb.tcb_suspend();
    }
    let _ = body.threads[0].tcb.tcb_unbind_notification();
    let saved = answer_saved(body, scratch);
    for thread in &body.threads {
        undertaker.bury(thread.tcb, ward.grave)?;
    }
    Ok(saved)
}

fn answer_saved(body: &Body, scratch: sel4::CPtr) -> usize {
    let (info, word) = owed();
    let mut answered = 0;
    for slot in body.replies.iter() {
        if place(scratch).move_(&body.at(slot)).is_err() {
            continue; // an empty slot: the caller was answered, or died
        }
        // Without waiting, for what lies there may be no reply: then the label does nothing.
        scratch
            .cast::<sel4::cap_type::Endpoint>()
            .nb_send_with_mrs(info, [word]);
        let _ = place(scratch).delete();
        answered += 1;
    }
    answered
}
