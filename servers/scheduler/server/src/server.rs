//! The scheduler's state, and what it does with each process: start, end, restart. The calls are in [`crate::service`].

use alloc::vec::Vec;

use builder::{Space, Window};
use isthmus_abi::scheduler::HandOver;
use isthmus_abi::{ComponentId, Events, layout, limits};
use isthmus_plan::plan::{Plan, Restart, RestartWith, Start};
use isthmus_plan::{Archive, Here, Starter};
use isthmus_runtime::calls::Occasion;
use isthmus_runtime::capabilities::Signal;
use isthmus_runtime::interface::{Answer, Cap, Disposition, Later, Notification, Request};
use isthmus_runtime::{Kernel, Service, Startup, say, slots};
use memory_interface::MemoryClient;
use scheduler_interface::{Arguments, Ended, How, SchedulerError, process, scheduler};
use scheduler_logic::limits::{COMPONENTS, PERIOD_MILLISECONDS};
use scheduler_logic::{Policy, Processes, Run, Runs, Set};

use crate::Unfit;
use crate::clock::Clock;
use crate::faults;
use crate::life::{Order, Process, Source, Tools, Workshop};
use crate::parts::{self, Part};
use crate::tally::Tally;

/// A client that waits for an end.
pub struct Waiter {
    /// Which client.
    pub client: ComponentId,
    /// Its answer.
    pub later: Later<Ended, SchedulerError>,
}

/// Who hears of each end.
pub struct Watcher {
    /// Which client asked for it.
    pub client: ComponentId,
    /// What is signalled.
    pub bell: Cap<Notification>,
}

/// What a component is started with.
pub struct Setting {
    /// Its program.
    pub source: Source,
    /// Its arguments, if they are not the description's.
    pub arguments: Option<Arguments>,
}

/// The scheduler.
pub struct Scheduler<'p> {
    /// The plan.
    pub plan: &'p Plan,
    /// This machine.
    pub here: Here,
    /// The states.
    pub logic: Processes<Waiter, Watcher>,
    /// What runs.
    pub processes: [Option<Process>; COMPONENTS],
    /// What each component is started with.
    pub settings: Vec<Setting>,
    /// What processes are made with.
    pub workshop: Workshop,
    /// What process capabilities are minted from.
    pub service: Service,
    /// Starts since the machine's.
    pub starts: u64,
    /// Clients that wait.
    pub waiting: u32,
    archive: Archive<'static>,
    clock: Clock,
    /// Where netipc hears of ends.
    tally: Tally,
    /// When shares of the processor are looked at next, in milliseconds.
    period_end: u64,
}

impl<'p> Scheduler<'p> {
    /// From what the root task handed over.
    pub fn new(
        startup: &'static Startup,
        handed: &HandOver,
        service: Service,
        archive: Archive<'static>,
        plan: &'p Plan,
    ) -> Result<Self, Unfit> {
        let here = Here {
            node: startup.machine.node,
            nodes: startup.machine.nodes,
        };
        let memory = startup.endpoint(MemoryClient::<Kernel>::INTERFACE);
        let memory = memory.map_err(|_| Unfit::Missing("uses = [\"memory\"]"))?;
        let scratch = slots::allocate().map_err(|_| Unfit::Missing("slots"))?;
        let entries = handed.components.iter();
        let parts: Vec<Part> = entries
            .filter_map(|entry| Part::of(entry, handed, plan))
            .collect();
        let tools = Tools {
            parts,
            runs: Runs::new(Run {
                first: handed.empty.first.0,
                count: handed.empty.count,
            }),
            window: Window::new(Space::complete(slots::cap(handed.space)), layout::WINDOW),
            grave: parts::grave(handed),
            scratch,
            asid_pool: handed.asid_pool,
            faults: service.endpoint(),
            memory,
        };
        let mut logic = Processes::new();
        for (id, component) in plan.on(here) {
            if plan.starter(id, here) == Starter::Scheduler {
                logic.add(id, policy(plan, id, component.restart, here));
            }
        }
        let settings = (0..COMPONENTS).map(|_| Setting {
            source: Source::Archive,
            arguments: None,
        });
        Ok(Self {
            plan,
            here,
            logic,
            processes: [const { None }; COMPONENTS],
            settings: settings.collect(),
            workshop: Workshop::new(tools, startup),
            service,
            starts: 0,
            waiting: 0,
            archive,
            clock: Clock::new(startup)?,
            tally: Tally::new(),
            period_end: Clock::now() + PERIOD_MILLISECONDS,
        })
    }

    /// Starts what starts with the machine; deputies answer for the rest.
    pub fn boot(&mut self) {
        let plan = self.plan;
        for (id, component) in plan.on(self.here) {
            if self.logic.state(id).is_none() {
                continue;
            }
            self.workshop.stand_in(id);
            if component.start == Start::Boot {
                // It says itself what goes wrong, and the policy is followed.
                let _ = self.start(id);
            }
        }
        self.set_clock();
    }

    /// Slots that no process has.
    #[must_use]
    pub fn free_slots(&self) -> u32 {
        self.workshop.runs.free()
    }

    /// One turn of the loop.
    pub fn handle(&mut self, occasion: Occasion<'_, '_>) -> Disposition {
        let disposition = match occasion {
            Occasion::Events(events) => {
                self.events(events);
                Disposition::Nothing
            }
            Occasion::Message(request, answer) => self.message(request, answer),
        };
        self.set_clock();
        disposition
    }

