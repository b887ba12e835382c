//! Calls within the machine, and what the memory server does for some of them, counted in instructions.

use bench_logic::{BenchClient, Block, Samples, Unit, answer_to, question};
use isthmus_runtime::abi::Label;
use isthmus_runtime::abi::label::METHOD_FIRST;
use isthmus_runtime::memory::{Access, MemoryObject};
use isthmus_runtime::sel4::MessageInfoBuilder;
use isthmus_runtime::{Instant, Kernel, Slot, Startup, grants, time};

use crate::report::{Failure, check, report};

/// Calls between two readings of the counter: aarch64's ticks once in 16 instructions, so that a batch is off by half an
/// instruction a call at most.
const BATCH: u64 = 64;
/// Batches that are measured: the samples.
const BATCHES: usize = 500;
/// Batches before: emulated caches and the servers' first calls are not what is measured.
const WARM_UP: usize = 8;

/// A server beside this program, at the priority of this program.
pub const SERVER: &str = "bench";
/// The same program at a priority one above this one's.
const ABOVE: &str = "bench-above";
/// The server that looks at nothing.
const BARE: &str = "bench-bare";

/// The figures.
pub const NAMES: [&str; 8] = [
    "typed_call",
    "typed_call_64",
    "local_call",
    "local_call_4",
    "local_call_12",
    "local_call_above",
    "bare_call",
    "memory_page",
];

/// Measures `name`, one of [`NAMES`].
pub fn measure(startup: &Startup, name: &'static str) -> Result<(), Failure> {
    let server = |interface| {
        startup
            .endpoint(interface)
            .map_err(|_| Failure::NoServer(interface))
    };
    match name {
        "bare_call" => bare_call(name),
        "local_call_above" => typed(name, server(ABOVE)?, |bench, _| nothing(bench)),
        "local_call" => typed(name, server(SERVER)?, |bench, _| nothing(bench)),
        "typed_call" => typed(name, server(SERVER)?, |bench, round| {
            check([bench.one(round)?] == answer_to([round]))
        }),
        "typed_call_64" => typed(name, server(SERVER)?, |bench, round| {
            let block = Block::question(round);
            check(bench.encoded(block)? == block.answer())
        }),
        "local_call_4" => typed(name, server(SERVER)?, |bench, round| {
            let words = question(round);
            check(bench.four(words)? == answer_to(words))
        }),
        "local_call_12" => typed(name, server(SERVER)?, |bench, round| {
            let words = question(round);
            check(bench.twelve(words)? == answer_to(words))
        }),
        "memory_page" => memory_page(name),
        _ => Err(Failure::Unknown),
    }
}

type Client = BenchClient<Kernel>;

fn nothing(bench: &Client) -> Result<(), Failure> {
    Ok(bench.nothing()?)
}

/// Measures typed calls, and sees that the server has run each once.
fn typed(
    name: &'static str,
    server: Slot,
    call: impl Fn(&Client, u64) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let bench = BenchClient::new(Kernel, server);
    let before = bench.executed()?;
    let mut calls = 0;
    batches(name, || {
        calls += 1;
        call(&bench, calls)
    })?;
    match bench.executed()?.checked_sub(before) {
        Some(executed) if executed == calls => Ok(()),
        _ => Err(Failure::Miscounted),
    }
}

fn bare_call(name: &'static str) -> Result<(), Failure> {
    let server = grants::endpoint(BARE).map_err(|_| Failure::NoServer(BARE))?;
    let request = MessageInfoBuilder::default().label(METHOD_FIRST).build();
    batches(name, || {
        let answer = server.call_with_mrs(request, []);
        check(answer.info.label() == Label::REPLY.bits())
    })
}

/// Makes, maps, unmaps and destroys an object of one page, beside another mapping, which holds the translation tables.
fn memory_page(name: &'static str) -> Result<(), Failure> {
    let beside = MemoryObject::create(1)?;
    let held = beside.map(Access::Read)?;
    batches(name, || {
        let object = MemoryObject::create(1)?;
        let mapping = object.map(Access::Write)?;
        check(mapping.address() != held.address())?;
        drop(mapping);
        Ok(object.destroy()?)
    })
}

/// Times `call`, batch by batch, and reports.
fn batches(
    name: &'static str,
    mut call: impl FnMut() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut samples = Samples::<BATCHES>::new();
    for _ in 0..WARM_UP {
        batch(&mut call)?;
    }
    for _ in 0..BATCHES {
        samples.push(batch(&mut call)?)?;
    }
    // By `-icount shift=0` an instruction is a nanosecond of the machine's clock.
    report(name, Unit::Instructions, &mut samples, |ticks| {
        time::duration(ticks).as_nanos() as u64 * 100 / BATCH
    })
}

/// Ticks of the counter for a batch of calls.
fn batch(call: &mut impl FnMut() -> Result<(), Failure>) -> Result<u64, Failure> {
    let start: Instant = time::now();
    for _ in 0..BATCH {
        call()?;
    }
    Ok(time::now().ticks().wrapping_sub(start.ticks()))
}
