//! Makes memory objects, shows them to its partner, and sends the memory server what it should refuse.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;

use isthmus_runtime::abi::{Label, NotExecuted, Outcome, slots as planned};
use isthmus_runtime::interface::{Anything, CallError, Cap, Method, Outgoing, Transport};
use isthmus_runtime::memory::{self, Access, Error, MemoryError, MemoryObject, ObjectCap};
use isthmus_runtime::sel4::{self, MessageInfoBuilder};
use isthmus_runtime::{Kernel, Slot, Startup, slots, startup};
use memory_interface::memory as calls;
use memory_programs::{Checked, PartnerClient, Wrong, expect, report, rest};

isthmus_runtime::entry!(main);

const PAGE: u64 = 4096;
/// Sizes of objects: a page, several pieces, a large page, a large page and small ones.
const SIZES: [u64; 4] = [PAGE, 7 * PAGE, 2 << 20, (2 << 20) + 5 * PAGE];
/// How often each is made and destroyed: the kernel zeroes all of it each time.
const CYCLES: [u32; 4] = [4_000, 2_000, 100, 100];

fn main(_startup: &'static Startup) -> ! {
    report("sharing", sharing());
    report("zeroing", zeroing());
    report("outliving", outliving());
    report("refusals", refusals());
    report("wrong messages", wrong_messages());
    report("cycles", cycles());
    rest()
}

fn partner() -> Checked<PartnerClient<Kernel>> {
    let endpoint = startup().endpoint(PartnerClient::<Kernel>::INTERFACE)?;
    Ok(PartnerClient::new(Kernel, endpoint))
}

/// Two components see each other's writes, in every page.
fn sharing() -> Checked {
    let partner = partner()?;
    for bytes in SIZES {
        let object = MemoryObject::create(bytes)?;
        let mapping = object.map(Access::Write)?;
        let memory = mapping.memory().ok_or(Wrong("read-only".into()))?;
        expect("bytes", (mapping.bytes(), object.size()?), (bytes, bytes))?;
        expect(
            "the partner's",
            partner.take(object.capability(), Access::Write)?,
            bytes,
        )?;
        for offset in (0..bytes).step_by(PAGE as usize) {
            let at = offset as usize + 8;
            memory.write(at, &(offset + 1).to_le_bytes())?;
            expect("the partner's word", partner.read(offset + 8)?, offset + 1)?;
            partner.write(offset + 16, offset + 2)?;
            expect("its answer", mapping.word(offset + 16)?, offset + 2)?;
        }
        partner.let_go()?;
        // Read-only: it sees, and has no way to write.
        partner.take(object.capability(), Access::Read)?;
        expect("the partner's word", partner.read(8)?, 1)?;
        expect("its writing", partner.write(8, 0).is_err(), true)?;
        partner.let_go()?;
    }
    Ok(())
}

/// What was somebody's comes back as zeros.
fn zeroing() -> Checked {
    for bytes in SIZES {
        for round in 0..3 {
            let object = MemoryObject::create(bytes)?;
            let mapping = object.map(Access::Write)?;
            let memory = mapping.memory().ok_or(Wrong("read-only".into()))?;
            for (index, word) in memory.words().iter().enumerate() {
                let found = word.swap(u64::MAX, core::sync::atomic::Ordering::Relaxed);
                if found != 0 {
                    return Err(Wrong(format!(
                        "round {round}: word {index} of {bytes} bytes is {found:#x}"
                    )));
                }
            }
        }
    }
    Ok(())
}

/// Who has mapped an object keeps the mapping when it is destroyed, and nobody can map it any more.
fn outliving() -> Checked {
    let partner = partner()?;
    let before = memory::server()?.statistics()?;
    let object = MemoryObject::create(3 * PAGE)?;
    let left = object.capability();
    partner.take(object.capability(), Access::Write)?;
    partner.write(PAGE, 42)?;
    object.destroy()?;
    expect(
        "objects",
        memory::server()?.statistics()?.objects,
        before.objects + 1,
    )?;
    expect("the partner's word", partner.read(PAGE)?, 42)?;
    partner.write(2 * PAGE, 43)?;
    expect("the partner's word", partner.read(2 * PAGE)?, 43)?;
    let gone = CallError::Outcome(Outcome::NotExecuted(NotExecuted::MissingCapability));
    expect(
        "mapping it",
        memory::map(&left, Access::Read).err(),
        Some(Error::Call(gone)),
    )?;
    partner.let_go()?;
    expect("what there is", memory::server()?.statistics()?, before)
}

fn refused<T: PartialEq + core::fmt::Debug>(
    what: &str,
    found: Result<T, CallError<MemoryError>>,
    error: MemoryError,
) -> Checked {
    expect(what, found.err(), Some(CallError::Interface(error)))
}

fn not_executed<T: PartialEq + core::fmt::Debug>(
    what: &str,
    found: Result<T, CallError<MemoryError>>,
    reason: NotExecuted,
) -> Checked {
    expect(what, found.err(), Some(CallError::Outcome(reason.into())))
}

