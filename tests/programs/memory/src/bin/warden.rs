//! Stands for the scheduler at the memory server: closes the account of a component that has shown an object to another, and reserves memory.
#![no_std]
#![no_main]

use isthmus_runtime::memory::{self, Access, MemoryObject};
use isthmus_runtime::sel4::{ObjectBlueprint, cap};
use isthmus_runtime::{Kernel, Startup, slots};
use memory_programs::{Checked, PartnerClient, expect, report, rest};

isthmus_runtime::entry!(main);

const PAGE: u64 = 4096;
/// log2 of the bytes of each reservation.
const BITS: u8 = 16;
/// How often it reserves.
const CYCLES: u32 = 1_000;

fn main(startup: &'static Startup) -> ! {
    report("closing", closing(startup));
    report("reserving", reserving());
    rest()
}

/// What the maker of an object leaves behind when its account is closed.
fn closing(startup: &Startup) -> Checked {
    let server = memory::server()?;
    let partner = startup.endpoint(PartnerClient::<Kernel>::INTERFACE)?;
    let partner = PartnerClient::new(Kernel, partner);
    let before = server.statistics()?;
    let object = MemoryObject::create(5 * PAGE)?;
    let mapping = object.map(Access::Write)?;
    let other = MemoryObject::create(PAGE)?;
    partner.take(object.capability(), Access::Write)?;
    partner.write(3 * PAGE, 7)?;
    expect("objects", server.statistics()?.objects, before.objects + 2)?;
    // What becomes of what is mapped is nobody's business: this component has ended as far as memory knows.
    core::mem::forget((mapping, object, other));
    server.close(startup.id.0)?;
    let closed = server.statistics()?;
    expect("objects", closed.objects, before.objects + 1)?;
    expect("accounts", closed.accounts, before.accounts - 1)?;
    expect("the partner's word", partner.read(3 * PAGE)?, 7)?;
    expect(
        "making without an account",
        MemoryObject::create(1).is_err(),
        true,
    )?;
    expect("closing twice", server.close(startup.id.0).is_err(), true)?;
    partner.let_go()?;
    let left = server.statistics()?;
    expect("objects", left.objects, before.objects)?;
    expect("free bytes", left.free_bytes, before.free_bytes)?;
    expect("free slots", left.free_slots, before.free_slots)
}

/// What was made of a reservation is gone when it is given back, and its memory is there again.
fn reserving() -> Checked {
    let server = memory::server()?;
    let before = server.statistics()?;
    for _ in 0..CYCLES {
        let (number, untyped) = server.reserve(BITS)?;
        let reserved = server.statistics()?;
        expect(
            "free bytes",
            reserved.free_bytes,
            before.free_bytes - (1 << BITS),
        )?;
        let made =
            slots::allocate().map_err(|_| memory_programs::Wrong("no slot is left".into()))?;
        let from: cap::Untyped = slots::cap(untyped.slot());
        let own = isthmus_runtime::abi::slots::CNODE.bits();
        let own = cap::CNode::from_bits(own).absolute_cptr_for_self();
        from.untyped_retype(
            &ObjectBlueprint::Notification,
            &own,
            made.bits() as usize,
            1,
        )?;
        server.give_back(number)?;
        let copy = slots::absolute(made);
        let gone =
            slots::absolute(untyped.slot()).copy(&copy, isthmus_runtime::sel4::CapRights::all());
        expect("what was made of it", gone.is_err(), true)?;
        slots::free(made);
    }
    expect("giving back twice", server.give_back(0).is_err(), true)?;
    expect("what there is", server.statistics()?, before)
}
