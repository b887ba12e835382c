//! A client of the scheduler that tries what `docs/processes.md` promises: how each end is told, dependants, a program in a memory object, priorities,
//! and a limit on processor time. It says `NAME: ok` of each, or what was wrong.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod program;

use core::sync::atomic::Ordering;

use isthmus_runtime::abi::{ExitCode, Name};
use isthmus_runtime::interface::CallError;
use isthmus_runtime::memory::{Access, MemoryObject};
use isthmus_runtime::{
    Duration, EventBit, Kernel, Startup, capabilities, grants, say, service, time,
};
use processes_programs::{COUNT, scheduler};
use scheduler_interface::{
    Arguments, Condition, Ended, How, ProcessClient, SchedulerClient, SchedulerError,
};
use timer_interface::TimerClient;

isthmus_runtime::entry!(main);

/// Between one look and the next.
const TICK: Duration = Duration::from_millis(10);
/// Looks, at most: on a busy host the machine has little of the time that passes.
const LOOKS: u32 = 3_000;
/// Looks during which somebody who is starved must get nowhere.
const STARVED: u32 = 10;

/// What was wrong.
type Outcome = Result<(), &'static str>;
/// A check, with its name.
type Check = (&'static str, fn(&mut Keeper) -> Outcome);

const CHECKS: [Check; 5] = [
    ("ends", Keeper::ends),
    ("dependants", Keeper::dependants),
    ("program", Keeper::program),
    ("priority", Keeper::priority),
    ("limit", Keeper::limit),
];

fn main(startup: &'static Startup) -> ! {
    match Keeper::new(startup) {
        Ok(mut keeper) => {
            for (name, check) in CHECKS {
                match check(&mut keeper) {
                    Ok(()) => say!("{name}: ok"),
                    Err(why) => say!("{name}: {why}"),
                }
            }
        }
        Err(why) => say!("{}: {why}", CHECKS[0].0),
    }
    loop {
        let _ = service::wait();
    }
}

struct Keeper {
    scheduler: SchedulerClient<Kernel>,
    timer: TimerClient<Kernel>,
    alarm: EventBit,
}

impl Keeper {
    fn new(startup: &'static Startup) -> Result<Self, &'static str> {
        let timer = startup.endpoint("timer").map_err(|_| "no timer")?;
        Ok(Self {
            scheduler: scheduler(startup).map_err(|_| "no scheduler")?,
            timer: TimerClient::new(Kernel, timer),
            alarm: startup.event("timer").map_err(|_| "no alarm")?,
        })
    }

    fn open(&self, component: &str) -> Result<Process, &'static str> {
        let name = Name::new(component).map_err(|_| "no name")?;
        let opened = self.scheduler.open(name.clone());
        let process = opened.map_err(|_| "no process capability")?;
        Ok(Process {
            name,
            client: ProcessClient::new(Kernel, process.into_slot()),
        })
    }

    /// Starts a component with arguments in place of the description's.
    fn start(&self, process: &Process, arguments: &str) -> Outcome {
        let arguments = Arguments::try_from(arguments).map_err(|_| "too many arguments")?;
        let started = self.scheduler.start(process.name.clone(), arguments);
        started.map(drop).map_err(|_| "it does not start")
    }

    /// Until the next look. What else is signalled meanwhile is passed over.
    fn tick(&self) {
        let until = time::now() + TICK;
        // One-way, and short: it cannot fail.
        let _ = self.timer.arm(until.ticks());
        while !(service::wait().contains(self.alarm) && time::now() >= until) {}
    }

    /// Looks again and again, until it is as it should be.
    fn until(
        &self,
        mut holds: impl FnMut() -> Result<bool, &'static str>,
        otherwise: &'static str,
    ) -> Outcome {
        for _ in 0..LOOKS {
            if holds()? {
                return Ok(());
            }
            self.tick();
        }
        Err(otherwise)
    }

    /// Each way to end, as told to who waits, to who watches and asks, and to who asks later.
    fn ends(&mut self) -> Outcome {
        let ender = self.open("ender")?;
        ender.ring()?;
        let ways = [
            ("end=return", How::Returned(ExitCode::SUCCESS)),
            ("end=return code=3", How::Returned(ExitCode(3))),
            ("end=exit code=7", How::Exited(ExitCode(7))),
            ("end=panic", How::Panicked),
            ("end=wait", How::Killed),
            ("end=wait", How::Stopped),
        ];
        for ((arguments, how), start) in ways.into_iter().zip(1..) {
            self.start(&ender, arguments)?;
            match how {
                How::Killed => ender.client.kill().map_err(|_| "not killed")?,
                How::Stopped => ender.client.stop().map_err(|_| "not stopped")?,
                _ => {}
            }
            // Once while it runs, as a rule, and certainly once afterwards.
            let expected = Ended { how, start };
            for _ in 0..2 {
                ender.ended_as(expected)?;
            }
            while !service::wait().contains(capabilities::BELL) {}
            let report = ender.report()?;
            if (report.condition, report.last) != (Condition::Ended, Some(expected)) {
                return Err("it is reported otherwise than it ended");
            }
        }
        Ok(())
    }

    /// A code that says failure is followed by the policy, and those who depend on it end and come back with it.
    fn dependants(&mut self) -> Outcome {
        let [relied, relying] = [self.open("relied")?, self.open("relying")?];
        relying.ring()?;
        let relied_signal = grants::signal("relied").map_err(|_| "no event to `relied`")?;
        relied_signal.signal();
        while !service::wait().contains(capabilities::BELL) {}
        let again =
            |process: &Process, how| {
                let report = process.report()?;
                let ended = Some(Ended { how, start: 1 });
                Ok(report.condition == Condition::Running
                    && report.starts == 2
                    && report.last == ended)
            };
        self.until(
            || again(&relied, How::Exited(ExitCode(9))),
            "what failed is not started again",
        )?;
        self.until(
            || again(&relying, How::WithAnother),
            "who depends on it is not started again with it",
        )?;
        for process in [relied, relying] {
            process.client.stop().map_err(|_| "not stopped")?;
        }
        Ok(())
    }

    /// A program in a memory object runs in place of the archive's, also when it is started again; what is no program is refused.
    fn program(&mut self) -> Outcome {
        const CODE: ExitCode = ExitCode(42);
        let ender = self.open("ender")?;
        let starts = ender.report()?.starts;
        let object = MemoryObject::create(program::BYTES as u64).map_err(|_| "no object")?;
        let start = || {
            let capability = object.capability();
            let started =
                self.scheduler
                    .start_program(ender.name.clone(), Arguments::new(), &capability);
            started.map(drop)
        };
        match start() {
            Err(CallError::Interface(SchedulerError::BadProgram)) => {}
            _ => return Err("zeros are taken for a program"),
        }
        ender.ended_as(Ended {
            how: How::NotStarted,
            start: starts + 1,
        })?;
        let mapping = object.map(Access::Write).map_err(|_| "not mapped")?;
        let memory = mapping.memory().ok_or("not to be written")?;
        let written = memory.write(0, &program::exits_with(CODE));
        written.map_err(|_| "too small an object")?;
        start().map_err(|_| "the program in the object does not start")?;
        let expected = |how, more| Ended {
            how,
            start: starts + more,
        };
        ender.ended_as(expected(How::Exited(CODE), 2))?;
        // The scheduler has a copy.
        memory
            .words()
            .iter()
            .for_each(|word| word.store(0, Ordering::Relaxed));
        ender.client.restart().map_err(|_| "not started again")?;
        ender.ended_as(expected(How::Exited(CODE), 3))?;
        self.start(&ender, "end=return code=5")?;
        ender.ended_as(expected(How::Returned(ExitCode(5)), 4))
    }

    /// Who spins above another leaves it nothing, until its priority is lowered below the other's.
    fn priority(&mut self) -> Outcome {
        let [hog, runner] = [self.open("hog")?, self.open("runner")?];
        self.start(&hog, "end=spin")?;
        self.start(&runner, "")?;
        let own = hog.report()?.priority;
        for _ in 0..STARVED {
            self.tick();
        }
        if count()? != 0 {
            return Err("who is below a component that spins runs all the same");
        }
        match hog.client.set_priority(own + 1) {
            Err(CallError::Interface(SchedulerError::TooHigh)) => {}
            _ => return Err("a priority above the description's is not refused"),
        }
        let low = runner.report()?.priority - 1;
        hog.set_priority(low)?;
        self.until(|| Ok(count()? > 0), "a lowered component starves another")?;
        hog.set_priority(own)?;
        let before = count()?;
        for _ in 0..STARVED {
            self.tick();
        }
        match count()? == before {
            true => hog.client.stop().map_err(|_| "not stopped"),
            false => Err("a raised component does not come first again"),
        }
    }

    /// The same with a limit on its processor time: lowered by that, and raised again when it is within its share.
    fn limit(&mut self) -> Outcome {
        let limited = self.open("limited")?;
        let before = count()?;
        self.start(&limited, "end=spin")?;
        let own = limited.report()?.priority;
        let cpu_time = limited.client.cpu_time().map_err(|_| "no processor time")?;
        cpu_time.ok_or("the kernel does not count processor time")?;
        let is_lowered = || Ok(limited.report()?.priority < own);
        self.until(is_lowered, "who has had more than its share is not lowered")?;
        self.until(
            || Ok(count()? > before),
            "who has had more than its share starves another",
        )?;
        self.until(
            || Ok(limited.report()?.priority == own),
            "who is within its share is not raised again",
        )?;
        limited.client.stop().map_err(|_| "not stopped")?;
        self.open("runner")?
            .client
            .stop()
            .map_err(|_| "not stopped")
    }
}

/// How far `runner` has come.
fn count() -> Result<u64, &'static str> {
    let memory = grants::shared_memory(COUNT).map_err(|_| "no channel to `runner`")?;
    Ok(memory.words()[0].load(Ordering::Relaxed))
}

/// A component, and its process capability.
struct Process {
    name: Name,
    client: ProcessClient<Kernel>,
}

impl Process {
    fn report(&self) -> Result<scheduler_interface::Report, &'static str> {
        self.client.report().map_err(|_| "no report")
    }

    /// Has each of its ends signalled here, as [`capabilities::BELL`].
    fn ring(&self) -> Outcome {
        let bell = capabilities::bell().map_err(|_| "no slot for a bell")?;
        self.client.watch(bell).map_err(|_| "not watched")
    }

    fn ended_as(&self, expected: Ended) -> Outcome {
        match self.client.wait() {
            Ok(ended) if ended == expected => Ok(()),
            Ok(ended) => {
                say!("start {}: {}, not {}", ended.start, ended.how, expected.how);
                Err("it ended otherwise than it should")
            }
            Err(_) => Err("its end is not told"),
        }
    }

    fn set_priority(&self, priority: u8) -> Outcome {
        let set = self.client.set_priority(priority);
        set.map_err(|_| "its priority cannot be set")
    }
}