    fn message(&mut self, request: &mut Request<'_>, answer: &mut Answer) -> Disposition {
        if let Some((id, thread)) = faults::whose(request.badge) {
            self.fault(id, thread, request);
            return Disposition::Nothing;
        }
        match process::knows(request.label) {
            true => process::dispatch(self, request, answer),
            false => scheduler::dispatch(self, request, answer),
        }
    }

    fn events(&mut self, events: Events) {
        if events.contains(self.clock.bit) {
            self.clock.rang();
            let now = Clock::now();
            self.look_at_shares(now);
            while let Some(id) = self.logic.restart(now) {
                say!("component {} is started again", self.name(id));
                let _ = self.launch(id);
            }
        }
    }

    /// Processes with a share of the processor are looked at once in a period.
    fn look_at_shares(&mut self, now: u64) {
        if now < self.period_end {
            return;
        }
        let period = now - (self.period_end - PERIOD_MILLISECONDS);
        self.period_end = now + PERIOD_MILLISECONDS;
        let ticks = Clock::ticks(period);
        for process in self.processes.iter_mut().flatten() {
            if let Err(error) = process.period(ticks) {
                say!("component {}: {error}", process.body.name());
            }
        }
    }

    fn set_clock(&mut self) {
        let limited = self.processes.iter().flatten().any(Process::is_limited);
        let period = limited.then_some(self.period_end);
        let due = self.logic.next_restart().into_iter().chain(period).min();
        self.clock.set(due);
    }

    /// A component's name, for the log.
    pub fn name(&self, id: ComponentId) -> &'p str {
        let component = self.plan.component(id);
        component.map_or("?", |component| component.name.as_str())
    }

    /// Starts a component that does not run.
    pub fn start(&mut self, id: ComponentId) -> Result<(), SchedulerError> {
        use scheduler_logic::NotStarted::{Running, Unknown};
        self.logic
            .start(id, Clock::now())
            .map_err(|why| match why {
                Running => SchedulerError::AlreadyRunning,
                Unknown => SchedulerError::NoSuchComponent,
            })?;
        self.launch(id)
    }

    /// Makes the process of a component that counts as running already.
    fn launch(&mut self, id: ComponentId) -> Result<(), SchedulerError> {
        let setting = &self.settings[usize::from(id.0)];
        let order = Order {
            plan: self.plan,
            archive: &self.archive,
            id,
            source: &setting.source,
            arguments: setting.arguments.as_ref(),
            start: self.logic.starts(id),
        };
        self.starts += 1;
        self.tally.begin(id);
        match self.workshop.start(&order) {
            Ok(process) => {
                self.processes[usize::from(id.0)] = Some(process);
                Ok(())
            }
            Err(failed) => {
                say!("component {} does not start: {failed}", self.name(id));
                self.end(id, How::NotStarted);
                Err(failed.code())
            }
        }
    }

    fn fault(&mut self, id: ComponentId, thread: usize, request: &Request<'_>) {
        let Some(process) = self
            .processes
            .get(usize::from(id.0))
            .and_then(Option::as_ref)
        else {
            return;
        };
        let story = faults::read(request, Some(&process.body), thread);
        say!(
            "component {} died in thread {thread}: {}",
            self.name(id),
            story.words
        );
        self.end(id, story.how);
    }

    /// Ends a process, and whoever ends with it; tells everybody who wants to know.
    pub fn end(&mut self, id: ComponentId, how: How) {
        let Some(also) = self.logic.end(id, how, Clock::now()) else {
            return;
        };
        self.bury(id, how);
        for other in also.0.iter() {
            say!("component {} ends with {}", self.name(other), self.name(id));
            self.bury(other, How::WithAnother);
        }
    }

    fn bury(&mut self, id: ComponentId, how: How) {
        let process = self
            .processes
            .get_mut(usize::from(id.0))
            .and_then(Option::take);
        if let Some(process) = process {
            let saved = self.workshop.end(process);
            if saved > 0 {
                say!(
                    "component {}: {saved} saved replies answered",
                    self.name(id)
                );
            }
        }
        self.tally.end(id);
        self.forget_client(id);
        let end = Ended {
            how,
            start: self.logic.starts(id),
        };
        while let Some(waiter) = self.logic.take_waiter(id) {
            self.waiting -= 1;
            waiter.later.answer(Ok(end));
        }
        for watcher in self.logic.watchers(id) {
            watcher.bell.signal();
        }
    }

    /// What a component asked for as a client goes with it.
    fn forget_client(&mut self, id: ComponentId) {
        while let Some(gone) = self.logic.take_watcher(|watcher| watcher.client == id) {
            drop(gone);
        }
        while let Some(gone) = self.logic.take_waiter_that(|waiter| waiter.client == id) {
            self.waiting -= 1;
            // Answers nobody: the kernel has emptied it.
            drop(gone);
        }
    }
}

fn policy(plan: &Plan, id: ComponentId, restart: Restart, here: Here) -> Policy {
    match restart {
        Restart::Never => Policy::Never,
        Restart::OnFailure(rule) => Policy::OnFailure {
            back_off: rule.back_off_milliseconds,
            longest: limits::BACK_OFF_MILLISECONDS,
            restarts: rule.restarts,
            with: match rule.with {
                RestartWith::Nobody => Set::EMPTY,
                RestartWith::Dependants => plan.dependants(id, here).iter().collect(),
            },
        },
    }
}
