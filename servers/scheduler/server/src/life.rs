//! How a process is made, and undone: the sequences of `docs/processes.md`.

use alloc::vec::Vec;
use core::fmt;

use builder::inventory;
use builder::undertaker::{answer_saved, stand};
use builder::{Access, BadElf, Body, Doing, Error, Grave, Need, Program, Window};
use isthmus_abi::startup::{Machine, SEED_BYTES, Seed};
use isthmus_abi::{ComponentId, layout, limits};
use isthmus_plan::plan::{Component, Plan};
use isthmus_plan::{Archive, Here};
use isthmus_runtime::interface::{Anything, CallError, Cap};
use isthmus_runtime::sel4::{AbsoluteCPtr, CPtr, Word, cap};
use isthmus_runtime::{Kernel, Slot, Startup, say, slots};
use memory_interface::{MemoryClient, MemoryError};
use scheduler_interface::{Arguments, SchedulerError};
use scheduler_logic::limits::LOWERED_PRIORITY;
use scheduler_logic::{Runs, Share, Standing};
use sha2::{Digest, Sha256};

use crate::parts::{Part, find};
use crate::reservation::Reservation;

/// The program of a process.
pub enum Source {
    /// The archive's, by the name in the plan.
    Archive,
    /// What came in a memory object.
    Copy(Vec<u8>),
}

/// A process.
pub struct Process {
    /// Its objects.
    pub body: Body,
    reservation: Reservation,
    /// Whether it has an account with the memory server.
    has_account: bool,
    /// Its share of the processor, if it is limited.
    share: Option<Share>,
    standing: Standing,
}

impl Process {
    /// Whether its share of the processor is limited.
    pub const fn is_limited(&self) -> bool {
        self.share.is_some()
    }

    /// The processor time that its threads have had, in ticks of the counter.
    pub fn cpu_time(&self) -> builder::Result<u64> {
        let mut ticks = 0u64;
        for thread in &self.body.threads {
            ticks += thread.tcb.tcb_cpu_time().doing("a reading of the time")?;
        }
        Ok(ticks)
    }

    /// A period of `period` ticks is over: lowers its priority, or gives it back.
    pub fn period(&mut self, period: u64) -> builder::Result<()> {
        if self.share.is_none() {
            return Ok(());
        }
        let reading = self.cpu_time()?;
        let standing = match &mut self.share {
            Some(share) => share.period(reading, period),
            None => Standing::Own,
        };
        if standing != self.standing {
            self.standing = standing;
            self.apply_priority()?;
        }
        Ok(())
    }

    /// The priority that its threads are to have now.
    pub const fn priority(&self) -> u8 {
        match self.standing {
            Standing::Own => self.body.priority,
            Standing::Lowered => LOWERED_PRIORITY,
        }
    }

    /// Gives its threads their priority.
    pub fn apply_priority(&self) -> builder::Result<()> {
        let priority = self.priority();
        self.body.threads.iter().try_for_each(|thread| {
            let tcb = thread.tcb;
            // What it may give itself goes down with it, or its own threads would undo this.
            tcb.tcb_set_sched_params(tcb, Word::from(priority), Word::from(priority))
                .doing("a priority")
        })
    }
}

/// Everything that processes are made with.
pub struct Workshop {
    /// What lasts.
    pub parts: Vec<Part>,
    /// Slots.
    pub runs: Runs,
    window: Window,
    grave: Grave,
    /// Where a saved reply lies while it is answered.
    scratch: AbsoluteCPtr,
    asid_pool: cap::AsidPool,
    /// Where faults arrive.
    faults: cap::Endpoint,
    memory: Slot,
    startup: &'static Startup,
}

/// What a workshop begins with.
pub struct Tools {
    /// What lasts.
    pub parts: Vec<Part>,
    /// Slots.
    pub runs: Runs,
    /// To fill frames.
    pub window: Window,
    /// For the dead.
    pub grave: Grave,
    /// An empty slot.
    pub scratch: Slot,
    /// For address spaces.
    pub asid_pool: Slot,
    /// Where faults arrive.
    pub faults: cap::Endpoint,
    /// The memory server.
    pub memory: Slot,
}

/// Why a process could not be made.
pub enum Failed {
    /// No such program, or a bad one.
    Program(&'static str),
    /// Its ELF.
    Elf(BadElf),
    /// No memory, no slots, or the kernel.
    Build(Error),
    /// The memory server.
    Memory(CallError<MemoryError>),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program(why) => f.write_str(why),
            Self::Elf(why) => why.fmt(f),
            Self::Build(why) => why.fmt(f),
            Self::Memory(why) => why.fmt(f),
        }
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Build(error)
    }
}

impl From<CallError<MemoryError>> for Failed {
    fn from(error: CallError<MemoryError>) -> Self {
        Self::Memory(error)
    }
}

