//! Starts and stops a tiny component as often as its argument `cycles` says, and compares what is free before and afterwards.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use isthmus_runtime::abi::Name;
use isthmus_runtime::{Duration, EventBit, Kernel, Startup, say, service, time};
use memory_interface::MemoryClient;
use processes_programs::scheduler;
use scheduler_interface::{Arguments, ProcessClient, SchedulerClient};

isthmus_runtime::entry!(main);

/// Whom it starts.
const TINY: &str = "tiny";
/// Cycles, unless the description says otherwise.
const CYCLES: u32 = 100;
/// Cycles before what is free is counted: what is made once is made then.
const WARM_UP: u32 = 3;

fn main(startup: &'static Startup) -> ! {
    match run(startup) {
        Ok(()) => say!("done"),
        Err(why) => say!("FAILED: {why}"),
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
    /// From the call that starts it to its first line.
    starting: Duration,
    /// The call that stops it.
    stopping: Duration,
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
        self.wait();
        let running = time::now();
        self.process.stop().map_err(|_| "it does not stop")?;
        self.starting += running - start;
        self.stopping += time::now() - running;
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
        starting: Duration::ZERO,
        stopping: Duration::ZERO,
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
    (cycler.starting, cycler.stopping) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..cycles {
        cycler.cycle()?;
    }
    let after = cycler.free()?;
    let (starting, stopping) = (cycler.starting, cycler.stopping);
    let each = |all: Duration| all.as_micros() as u64 / u64::from(cycles.max(1));
    say!(
        "{cycles} cycles: {} us to start, {} us to stop",
        each(starting),
        each(stopping)
    );
    match before == after {
        true => say!("as before: {before:?}"),
        false => say!("LOST: {before:?} became {after:?}"),
    }
    Ok(())
}
