//! The memory server: owns all memory that the machine has left, and makes of it what it is asked for.
//!
//! It calls nobody, waits for nobody but in its one receive, and allocates nothing after its start. Every decision is `memory-logic`'s; this
//! shell knows who calls, and does in the kernel what was decided. The promises are in `docs/memory.md`.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod kernel;

use isthmus_runtime::abi::memory::HandOver;
use isthmus_runtime::abi::{ComponentId, ObjectId};
use isthmus_runtime::interface::{Anything, Caller, Cap};
use isthmus_runtime::{EndpointBadge, Service, Startup, calls, heap, say, slots};
use memory_interface::{
    Access, Mapped, Memory, MemoryError, MemoryObject, Statistics, Usage, memory,
};

use crate::kernel::SeL4;

isthmus_runtime::entry!(main);

struct Server {
    memory: memory_logic::Memory<SeL4>,
    /// Whom the memory of processes is lent to.
    scheduler: Option<ComponentId>,
}

fn main(startup: &'static Startup) -> ! {
    let Some(service) = Service::get() else {
        say!("the system description gives me nothing to serve: add `serves = [\"memory\"]`");
        isthmus_runtime::exit(isthmus_runtime::ExitCode::FAILURE)
    };
    let Some(handed_over) = &startup.hand_over else {
        say!("the root task has handed over no memory");
        isthmus_runtime::exit(isthmus_runtime::ExitCode::FAILURE)
    };
    let mut server = Server::new(handed_over);
    let seen = server.memory.statistics();
    defmt::info!(
        "{=u64} MiB in {=usize} pieces, {=u64} accounts",
        seen.total_bytes >> 20,
        handed_over.untyped.len(),
        seen.accounts
    );
    calls::run(service, &mut server, memory::dispatch)
}

impl Server {
    fn new(handed_over: &HandOver) -> Self {
        let untyped = handed_over.untyped.iter();
        let untyped = untyped.map(|object| (object.slot, object.size_bits));
        let mut memory = memory_logic::Memory::new(SeL4, untyped, handed_over.empty);
        for account in &handed_over.accounts {
            let opened = memory.open(account.component, account.space, account.quota_bytes);
            if let Err(error) = opened {
                say!("no account for component {}: {error}", account.component.0);
            }
        }
        Self {
            memory,
            scheduler: handed_over.scheduler,
        }
    }

    /// Who calls: the root task, or the scheduler, has put its number into the badge of its capability to this server.
    fn component(caller: Caller) -> Result<ComponentId, MemoryError> {
        match caller.object() {
            ObjectId::SERVICE => Ok(caller.client()),
            _ => Err(MemoryError::NotPermitted),
        }
    }

    fn by_scheduler(&self, caller: Caller) -> Result<(), MemoryError> {
        match Self::component(caller)? {
            component if Some(component) == self.scheduler => Ok(()),
            _ => Err(MemoryError::NotPermitted),
        }
    }
}

/// Which object a capability stands for.
fn shown(object: &Cap<MemoryObject>) -> Result<ObjectId, MemoryError> {
    let badge = object.own_badge().ok_or(MemoryError::NoSuchObject)?;
    Ok(EndpointBadge::from_bits(badge).object)
}

impl Memory for Server {
    fn create(&mut self, caller: Caller, bytes: u64) -> Result<Cap<MemoryObject>, MemoryError> {
        let slot = self.memory.create(Self::component(caller)?, bytes)?;
        Ok(slot.into())
    }

    fn map(
        &mut self,
        caller: Caller,
        object: Cap<MemoryObject>,
        access: Access,
    ) -> Result<Mapped, MemoryError> {
        let asker = Self::component(caller)?;
        self.memory.map(asker, shown(&object)?, access)
    }

    fn unmap(&mut self, caller: Caller, address: u64) -> Result<(), MemoryError> {
        self.memory.unmap(Self::component(caller)?, address)
    }

    fn destroy(&mut self, caller: Caller, object: Cap<MemoryObject>) -> Result<(), MemoryError> {
        let asker = Self::component(caller)?;
        self.memory.destroy(asker, shown(&object)?)
    }

    fn size(&mut self, caller: Caller, object: Cap<MemoryObject>) -> Result<u64, MemoryError> {
        self.memory.size(Self::component(caller)?, shown(&object)?)
    }

    fn statistics(&mut self) -> Result<Statistics, MemoryError> {
        Ok(Statistics {
            allocations: heap::allocations(),
            ..self.memory.statistics()
        })
    }

    fn usage(&mut self, caller: Caller) -> Result<Usage, MemoryError> {
        self.memory.usage(Self::component(caller)?)
    }

    fn reserve(
        &mut self,
        caller: Caller,
        size_bits: u8,
    ) -> Result<(u64, Cap<Anything>), MemoryError> {
        self.by_scheduler(caller)?;
        let reserved = self.memory.reserve(size_bits)?;
        Ok((reserved.number, reserved.slot.into()))
    }

    fn give_back(&mut self, caller: Caller, reservation: u64) -> Result<(), MemoryError> {
        self.by_scheduler(caller)?;
        self.memory.give_back(reservation)
    }

    fn open(
        &mut self,
        caller: Caller,
        component: u8,
        quota_bytes: u64,
        space: Cap<Anything>,
    ) -> Result<(), MemoryError> {
        self.by_scheduler(caller)?;
        if space.own_badge().is_some() {
            return Err(MemoryError::NoSuchObject);
        }
        let slot = space.slot();
        self.memory
            .open(ComponentId(component), slot, quota_bytes)?;
        // Kept until the account is closed.
        let _ = space.into_slot();
        Ok(())
    }

    fn close(&mut self, caller: Caller, component: u8) -> Result<(), MemoryError> {
        self.by_scheduler(caller)?;
        let space = self.memory.close(ComponentId(component))?;
        // One of the root task's is in none of the slots that `free` knows, and stays: components of the base do not end twice.
        slots::free(space);
        Ok(())
    }
}
