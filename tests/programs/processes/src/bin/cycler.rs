//! Starts and stops a tiny component as often as its argument `cycles` says, and compares what is free before and afterwards. As the program of
//! `isthmus bench spawn` it tells what that took.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use bench_logic::{Figure, Hundredths, Samples, Unit};
use isthmus_runtime::abi::Name;
use isthmus_runtime::{EventBit, Instant, Kernel, Startup, say, service, time};
use memory_interface::MemoryClient;
use processes_programs::scheduler;
use scheduler_interface::{Arguments, ProcessClient, SchedulerClient};

isthmus_runtime::entry!(main);

/// Whom it starts.
const TINY: &str = "tiny";
/// Cycles, unless the description says otherwise.
const CYCLES: u32 = 100;
/// Cycles that are measured, at most.
const SAMPLES: usize = 500;
/// Cycles before what is free is counted: what is made once is made then.
const WARM_UP: u32 = 3;

fn main(startup: &'static Startup) -> ! {
    match run(startup) {
        Ok(()) => say!("bench: done"),
        Err(why) => say!("bench: failed: {TINY}: {why}"),
    }
    loop {
        let _ = service::wait();
    }
}

/// What must be the same afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Free {
    bytes: u64,
    memory_slots: u64,
    process_slots: u32,
    reservations: u64,
    running: u32,
}

struct Cycler {
    scheduler: SchedulerClient<Kernel>,
    process: ProcessClient<Kernel>,
    memory: MemoryClient<Kernel>,
    runs: EventBit,
    /// Ticks of the call that starts it: its first instruction comes next.
    starting: Samples<SAMPLES>,
    /// Ticks from there to the first line of its `main`.
    arriving: Samples<SAMPLES>,
    /// Ticks of the call that stops it.
    stopping: Samples<SAMPLES>,
    /// Ticks of all of it.
    whole: Samples<SAMPLES>,
}

impl Cycler {
    fn free(&self) -> Result<Free, &'static str> {
        let memory = self
            .memory
            .statistics()
            .map_err(|_| "no statistics of memory")?;
        let processes = self
            .scheduler
            .statistics()
            .map_err(|_| "no statistics of processes")?;
        Ok(Free {
            bytes: memory.free_bytes,
            memory_slots: memory.free_slots,
            process_slots: processes.free_slots,
            reservations: memory.reservations,
            running: processes.running,
        })
    }

    fn cycle(&mut self) -> Result<(), &'static str> {
        let start = time::now();
        self.process.restart().map_err(|_| "it does not start")?;
        let started = time::now();
        self.wait();
        let running = time::now();
        self.process.stop().map_err(|_| "it does not stop")?;
        let end = time::now();
        let ticks = |from: Instant, to: Instant| to.ticks().saturating_sub(from.ticks());
        // More cycles than there is room for are not measured.
        let _ = self.starting.push(ticks(start, started));
        let _ = self.arriving.push(ticks(started, running));
        let _ = self.stopping.push(ticks(running, end));
        let _ = self.whole.push(ticks(start, end));
        Ok(())
    }

    fn wait(&self) {
        while !service::wait().contains(self.runs) {}
    }
}

fn run(startup: &'static Startup) -> Result<(), &'static str> {
    let cycles = startup
        .argument("cycles")
        .and_then(|text| text.parse().ok());
    let cycles = cycles.unwrap_or(CYCLES);
    let scheduler = scheduler(startup).map_err(|_| "no scheduler")?;
    let memory = startup.endpoint(MemoryClient::<Kernel>::INTERFACE);
    let name = Name::new(TINY).map_err(|_| "no name")?;
    let started = scheduler.start(name, Arguments::new());
    let process = started.map_err(|_| "the first one does not start")?;
    let mut cycler = Cycler {
        scheduler,
        process: ProcessClient::new(Kernel, process.into_slot()),
        memory: MemoryClient::new(Kernel, memory.map_err(|_| "no memory server")?),
        runs: startup.event(TINY).map_err(|_| "no event")?,
        starting: Samples::new(),
        arriving: Samples::new(),
        stopping: Samples::new(),
        whole: Samples::new(),
    };
    cycler.wait();
    cycler
        .process
        .stop()
        .map_err(|_| "the first one does not stop")?;
    for _ in 0..WARM_UP {
        cycler.cycle()?;
    }
    let before = cycler.free()?;
    cycler.starting = Samples::new();
    cycler.arriving = Samples::new();
    cycler.stopping = Samples::new();
    cycler.whole = Samples::new();
    for _ in 0..cycles {
        cycler.cycle()?;
    }
    let after = cycler.free()?;
    say!("{cycles} cycles");
    report("spawn_start", &mut cycler.starting)?;
    report("spawn_main", &mut cycler.arriving)?;
    report("spawn_stop", &mut cycler.stopping)?;
    report("spawn", &mut cycler.whole)?;
    match before == after {
        true => say!("as before: {before:?}"),
        false => say!("LOST: {before:?} became {after:?}"),
    }
    Ok(())
}

/// Tells a figure, as `isthmus bench` reads it.
fn report(name: &str, samples: &mut Samples<SAMPLES>) -> Result<(), &'static str> {
    let summary = samples.summary().ok_or("nothing was measured")?;
    let value = |ticks| Hundredths(time::duration(ticks).as_nanos() as u64 / 10);
    let figure = Figure {
        name,
        unit: Unit::Micros,
        p50: value(summary.p50),
        p99: value(summary.p99),
        n: summary.n,
    };
    say!("{figure}");
    Ok(())
}
