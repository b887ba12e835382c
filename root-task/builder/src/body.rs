//! One component: its objects, and the capabilities in its CNode. What the plan says it gets, and nothing else.

use alloc::vec::Vec;
use core::cell::RefCell;

use isthmus_abi::startup::Startup;
use isthmus_abi::{
    ComponentId, EndpointBadge, EventBit, Name, Slot, SlotRange, layout, limits, slots,
};
use isthmus_plan::plan;
use sel4::{
    AbsoluteCPtr, CNodeCapData, CPtr, CapRights, FrameObjectType, ObjectBlueprint, UserContext,
    WORD_SIZE, Word, cap,
};

use crate::error::{Doing, Error, Result};
use crate::inventory::Grant;
use crate::lasting::Lasting;
use crate::program::Program;
use crate::space::{Access, PAGE, Space, Window};
use crate::supply::Supply;

/// A process: the lasting part of a component, and the objects of its mortal part, of which the builder keeps a capability each.
pub struct Body {
    /// What outlives it.
    pub lasting: Lasting,
    /// The priority of its threads.
    pub priority: u8,
    /// The highest priority that its threads may give.
    pub ceiling: u8,
    /// Its address space.
    pub space: Space,
    /// Its threads.
    pub threads: Vec<Thread>,
    /// Where it saves replies.
    pub replies: SlotRange,
    /// Where its next device register goes.
    pub next_device: u64,
    /// The builder's own CNode.
    home: cap::CNode,
    cnode: cap::CNode,
    cnode_bits: usize,
    /// The first slot for the fault handlers' capabilities, one for each thread; behind everything that the component knows of.
    first_fault_slot: Slot,
    /// The frames of its start-up block.
    startup: Vec<cap::Granule>,
    /// What it was given, if somebody wants to know.
    grants: RefCell<Option<Vec<Grant>>>,
}

/// One of a component's threads.
#[derive(Clone, Copy)]
pub struct Thread {
    /// Its TCB.
    pub tcb: cap::Tcb,
    /// Its own notification; that of the main thread is the component's.
    notification: cap::Notification,
    /// Bytes of its stack.
    stack_bytes: u64,
}

/// Rights to call a server: Write and Grant, never Read.
const CALL: fn() -> CapRights = || CapRights::new(false, true, false, true);

impl Body {
    /// Makes the objects of the mortal part. Nothing runs, and nothing has a capability yet.
    ///
    /// # Errors
    /// No memory or slots, or what the kernel refuses.
    pub fn new(
        objects: &mut dyn Supply,
        lasting: Lasting,
        component: &plan::Component,
    ) -> Result<Self> {
        let cnode_bits = cnode_bits(component);
        let cnode = objects
            .make(ObjectBlueprint::CNode {
                size_bits: cnode_bits,
            })?
            .cast();
        let mut threads = Vec::new();
        for (index, planned) in component.threads.iter().enumerate() {
            threads.push(Thread {
                stack_bytes: planned.stack_bytes.into(),
                tcb: objects.make(ObjectBlueprint::Tcb)?.cast(),
                notification: match index {
                    0 => lasting.notification,
                    _ => objects.make(ObjectBlueprint::Notification)?.cast(),
                },
            });
        }
        Ok(Self {
            lasting,
            priority: component.priority,
            ceiling: match component.owns_processes() {
                true => limits::PRIORITY,
                false => component.priority,
            },
            space: Space::new(objects)?,
            threads,
            replies: component.replies,
            next_device: layout::DEVICES,
            home: objects.cnode(),
            cnode,
            cnode_bits,
            first_fault_slot: component.slots_end(),
            startup: Vec::new(),
            grants: RefCell::new(None),
        })
    }