impl Failed {
    /// What the caller of `start` is told.
    pub fn code(&self) -> SchedulerError {
        match self {
            Self::Program(_) | Self::Elf(_) | Self::Build(Error::BadProgram { .. }) => {
                SchedulerError::BadProgram
            }
            Self::Build(Error::OutOfMemory { .. } | Error::OutOfSlots)
            | Self::Memory(CallError::Interface(MemoryError::OutOfMemory | MemoryError::TooMany)) => {
                SchedulerError::OutOfMemory
            }
            Self::Build(_) | Self::Memory(_) => SchedulerError::Refused,
        }
    }
}

/// What is to be started.
pub struct Order<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The archive.
    pub archive: &'a Archive<'static>,
    /// The component.
    pub id: ComponentId,
    /// Its program.
    pub source: &'a Source,
    /// Its arguments, if they are not the description's.
    pub arguments: Option<&'a Arguments>,
    /// Which of its starts this is.
    pub start: u32,
}

impl Order<'_> {
    fn program(&self, component: &Component) -> Result<&[u8], Failed> {
        match self.source {
            Source::Copy(bytes) => Ok(bytes),
            Source::Archive => {
                let entry = self.archive.program(component.program.as_str());
                let entry = entry.ok_or(Failed::Program("the archive does not have it"))?;
                Ok(entry.bytes)
            }
        }
    }
}

impl Workshop {
    /// Sets it up.
    pub fn new(tools: Tools, startup: &'static Startup) -> Self {
        Self {
            parts: tools.parts,
            runs: tools.runs,
            window: tools.window,
            grave: tools.grave,
            scratch: slots::absolute(tools.scratch),
            asid_pool: slots::cap(tools.asid_pool),
            faults: tools.faults,
            memory: tools.memory,
            startup,
        }
    }

    const fn here(&self) -> Here {
        Here {
            node: self.startup.machine.node,
            nodes: self.startup.machine.nodes,
        }
    }

    fn memory(&self) -> MemoryClient<Kernel> {
        MemoryClient::new(Kernel, self.memory)
    }

    /// Makes a process and lets it run. What was made of one that fails on the way is undone.
    pub fn start(&mut self, order: &Order<'_>) -> Result<Process, Failed> {
        let unknown = Failed::Program("the plan has no such component");
        let component = order.plan.component(order.id).ok_or(unknown)?;
        let program = Program::read(order.program(component)?).map_err(Failed::Elf)?;
        let part = find(&self.parts, order.id).ok_or(Failed::Program("nothing lasts of it"))?;
        let channels = part.channels.iter().map(|(c, _)| (c.address, c.bytes));
        let need = Need::of(component, &program, channels);
        let mut reservation = self.reserve(need)?;
        let made = self.make(order, component, &program, &mut reservation);
        match made {
            Ok(body) => {
                let has_account = component.memory_bytes > 0;
                let process = Process {
                    body,
                    reservation,
                    has_account,
                    share: component
                        .cpu
                        .is_limited()
                        .then(|| Share::new(component.cpu.percent(), 0)),
                    standing: Standing::Own,
                };
                match self.release(&process, component) {
                    Ok(()) => Ok(process),
                    Err(error) => {
                        self.end(process);
                        Err(error)
                    }
                }
            }
            Err(error) => {
                self.let_go(order.id, reservation);
                Err(error)
            }
        }
    }

    fn reserve(&mut self, need: Need) -> Result<Reservation, Failed> {
        let slots = u32::try_from(need.slots).map_err(|_| Error::OutOfSlots)?;
        let run = self.runs.take(slots).ok_or(Error::OutOfSlots)?;
        let bits = need.bytes.next_power_of_two().ilog2() as u8;
        match self.memory().reserve(bits) {
            Ok((number, untyped)) => Ok(Reservation::new(
                number,
                untyped.into_slot(),
                bits,
                run,
                self.asid_pool,
            )),
            Err(error) => {
                self.runs.give(run);
                Err(error.into())
            }
        }
    }

    fn make(
        &mut self,
        order: &Order<'_>,
        component: &Component,
        program: &Program<'_>,
        reservation: &mut Reservation,
    ) -> Result<Body, Failed> {
        let here = self.here();
        let part = find(&self.parts, order.id).ok_or(Failed::Program("nothing lasts of it"))?;
        let mut body = Body::new(reservation, part.lasting.clone(), component)?;
        let is_inventory = self.startup.machine.argument("caps") == Some("1");
        if is_inventory {
            body.record();
        }
        body.give_own(component, self.faults)?;
        for used in &component.uses {
            let server = order.plan.provider(used, here).map(|(id, _)| id);
            let server = server.and_then(|id| find(&self.parts, id));
            if let Some(service) = server.and_then(|part| part.lasting.service) {
                body.give_endpoint(used.slot, service)?;
            }
        }
        for signal in &component.signals {
            if let Some(receiver) = find(&self.parts, signal.to) {
                body.give_signal(signal.slot, &receiver.lasting, signal.bit)?;
            }
        }
        body.map(reservation, &part.lasting.logs, layout::LOGS, Access::Write)?;
        for (channel, frames) in &part.channels {
            body.map(reservation, frames, channel.address, Access::Write)?;
        }
        if component.heap_bytes > 0 {
            body.memory(reservation, layout::HEAP, component.heap_bytes)?;
        }
        let machine = Machine {
            seed: self.seed(component, order.start),
            ..self.startup.machine.clone()
        };
        let startup = order.plan.startup(order.id, here, machine);
        let mut startup = startup.map_err(Error::Startup)?;
        if component.has_keys() {
            startup.keys = self.startup.keys.clone();
        }
        if let Some(arguments) = order.arguments {
            startup.arguments = arguments.clone();
        }
        // What was signalled to the one before is not for this one; once it is bound nobody else may look.
        let _ = body.lasting.notification.poll();
        body.load(reservation, &mut self.window, program, component)?;
        body.tell(reservation, &mut self.window, &startup)?;
        if is_inventory {
            self.take_inventory(&body, reservation)?;
        }
        Ok(body)
    }

