//! What the experiments are made with: slots, objects, capabilities, and the account of what they found.

use alloc::format;
use alloc::string::String;

use sel4::init_thread::slot;
use sel4::{
    AbsoluteCPtr, BootInfoPtr, CPtr, Cap, CapRights, CapType, CapTypeForObjectOfFixedSize, Error,
    FrameObjectType, ObjectBlueprint, TranslationTableObjectType, VmAttributes, Word, cap,
    cap_type, vspace_levels,
};

use crate::console;

/// Why a fact does not hold.
pub type Failure = String;

/// Whether a fact holds.
pub type Outcome = Result<(), Failure>;

/// Says what was being done when the kernel refused.
pub fn failure(doing: &str) -> impl FnOnce(Error) -> Failure {
    move |error| format!("{doing}: {error}")
}

/// Fails the experiment when two values differ.
macro_rules! ensure {
    ($found:expr, $expected:expr, $($what:tt)*) => {{
        let (found, expected) = ($found, $expected);
        if found != expected {
            return Err(::alloc::format!("{}: found {found:x?}, expected {expected:x?}", ::core::format_args!($($what)*)));
        }
    }};
}
pub(crate) use ensure;

/// Priorities: the tests' own, and what runs before and after it.
pub const LOW: Word = 90;
/// The tests' own.
pub const MAIN: Word = 100;
/// Runs at once when it can.
pub const HIGH: Word = 110;

/// log2 of the memory that one fact's objects come from. Small, since the kernel clears it before each fact.
const ARENA_BITS: usize = 18;

/// Makes objects for one fact at a time.
pub struct Tester {
    bootinfo: BootInfoPtr,
    next_slot: usize,
    /// Where facts begin to take slots.
    first_slot: usize,
    arena: cap::Untyped,
}

impl Tester {
    /// Takes the memory, opens the serial line, and comes down from the highest priority.
    pub fn new(bootinfo: &BootInfoPtr) -> Result<Self, Failure> {
        let first_slot = bootinfo.empty().start();
        let mut tester = Tester {
            bootinfo: bootinfo.clone(),
            next_slot: first_slot,
            first_slot,
            arena: cap::Untyped::from_bits(0),
        };
        // What is made before the arena stays: `setup_memory` serves that.
        tester.arena = tester.setup_memory()?;
        console::open(&mut tester)?;
        tester.arena = tester.make_from::<cap_type::Untyped>(
            tester.arena,
            &ObjectBlueprint::Untyped {
                size_bits: ARENA_BITS,
            },
        )?;
        tester.first_slot = tester.next_slot;
        slot::TCB
            .cap()
            .tcb_set_priority(slot::TCB.cap(), MAIN)
            .map_err(failure("set the own priority"))?;
        Ok(tester)
    }

    fn setup_memory(&self) -> Result<cap::Untyped, Failure> {
        let memory = self.bootinfo.untyped_list().iter().enumerate();
        let usable =
            memory.filter(|(_, memory)| !memory.is_device() && memory.size_bits() > ARENA_BITS);
        let (index, _) = usable
            .min_by_key(|(_, memory)| memory.size_bits())
            .ok_or("no memory is large enough")?;
        Ok(self.bootinfo.untyped().index(index).cap())
    }

    /// Destroys everything that a fact made.
    pub fn clean_up(&mut self) -> Outcome {
        crate::threads::forget();
        self.at(self.arena.cptr())
            .revoke()
            .map_err(failure("revoke a fact's memory"))?;
        // Copies of what is not from the arena, and saved replies.
        for index in self.first_slot..self.next_slot {
            self.at(CPtr::from_bits(index as Word))
                .delete()
                .map_err(failure("empty a slot"))?;
        }
        self.next_slot = self.first_slot;
        Ok(())
    }

    /// The boot information.
    pub fn bootinfo(&self) -> &BootInfoPtr {
        &self.bootinfo
    }

    /// The memory of this fact.
    pub fn arena(&self) -> cap::Untyped {
        self.arena
    }

    /// The slot of a capability pointer.
    pub fn at(&self, cptr: CPtr) -> AbsoluteCPtr {
        slot::CNODE.cap().absolute_cptr(cptr)
    }

