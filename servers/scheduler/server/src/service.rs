//! The scheduler's calls.

use isthmus_abi::{ComponentId, EndpointBadge, Name, ObjectId, limits};
use isthmus_runtime::interface::{Caller, Cap, Later, Notification};
use isthmus_runtime::memory::Kind as MemoryObject;
use scheduler_interface::{
    Arguments, Condition, Ended, How, Process, Report, Scheduler as Calls, SchedulerError,
    Statistics,
};
use scheduler_logic::State;

use crate::life::Source;
use crate::server::{Scheduler, Setting, Waiter, Watcher};

type Answer<T> = Result<T, SchedulerError>;

impl Scheduler<'_> {
    /// The component of this name that the scheduler starts, for who calls the service itself.
    fn named(&self, caller: Caller, name: &Name) -> Answer<ComponentId> {
        if caller.object() != ObjectId::SERVICE {
            return Err(SchedulerError::WrongCapability);
        }
        let found = self.plan.find(name.as_str()).map(|(id, _)| id);
        found
            .filter(|&id| self.logic.state(id).is_some())
            .ok_or(SchedulerError::NoSuchComponent)
    }

    /// The component that a process capability stands for.
    fn process(&self, caller: Caller) -> Answer<ComponentId> {
        let wrong = SchedulerError::WrongCapability;
        let number = u8::try_from(caller.object().number()).map_err(|_| wrong)?;
        let id = ComponentId(number);
        match self.logic.state(id) {
            Some(_) => Ok(id),
            None => Err(wrong),
        }
    }

    /// A process capability for a client.
    fn mint(&self, caller: Caller, id: ComponentId) -> Answer<Cap<dyn Process>> {
        let object = ObjectId::new(id.0.into()).ok_or(SchedulerError::Refused)?;
        let client = caller.client();
        let minted = self.service.mint(EndpointBadge { client, object });
        minted.map_err(|_| SchedulerError::TooMany)
    }

    fn start_with(
        &mut self,
        caller: Caller,
        id: ComponentId,
        arguments: Arguments,
        source: Source,
    ) -> Answer<Cap<dyn Process>> {
        if self.logic.is_running(id) {
            return Err(SchedulerError::AlreadyRunning);
        }
        let process = self.mint(caller, id)?;
        self.settings[usize::from(id.0)] = Setting {
            source,
            arguments: (!arguments.is_empty()).then_some(arguments),
        };
        self.start(id)?;
        Ok(process)
    }

    fn running(&mut self, id: ComponentId) -> Answer<&mut crate::life::Process> {
        let process = self.processes.get_mut(usize::from(id.0));
        process
            .and_then(Option::as_mut)
            .ok_or(SchedulerError::NotRunning)
    }
}

impl Calls for Scheduler<'_> {
    fn start(
        &mut self,
        caller: Caller,
        name: Name,
        arguments: Arguments,
    ) -> Answer<Cap<dyn Process>> {
        let id = self.named(caller, &name)?;
        self.start_with(caller, id, arguments, Source::Archive)
    }

    fn start_program(
        &mut self,
        caller: Caller,
        name: Name,
        arguments: Arguments,
        program: Cap<MemoryObject>,
    ) -> Answer<Cap<dyn Process>> {
        let id = self.named(caller, &name)?;
        let program = crate::program::copy(&program)?;
        self.start_with(caller, id, arguments, Source::Copy(program))
    }

    fn open(&mut self, caller: Caller, name: Name) -> Answer<Cap<dyn Process>> {
        let id = self.named(caller, &name)?;
        self.mint(caller, id)
    }

    fn of_client(&mut self, caller: Caller, component: u8) -> Answer<Cap<dyn Process>> {
        let component = self.plan.component(ComponentId(component));
        let name = component.map(|component| component.name.clone());
        let id = self.named(caller, &name.ok_or(SchedulerError::NoSuchComponent)?)?;
        self.mint(caller, id)
    }

    fn statistics(&mut self) -> Answer<Statistics> {
        let running = self.processes.iter().flatten().count();
        Ok(Statistics {
            free_slots: self.free_slots(),
            running: running as u32,
            starts: self.starts,
            waiting: self.waiting,
        })
    }
}

impl Process for Scheduler<'_> {
    fn restart(&mut self, caller: Caller) -> Answer<()> {
        let id = self.process(caller)?;
        self.start(id)
    }

    fn stop(&mut self, caller: Caller) -> Answer<()> {
        let id = self.process(caller)?;
        self.logic.forget_restart(id);
        self.end(id, How::Stopped);
        Ok(())
    }

    fn kill(&mut self, caller: Caller) -> Answer<()> {
        let id = self.process(caller)?;
        if !self.logic.is_running(id) {
            return Err(SchedulerError::NotRunning);
        }
        self.end(id, How::Killed);
        Ok(())
    }

    fn wait(&mut self, caller: Caller, later: Later<Ended, SchedulerError>) {
        let id = match self.process(caller) {
            Ok(id) => id,
            Err(error) => return later.answer(Err(error)),
        };
        if !self.logic.is_running(id) {
            let ended = self.logic.last_end(id);
            return later.answer(ended.ok_or(SchedulerError::NotRunning));
        }
        let client = caller.client();
        match self.logic.wait(id, Waiter { client, later }) {
            Ok(()) => self.waiting += 1,
            Err((_, waiter)) => waiter.later.answer(Err(SchedulerError::TooMany)),
        }
    }

    fn watch(&mut self, caller: Caller, bell: Cap<Notification>) -> Answer<()> {
        let id = self.process(caller)?;
        let client = caller.client();
        let added = self.logic.watch(id, Watcher { client, bell });
        added.map_err(|_| SchedulerError::TooMany)
    }

    fn report(&mut self, caller: Caller) -> Answer<Report> {
        let id = self.process(caller)?;
        let condition = match self.logic.state(id) {
            Some(State::Running { .. }) => Condition::Running,
            Some(State::Ended(_)) => Condition::Ended,
            Some(State::Waiting { .. }) => Condition::Waiting,
            Some(State::Absent) | None => Condition::Absent,
        };
        Ok(Report {
            condition,
            last: self.logic.last_end(id),
            starts: self.logic.starts(id),
            priority: self.running(id).map_or(0, |process| process.priority()),
        })
    }

    fn set_priority(&mut self, caller: Caller, priority: u8) -> Answer<()> {
        let id = self.process(caller)?;
        let most = self.plan.component(id).map_or(0, |c| c.priority);
        if priority == 0 || priority > most.min(limits::PRIORITY) {
            return Err(SchedulerError::TooHigh);
        }
        let process = self.running(id)?;
        process.body.priority = priority;
        process
            .apply_priority()
            .map_err(|_| SchedulerError::Refused)
    }

    fn cpu_time(&mut self, caller: Caller) -> Answer<Option<u64>> {
        let id = self.process(caller)?;
        let ticks = self.running(id)?.cpu_time();
        ticks.map(Some).map_err(|_| SchedulerError::Refused)
    }
}
