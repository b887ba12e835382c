//! The kernel's operations on slots of this component's own CNode.

use core::fmt::Debug;

use isthmus_runtime::abi::{ComponentId, EndpointBadge, ObjectId, slots as planned};
use isthmus_runtime::sel4::{
    self, CapRights, FrameObjectType, ObjectBlueprint, TranslationTableObjectType, VmAttributes,
    cap,
};
use isthmus_runtime::{Slot, slots};
use memory_interface::Access;
use memory_logic::{FrameSize, Kernel, Level, Refused};

/// The real kernel.
#[derive(Debug)]
pub struct SeL4;

/// What it refuses should not have been asked: so the log says it.
fn wrap(what: &str, result: sel4::Result<()>) -> Result<(), Refused> {
    result.map_err(|error| {
        log(what, &error);
        Refused
    })
}

fn log(what: &str, error: &dyn Debug) {
    defmt::error!(
        "the kernel refuses {=str}: {}",
        what,
        defmt::Debug2Format(error)
    );
}

fn retype(
    untyped: Slot,
    blueprint: ObjectBlueprint,
    first: Slot,
    count: usize,
) -> Result<(), Refused> {
    let untyped: cap::Untyped = slots::cap(untyped);
    let cnode = cap::CNode::from_bits(planned::CNODE.bits()).absolute_cptr_for_self();
    let first = first.bits() as usize;
    wrap(
        "new objects",
        untyped.untyped_retype(&blueprint, &cnode, first, count),
    )
}

const fn frame_type(size: FrameSize) -> FrameObjectType {
    match size {
        FrameSize::Page => FrameObjectType::GRANULE,
        FrameSize::Large => FrameObjectType::LargePage,
    }
}

const fn table_type(level: Level) -> TranslationTableObjectType {
    match TranslationTableObjectType::from_level(level as usize) {
        Some(table) => table,
        None => panic!("both architectures have three levels below the root"),
    }
}

const _: () = {
    assert!(table_type(Level::Upper).blueprint().physical_size_bits() == 12);
    assert!(
        table_type(Level::Directory)
            .blueprint()
            .physical_size_bits()
            == 12
    );
    assert!(table_type(Level::Table).blueprint().physical_size_bits() == 12);
    assert!(frame_type(FrameSize::Page).bits() == FrameSize::Page.bits() as usize);
    assert!(frame_type(FrameSize::Large).bits() == FrameSize::Large.bits() as usize);
};

impl Kernel for SeL4 {
    fn split(&mut self, untyped: Slot, size_bits: u8, halves: Slot) -> Result<(), Refused> {
        let half = ObjectBlueprint::Untyped {
            size_bits: usize::from(size_bits) - 1,
        };
        retype(untyped, half, halves, 2)
    }

    fn make_frames(
        &mut self,
        untyped: Slot,
        size: FrameSize,
        first: Slot,
        count: u32,
    ) -> Result<(), Refused> {
        retype(untyped, frame_type(size).blueprint(), first, count as usize)
    }

    fn make_table(&mut self, untyped: Slot, level: Level, to: Slot) -> Result<(), Refused> {
        retype(untyped, table_type(level).blueprint(), to, 1)
    }

    fn map_table(
        &mut self,
        table: Slot,
        level: Level,
        space: Slot,
        address: u64,
    ) -> Result<(), Refused> {
        let table: cap::UnspecifiedIntermediateTranslationTable = slots::cap(table);
        let mapped = table.generic_intermediate_translation_table_map(
            table_type(level),
            slots::cap(space),
            address as usize,
            VmAttributes::default(),
        );
        wrap("a translation table's mapping", mapped)
    }

    fn copy_frame(&mut self, from: Slot, to: Slot) -> Result<(), Refused> {
        let copied = slots::absolute(to).copy(&slots::absolute(from), CapRights::read_write());
        wrap("a frame's copy", copied)
    }

    fn map_frame(
        &mut self,
        frame: Slot,
        _size: FrameSize,
        space: Slot,
        address: u64,
        access: Access,
    ) -> Result<(), Refused> {
        let frame: cap::UnspecifiedPage = slots::cap(frame);
        let rights = match access {
            Access::Read => CapRights::read_only(),
            Access::Write => CapRights::read_write(),
        };
        let attributes = VmAttributes::DEFAULT | VmAttributes::EXECUTE_NEVER;
        let mapped = frame.frame_map(slots::cap(space), address as usize, rights, attributes);
        wrap("a frame's mapping", mapped)
    }

    fn unmap_frame(&mut self, frame: Slot) {
        let frame: cap::UnspecifiedPage = slots::cap(frame);
        match frame.frame_unmap() {
            // Where copying was refused there is none.
            Ok(()) | Err(sel4::Error::InvalidCapability) => {}
            Err(error) => log("to unmap", &error),
        }
    }

    /// Without any right: it is good for nothing but being shown to this server, which needs none.
    fn mint(&mut self, object: ObjectId, to: Slot) -> Result<(), Refused> {
        let badge = EndpointBadge {
            client: ComponentId::ROOT_TASK,
            object,
        };
        let service = slots::absolute(planned::SERVICE);
        let minted = slots::absolute(to).mint(&service, CapRights::none(), badge.bits());
        wrap("an object's capability", minted)
    }

    fn revoke(&mut self, slot: Slot) {
        if let Err(error) = slots::absolute(slot).revoke() {
            log("to revoke", &error);
        }
    }

    fn delete(&mut self, slot: Slot) {
        if let Err(error) = slots::absolute(slot).delete() {
            log("to delete", &error);
        }
    }
}