    /// Says what a component has, as the root task does of those that it makes: `isthmus caps` asked for it.
    fn take_inventory(&self, body: &Body, reservation: &Reservation) -> Result<(), Failed> {
        let slot = slots::allocate().map_err(|_| Error::OutOfSlots)?;
        let tools = inventory::Tools {
            scratch: CPtr::from_bits(slot.bits()),
            endpoint: self.faults.cptr(),
        };
        let taken = inventory::take(body, reservation, tools, &mut |line| {
            if !inventory::say_by_kernel(line) {
                say!("{line}");
            }
        });
        slots::free(slot);
        Ok(taken?)
    }

    /// A seed of its own for each start of each component.
    fn seed(&self, component: &Component, start: u32) -> Seed {
        let mut hash = Sha256::new();
        hash.update(self.startup.machine.seed.0);
        hash.update(component.name.as_str());
        hash.update(start.to_le_bytes());
        let digest = hash.finalize();
        let mut seed = [0; SEED_BYTES];
        seed.copy_from_slice(&digest[..SEED_BYTES]);
        Seed(seed)
    }

    /// The last steps, after which it runs.
    fn release(&self, process: &Process, component: &Component) -> Result<(), Failed> {
        let body = &process.body;
        if process.has_account {
            let space: Cap<Anything> = Slot(body.space.root().bits() as u32).into();
            self.memory()
                .open(body.id().0, component.memory_bytes, space)?;
        }
        if let Some(deputy) = find(&self.parts, body.id()).and_then(|part| part.deputy) {
            deputy.tcb_suspend().doing("the end of a deputy's watch")?;
        }
        body.start()?;
        Ok(())
    }

    /// Lets the deputy stand at a component's endpoint.
    pub fn stand_in(&self, id: ComponentId) {
        if let Some(deputy) = find(&self.parts, id).and_then(|part| part.deputy)
            && let Err(error) = stand(deputy)
        {
            say!("component {}: no deputy: {error}", id.0);
        }
    }

    /// Ends a process: nobody waits for it afterwards, and nothing is left of it. Answers how many saved replies were answered.
    pub fn end(&mut self, process: Process) -> usize {
        let body = &process.body;
        for thread in &body.threads {
            // Suspending a thread of ours does not fail. None of them is ever resumed where it was: it would make its call again.
            let _ = thread.tcb.tcb_suspend();
        }
        let _ = body.threads[0].tcb.tcb_unbind_notification();
        let saved = answer_saved(body, self.scratch);
        let above = Word::from(limits::UNDERTAKER_PRIORITY);
        for thread in &body.threads {
            let tcb = thread.tcb;
            // It runs at once, for its priority is above ours, and is back when it has answered whom it owed.
            let buried = tcb
                .tcb_set_sched_params(tcb, above, above)
                .doing("an undertaker's priority")
                .and_then(|()| self.grave.bury(tcb));
            if let Err(error) = buried {
                say!("component {}: {error}", body.name());
            }
        }
        let id = body.id();
        self.stand_in(id);
        if process.has_account
            && let Err(error) = self.memory().close(id.0)
        {
            say!("component {}: its account: {error}", body.name());
        }
        self.let_go(id, process.reservation);
        saved
    }

    /// Takes back what a process was made of.
    fn let_go(&mut self, id: ComponentId, reservation: Reservation) {
        if let Some(part) = find(&self.parts, id) {
            for frame in part.frames() {
                // One that was never mapped is as good.
                let _ = frame.frame_unmap();
            }
        }
        let untyped = slots::absolute(reservation.untyped);
        if let Err(error) = untyped.revoke() {
            say!("component {}: its memory is not revoked: {error}", id.0);
        }
        slots::free(reservation.untyped);
        if let Err(error) = self.memory().give_back(reservation.number) {
            say!("component {}: its memory is not taken back: {error}", id.0);
        }
        self.runs.give(reservation.slots);
    }
}