    /// Its number.
    #[must_use]
    pub const fn id(&self) -> ComponentId {
        self.lasting.id
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &Name {
        &self.lasting.name
    }

    /// A slot of its CNode.
    #[must_use]
    pub fn at(&self, slot: Slot) -> AbsoluteCPtr {
        self.cnode
            .absolute_cptr_from_bits_with_depth(slot.bits(), self.cnode_bits)
    }

    /// Its CNode.
    #[must_use]
    pub const fn cnode(&self) -> cap::CNode {
        self.cnode
    }

    /// How many slots its CNode has.
    #[must_use]
    pub const fn slots(&self) -> u32 {
        1 << self.cnode_bits
    }

    /// From now on remembers what it is given: [`inventory`](crate::inventory).
    pub fn record(&self) {
        self.grants.replace(Some(Vec::new()));
    }

    /// What was put into a slot last, if that was recorded.
    #[must_use]
    pub fn granted(&self, slot: Slot) -> Option<Grant> {
        let grants = self.grants.borrow();
        grants
            .as_ref()?
            .iter()
            .rev()
            .find(|g| g.slot == slot)
            .copied()
    }

    fn note(&self, slot: Slot, rights: CapRights, badge: Word) {
        if let Some(grants) = &mut *self.grants.borrow_mut() {
            grants.push(Grant {
                slot,
                rights,
                badge,
            });
        }
    }

    /// Gives it a copy of a capability of the builder's.
    pub fn copy(&self, to: Slot, from: CPtr, rights: CapRights) -> Result<()> {
        self.note(to, rights, 0);
        self.at(to)
            .copy(&self.home.absolute_cptr(from), rights)
            .doing("a copy for a component")
    }

    /// Moves a capability of the builder's to it.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub fn receive(&self, to: Slot, from: &AbsoluteCPtr) -> Result<()> {
        self.note(to, CapRights::all(), 0);
        self.at(to)
            .move_(from)
            .doing("the handing over of a capability")
    }

    /// Gives it a badged copy of a capability of the builder's.
    pub fn mint(&self, to: Slot, from: CPtr, rights: CapRights, badge: Word) -> Result<()> {
        self.note(to, rights, badge);
        self.at(to)
            .mint(&self.home.absolute_cptr(from), rights, badge)
            .doing("a badged copy for a component")
    }

    /// Gives it the right to call `server`, badged with its own id.
    pub fn give_endpoint(&self, to: Slot, server: cap::Endpoint) -> Result<()> {
        self.mint(
            to,
            server.cptr(),
            CALL(),
            EndpointBadge::service(self.id()).bits(),
        )
    }

    /// Gives it the right to signal `receiver` with `bit`.
    pub fn give_signal(&self, to: Slot, receiver: &Lasting, bit: EventBit) -> Result<()> {
        self.mint(
            to,
            receiver.notification.cptr(),
            CapRights::write_only(),
            bit.badge(),
        )
    }

    /// Gives it what every component has, and its threads what they need.
    pub fn give_own(&self, component: &plan::Component, faults: cap::Endpoint) -> Result<()> {
        let own = self.cspace_data();
        self.mint(
            slots::CNODE,
            self.cnode.cptr(),
            CapRights::all(),
            own.into_word(),
        )?;
        if let Some(service) = self.lasting.service {
            self.copy(slots::SERVICE, service.cptr(), CapRights::all())?;
        }
        self.copy(
            slots::NOTIFICATION,
            self.lasting.notification.cptr(),
            CapRights::all(),
        )?;
        for (index, (thread, planned)) in self.threads.iter().zip(&component.threads).enumerate() {
            self.mint(
                self.fault_slot(index),
                faults.cptr(),
                CALL(),
                fault_badge(self.id(), index),
            )?;
            if index > 0 {
                self.copy(planned.tcb, thread.tcb.cptr(), CapRights::all())?;
                self.copy(
                    planned.notification,
                    thread.notification.cptr(),
                    CapRights::all(),
                )?;
                self.mint(
                    planned.signal_main,
                    self.lasting.notification.cptr(),
                    CapRights::write_only(),
                    planned.bit.badge(),
                )?;
            }
        }
        Ok(())
    }

    /// Maps fresh, zeroed memory.
    pub fn memory(&mut self, objects: &mut dyn Supply, address: u64, bytes: u64) -> Result<()> {
        let frames = frames(objects, bytes)?;
        self.map(objects, &frames, address, Access::Write)
    }