    /// An empty slot.
    pub fn empty_slot(&mut self) -> CPtr {
        self.next_slot += 1;
        CPtr::from_bits(self.next_slot as Word - 1)
    }

    fn make_from<T: CapType>(
        &mut self,
        memory: cap::Untyped,
        blueprint: &ObjectBlueprint,
    ) -> Result<Cap<T>, Failure> {
        let slot = self.empty_slot();
        let root = slot::CNODE.cap().absolute_cptr_for_self();
        memory
            .untyped_retype(blueprint, &root, slot.bits() as usize, 1)
            .map_err(failure("make an object"))?;
        Ok(slot.cast())
    }

    /// An object.
    pub fn make<T: CapTypeForObjectOfFixedSize>(&mut self) -> Result<Cap<T>, Failure> {
        self.make_from(self.arena, &T::object_blueprint())
    }

    /// An object of a blueprint.
    pub fn make_blueprint<T: CapType>(
        &mut self,
        blueprint: &ObjectBlueprint,
    ) -> Result<Cap<T>, Failure> {
        self.make_from(self.arena, blueprint)
    }

    /// A copy with a badge.
    pub fn mint<T: CapType>(
        &mut self,
        source: Cap<T>,
        rights: CapRights,
        badge: Word,
    ) -> Result<Cap<T>, Failure> {
        let slot = self.empty_slot();
        self.at(slot)
            .mint(&self.at(source.cptr()), rights, badge)
            .map_err(failure("mint"))?;
        Ok(slot.cast())
    }

    /// A copy.
    pub fn copy<T: CapType>(
        &mut self,
        source: Cap<T>,
        rights: CapRights,
    ) -> Result<Cap<T>, Failure> {
        let slot = self.empty_slot();
        self.at(slot)
            .copy(&self.at(source.cptr()), rights)
            .map_err(failure("copy"))?;
        Ok(slot.cast())
    }

    /// What a copy from a slot says: the probe of a saved reply.
    pub fn probe(&mut self, slot: CPtr) -> Result<(), Error> {
        let scratch = self.empty_slot();
        self.at(scratch).copy(&self.at(slot), CapRights::all())
    }

    /// The frame of the image that an address lies in.
    pub fn image_frame(&self, address: usize) -> cap::Granule {
        unsafe extern "C" {
            static __sel4_root_task_image_start: u8;
        }
        let start = (&raw const __sel4_root_task_image_start).addr();
        self.bootinfo
            .user_image_frames()
            .index((address - start) >> FrameObjectType::GRANULE.bits())
            .cap()
    }

    /// A frame at a physical address of a device.
    #[cfg(target_arch = "aarch64")]
    pub fn device_frame(&mut self, paddr: usize) -> Result<cap::Granule, Failure> {
        let list = self.bootinfo.untyped_list();
        let index = list
            .iter()
            .position(|memory| memory.is_device() && memory.paddr() == paddr)
            .ok_or("the kernel lists no such device")?;
        let memory = self.bootinfo.untyped().index(index).cap();
        self.make_from(memory, &FrameObjectType::GRANULE.blueprint())
    }

    /// Maps the tables that a page at an address needs; those that are there stay.
    pub fn map_tables(&mut self, vspace: cap::VSpace, address: usize) -> Outcome {
        for level in 1..vspace_levels::NUM_LEVELS {
            let ty = TranslationTableObjectType::from_level(level).ok_or("a level has no table")?;
            let table: cap::UnspecifiedIntermediateTranslationTable =
                self.make_blueprint(&ty.blueprint())?;
            match table.generic_intermediate_translation_table_map(
                ty,
                vspace,
                address,
                VmAttributes::DEFAULT,
            ) {
                Ok(()) | Err(Error::DeleteFirst) => {}
                Err(error) => return Err(format!("map a table of level {level}: {error}")),
            }
        }
        Ok(())
    }

    /// Lets every thread of lower priority run until it blocks.
    pub fn let_others_run(&self) -> Outcome {
        let own = slot::TCB.cap();
        own.tcb_set_priority(own, 1).map_err(failure("come down"))?;
        own.tcb_set_priority(own, MAIN).map_err(failure("go up"))
    }
}