/// What the memory server refuses, it refuses by name.
fn refusals() -> Checked {
    let server = memory::server()?;
    let before = server.statistics()?;
    let object = MemoryObject::create(1)?;
    let mapping = object.map(Access::Write)?;
    refused("no byte", server.create(0), MemoryError::BadSize)?;
    refused(
        "too many bytes",
        server.create(u64::MAX),
        MemoryError::BadSize,
    )?;
    refused(
        "more than the quota",
        server.create(32 << 20),
        MemoryError::QuotaExceeded,
    )?;
    let again = server.map(object.capability(), Access::Read);
    refused("mapping twice", again, MemoryError::AlreadyMapped)?;
    let wild = server.unmap(mapping.address() + PAGE);
    refused("unmapping nothing", wild, MemoryError::NotMapped)?;
    // Of the kinds of capabilities that there are: a notification, an endpoint of somebody else, a thread's CNode, memory's own endpoint.
    let others = [
        ("a notification", planned::NOTIFICATION),
        ("another's endpoint", partner()?.endpoint().slot()),
        ("a CNode", planned::CNODE),
        ("the service", server.endpoint().slot()),
    ];
    for (what, slot) in others {
        let shown = ObjectCap::from(slot);
        refused(
            what,
            server.map(&shown, Access::Read),
            MemoryError::NoSuchObject,
        )?;
        refused(what, server.size(&shown), MemoryError::NoSuchObject)?;
        refused(what, server.destroy(&shown), MemoryError::NoSuchObject)?;
    }
    let space = Cap::<Anything>::from(planned::CNODE);
    refused(
        "reserving",
        server.reserve(16).map(|_| ()),
        MemoryError::NotPermitted,
    )?;
    refused(
        "giving back",
        server.give_back(0),
        MemoryError::NotPermitted,
    )?;
    refused(
        "opening",
        server.open(9, 1, space),
        MemoryError::NotPermitted,
    )?;
    refused("closing", server.close(1), MemoryError::NotPermitted)?;
    drop((mapping, object));
    expect("what there is", server.statistics()?, before)
}

/// A call with two capabilities, and the word 0.
fn two(to: Slot, label: Label, capabilities: [Slot; 2]) -> Result<(), CallError<MemoryError>> {
    let info = MessageInfoBuilder::default()
        .label(label.bits())
        .length(1)
        .extra_caps(2)
        .build();
    sel4::with_ipc_buffer_mut(|buffer| {
        for (place, slot) in buffer.caps_or_badges_mut().iter().zip(capabilities) {
            place.set(slot.bits());
        }
    });
    let answer = slots::cap::<sel4::cap_type::Endpoint>(to).call_with_mrs(info, [0]);
    let label = Label::from_bits(answer.info.label());
    Outcome::of_answer(label, answer.msg[0]).map_err(CallError::Outcome)
}

/// Messages that no client makes: each gets an answer, and the server goes on.
fn wrong_messages() -> Checked {
    let server = memory::server()?;
    let before = server.statistics()?;
    let object = MemoryObject::create(1)?;
    let shown = object.capability().slot();
    let nothing = planned::NULL;
    let raw = |label: Label, words: &[u64], capability: Option<Slot>| {
        let mut buffer = [0; isthmus_runtime::abi::limits::MESSAGE_WORDS];
        let request = Outgoing {
            label,
            words,
            capability,
        };
        let answer = Kernel.call(server.endpoint().slot(), request, &mut buffer);
        let word = answer.words.first().copied().unwrap_or(0);
        let outcome = Outcome::of_answer(answer.label, word);
        outcome.map_err(CallError::<MemoryError>::Outcome)
    };
    let other = Label::from_bits(calls::map::LABEL.bits() ^ 1);
    not_executed(
        "another version",
        raw(other, &[0], Some(shown)),
        NotExecuted::VersionMismatch,
    )?;
    let none = Label::from_bits(isthmus_runtime::abi::label::METHOD_FIRST | 0xff << 40);
    not_executed(
        "no method",
        raw(none, &[], None),
        NotExecuted::UnknownMethod,
    )?;
    let map = calls::map::LABEL;
    not_executed(
        "too short",
        raw(map, &[], Some(shown)),
        NotExecuted::BadArguments,
    )?;
    not_executed(
        "too long",
        raw(map, &[0; 120], Some(shown)),
        NotExecuted::BadArguments,
    )?;
    not_executed(
        "no such access",
        raw(map, &[2], Some(shown)),
        NotExecuted::BadArguments,
    )?;
    not_executed(
        "no capability",
        raw(map, &[0], None),
        NotExecuted::MissingCapability,
    )?;
    not_executed(
        "an empty slot",
        raw(map, &[0], Some(nothing)),
        NotExecuted::MissingCapability,
    )?;
    let create = calls::create::LABEL;
    for slot in [shown, planned::NOTIFICATION] {
        let answer = raw(create, &[1], Some(slot));
        not_executed(
            "a capability too many",
            answer,
            NotExecuted::UnexpectedCapability,
        )?;
    }
    for slots in [
        [shown, shown],
        [shown, planned::NOTIFICATION],
        [planned::NOTIFICATION, shown],
    ] {
        not_executed(
            "two capabilities",
            two(server.endpoint().slot(), map, slots),
            NotExecuted::UnexpectedCapability,
        )?;
        // Both kinds still arrive.
        expect("its size", server.size(object.capability())?, PAGE)?;
        let other = ObjectCap::from(planned::NOTIFICATION);
        refused(
            "another kind",
            server.size(other),
            MemoryError::NoSuchObject,
        )?;
    }
    // An object's capability is good for being shown, and for nothing else.
    let direct = memory_interface::MemoryClient::new(Kernel, shown).statistics();
    not_executed("a call on an object", direct, NotExecuted::NotAnEndpoint)?;
    drop(object);
    expect("what there is", server.statistics()?, before)
}

/// Everything comes back.
fn cycles() -> Checked {
    let server = memory::server()?;
    let before = (server.statistics()?, memory::usage()?);
    for (bytes, cycles) in SIZES.into_iter().zip(CYCLES) {
        for _ in 0..cycles {
            let object = MemoryObject::create(bytes)?;
            let mapping = object.map(Access::Write)?;
            drop(mapping);
            object.destroy()?;
        }
    }
    expect(
        "what there is",
        (server.statistics()?, memory::usage()?),
        before,
    )?;
    Ok(())
}