    /// Maps frames side by side.
    pub fn map(
        &mut self,
        objects: &mut dyn Supply,
        frames: &[cap::Granule],
        address: u64,
        access: Access,
    ) -> Result<()> {
        for (index, &frame) in frames.iter().enumerate() {
            self.space
                .map(objects, frame, address + index as u64 * PAGE, access)?;
        }
        Ok(())
    }

    /// Maps copies of frames that are mapped elsewhere already.
    pub fn share(
        &mut self,
        objects: &mut dyn Supply,
        frames: &[cap::Granule],
        address: u64,
    ) -> Result<()> {
        for (index, frame) in frames.iter().enumerate() {
            let copy = objects.copy(frame.cptr(), CapRights::read_write())?.cast();
            self.space
                .map(objects, copy, address + index as u64 * PAGE, Access::Write)?;
        }
        Ok(())
    }

    /// Maps memory that is physically contiguous; answers its physical address.
    pub fn dma(&mut self, objects: &mut dyn Supply, address: u64, bytes: u64) -> Result<u64> {
        let count = bytes.div_ceil(layout::LARGE_PAGE_BYTES) as usize;
        let made = objects.make_all(FrameObjectType::LargePage.blueprint(), count)?;
        for index in 0..count {
            let at = address + index as u64 * layout::LARGE_PAGE_BYTES;
            self.space
                .map_large(objects, made.nth(index).cast(), at, Access::Write)?;
        }
        Ok(made.address)
    }

    /// Loads the program, and makes the threads ready to run and room for the start-up block.
    ///
    /// # Errors
    /// No memory or slots, a program that does not fit, or what the kernel refuses.
    pub fn load(
        &mut self,
        objects: &mut dyn Supply,
        window: &mut Window,
        program: &Program<'_>,
        component: &plan::Component,
    ) -> Result<()> {
        for (&address, page) in &program.pages {
            let frame = frame(objects)?;
            window.fill(objects, frame, page.offset, page.bytes)?;
            self.space.map(objects, frame, address, page.access)?;
        }
        self.startup = frames(objects, layout::STARTUP_BYTES)?;
        self.space.reserve(objects, layout::STARTUP)?;
        for (index, planned) in component.threads.iter().enumerate() {
            self.load_thread(objects, window, program, component, index, planned)?;
        }
        self.threads[0]
            .tcb
            .tcb_bind_notification(self.lasting.notification)
            .doing("the binding of a notification")
    }

    /// Writes and maps the start-up block: once, after [`load`](Self::load). Takes nothing more from the supply.
    ///
    /// # Errors
    /// [`Error::StartupTooLong`], or what the kernel refuses.
    pub fn tell(
        &mut self,
        objects: &mut dyn Supply,
        window: &mut Window,
        startup: &Startup,
    ) -> Result<()> {
        let encoded = postcard::to_allocvec(startup).map_err(|_| Error::StartupTooLong)?;
        let mut block = Vec::from((encoded.len() as u32).to_le_bytes());
        block.extend(encoded);
        if block.len() as u64 > layout::STARTUP_BYTES {
            return Err(Error::StartupTooLong);
        }
        for (index, &frame) in self.startup.iter().enumerate() {
            let address = index as u64 * PAGE;
            let page = block.chunks(PAGE as usize).nth(index).unwrap_or_default();
            window.fill(objects, frame, 0, page)?;
            self.space
                .map(objects, frame, layout::STARTUP + address, Access::Read)?;
        }
        Ok(())
    }

    /// Maps new frames that hold `bytes`, which are whole pages; answers the first frame.
    fn image(
        &mut self,
        objects: &mut dyn Supply,
        window: &mut Window,
        address: u64,
        bytes: &[u8],
        access: Access,
    ) -> Result<Option<cap::Granule>> {
        let mut first = None;
        for (index, page) in bytes.chunks(PAGE as usize).enumerate() {
            let frame = frame(objects)?;
            window.fill(objects, frame, 0, page)?;
            self.space
                .map(objects, frame, address + index as u64 * PAGE, access)?;
            first = first.or(Some(frame));
        }
        Ok(first)
    }

