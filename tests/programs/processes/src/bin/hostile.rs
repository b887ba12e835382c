//! A component that does harm, as its argument `mode` says: writes where nothing is its own, spins, floods a server or the scheduler, wants all
//! memory there is.
#![no_std]
#![no_main]

use isthmus_runtime::abi::{Label, Name};
use isthmus_runtime::memory::MemoryObject;
use isthmus_runtime::sel4::{MessageInfoBuilder, cap};
use isthmus_runtime::{Slot, Startup, grants, memory, say, service, slots};
use processes_programs::{MORTAL, scheduler};

isthmus_runtime::entry!(main);

/// Where the heap of a component lies that has one; this one has none.
const NOT_MINE: usize = 0x2000_0000;
/// Bytes of an object: each is one of the quota's pages, and some for the tables.
const OBJECT: u64 = 16 << 10;

fn main(startup: &'static Startup) -> ! {
    let mode = startup.argument("mode").unwrap_or_default();
    say!("begins: {mode}");
    match mode {
        "touch" => touch(),
        "spin" => loop {
            core::hint::spin_loop();
        },
        "flood" => flood(grants::endpoint(MORTAL).ok()),
        "pester" => pester(startup),
        "devour" => devour(),
        _ => say!("FAILED: there is no such mode"),
    }
    loop {
        let _ = service::wait();
    }
}

fn touch() {
    // SAFETY: not sound, and meant: nothing is mapped there, so the thread faults.
    unsafe { (NOT_MINE as *mut u8).write_volatile(1) };
    say!("STILL HERE");
}

/// Calls, and messages without a caller, with labels that mean nothing.
fn flood(server: Option<cap::Endpoint>) {
    let Some(server) = server else {
        return say!("FAILED: nobody to flood");
    };
    let mut label = Label::REPLY.bits();
    loop {
        label = label
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let info = MessageInfoBuilder::default()
            .label(label >> 12)
            .length((label & 0x7f) as usize % 121)
            .build();
        server.send_with_mrs(info, [label; 4]);
        let _ = server.call_with_mrs(info, [label; 4]);
    }
}

/// The scheduler: wrong methods, wrong capabilities, starts of what runs and of what is not there.
fn pester(startup: &Startup) {
    let Ok(client) = scheduler(startup) else {
        return say!("FAILED: no scheduler");
    };
    let endpoint = startup.endpoint("scheduler").unwrap_or(Slot(0));
    loop {
        for name in ["witness", "nobody", "console"] {
            if let Ok(name) = Name::new(name) {
                let _ = client.start(name, Default::default());
            }
        }
        let _ = client.statistics();
        let info = MessageInfoBuilder::default()
            .label(0x5_0000)
            .length(3)
            .build();
        let _ = slots::cap::<isthmus_runtime::sel4::cap_type::Endpoint>(endpoint)
            .call_with_mrs(info, [1, 2, 3]);
    }
}

/// Memory, until there is no more for it, and then more.
fn devour() {
    let mut kept = 0u64;
    let mut told = false;
    loop {
        match MemoryObject::create(OBJECT) {
            Ok(object) => {
                let _ = object.keep();
                kept += 1;
            }
            Err(memory::Error::Call(_)) if !told => {
                told = true;
                say!("refused after {kept} objects");
            }
            Err(_) => {}
        }
    }
}