    fn load_thread(
        &mut self,
        objects: &mut dyn Supply,
        window: &mut Window,
        program: &Program<'_>,
        component: &plan::Component,
        index: usize,
        planned: &plan::Thread,
    ) -> Result<()> {
        let stack = u64::from(planned.stack_bytes);
        let top = layout::stack_top(index);
        self.memory(objects, top - stack, stack)?;

        let address = layout::thread_block(index);
        let bad = |why| Error::BadProgram {
            program: component.program.clone(),
            why,
        };
        let block = program.thread_locals.block(address).map_err(bad)?;
        let frame = self.image(objects, window, address, &block.bytes, Access::Write)?;
        let frame = frame.expect("a thread block has pages");

        let tcb = self.threads[index].tcb;
        let fault_handler = CPtr::from_bits(self.fault_slot(index).bits());
        tcb.tcb_configure(
            fault_handler,
            self.cnode,
            self.cspace_data(),
            self.space.root(),
            address,
            frame,
        )
        .doing("the set-up of a thread")?;
        let priority = Word::from(self.priority);
        // This kernel asks for the builder's own authority, whatever capability is named.
        tcb.tcb_set_sched_params(tcb, self.ceiling.into(), priority)
            .doing("a thread's priority")?;
        let mut registers = UserContext::default();
        *registers.pc_mut() = program.entry;
        *registers.sp_mut() = top;
        *registers.c_param_mut(0) = layout::STARTUP;
        #[cfg(target_arch = "x86_64")]
        {
            *registers.tls_base_mut() = block.thread_pointer;
        }
        tcb.tcb_write_all_registers(false, &mut registers)
            .doing("a thread's registers")
    }

    /// Whether `address` lies in the unmapped page below a thread's stack.
    #[must_use]
    pub fn is_below_stack(&self, thread: usize, address: u64) -> bool {
        self.threads.get(thread).is_some_and(|found| {
            let bottom = layout::stack_top(thread) - found.stack_bytes;
            (bottom - PAGE..bottom).contains(&address)
        })
    }

    /// Lets the main thread run. The others are the program's to start.
    pub fn start(&self) -> Result<()> {
        self.threads[0]
            .tcb
            .tcb_resume()
            .doing("the start of a component")
    }

    fn fault_slot(&self, thread: usize) -> Slot {
        Slot(self.first_fault_slot.0 + thread as u32)
    }

    fn cspace_data(&self) -> CNodeCapData {
        CNodeCapData::new(0, WORD_SIZE - self.cnode_bits)
    }
}

/// The size of a component's CNode: everything that it knows of, and the fault handlers behind.
pub(crate) fn cnode_bits(component: &plan::Component) -> usize {
    let slots = u64::from(component.slots_end().0) + component.threads.len() as u64;
    (slots.next_power_of_two().ilog2() as usize).max(component.cnode_bits.into())
}

/// Bits of a fault badge that name the thread.
const THREAD_BITS: u32 = 8;

/// The badge by which the supervisor knows whose fault it gets. Never 0: component numbers start at 1.
fn fault_badge(id: ComponentId, thread: usize) -> Word {
    Word::from(id.0) << THREAD_BITS | thread as Word
}

/// Whose fault it is.
#[must_use]
pub fn of_fault_badge(badge: Word) -> (ComponentId, usize) {
    (
        ComponentId((badge >> THREAD_BITS) as u8),
        (badge & ((1 << THREAD_BITS) - 1)) as usize,
    )
}

/// New frames for `bytes`.
pub fn frames(objects: &mut dyn Supply, bytes: u64) -> Result<Vec<cap::Granule>> {
    let count = bytes.div_ceil(PAGE) as usize;
    if count == 0 {
        return Ok(Vec::new());
    }
    let made = objects.make_all(FrameObjectType::GRANULE.blueprint(), count)?;
    Ok((0..count).map(|index| made.nth(index).cast()).collect())
}

fn frame(objects: &mut dyn Supply) -> Result<cap::Granule> {
    Ok(objects.make(FrameObjectType::GRANULE.blueprint())?.cast())
}
