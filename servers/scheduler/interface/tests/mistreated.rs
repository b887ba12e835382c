//! Every kind of wrong message, to the dispatch of both of the scheduler's interfaces: one after the other, and as the server takes them, by label.

use isthmus_interface::abi::{ExitCode, Name};
use isthmus_interface::mistreat::mistreat;
use isthmus_interface::{Caller, Cap, Later, Notification};
use memory_interface::MemoryObject;
use scheduler_interface::{
    Arguments, Condition, Ended, How, Process, Report, Scheduler, SchedulerError, Statistics,
    process, scheduler,
};

struct Server;

impl Scheduler for Server {
    fn start(
        &mut self,
        _: Caller,
        _: Name,
        _: Arguments,
    ) -> Result<Cap<dyn Process>, SchedulerError> {
        Err(SchedulerError::AlreadyRunning)
    }

    fn open(&mut self, _: Caller, _: Name) -> Result<Cap<dyn Process>, SchedulerError> {
        Err(SchedulerError::NoSuchComponent)
    }

    fn start_program(
        &mut self,
        _: Caller,
        _: Name,
        _: Arguments,
        _: Cap<MemoryObject>,
    ) -> Result<Cap<dyn Process>, SchedulerError> {
        Err(SchedulerError::BadProgram)
    }

    fn of_client(&mut self, _: Caller, _: u8) -> Result<Cap<dyn Process>, SchedulerError> {
        Err(SchedulerError::NoSuchComponent)
    }

    fn statistics(&mut self) -> Result<Statistics, SchedulerError> {
        Ok(Statistics::default())
    }
}

const ENDED: Ended = Ended {
    how: How::Exited(ExitCode(7)),
    start: 3,
};

impl Process for Server {
    fn restart(&mut self, _: Caller) -> Result<(), SchedulerError> {
        Ok(())
    }

    fn stop(&mut self, _: Caller) -> Result<(), SchedulerError> {
        Ok(())
    }

    fn kill(&mut self, _: Caller) -> Result<(), SchedulerError> {
        Err(SchedulerError::NotRunning)
    }

    fn wait(&mut self, _: Caller, later: Later<Ended, SchedulerError>) {
        later.answer(Ok(ENDED));
    }

    fn watch(&mut self, _: Caller, _: Cap<Notification>) -> Result<(), SchedulerError> {
        Ok(())
    }

    fn report(&mut self, _: Caller) -> Result<Report, SchedulerError> {
        Ok(Report {
            condition: Condition::Running,
            last: Some(ENDED),
            starts: 4,
            priority: 100,
        })
    }

    fn set_priority(&mut self, _: Caller, _: u8) -> Result<(), SchedulerError> {
        Err(SchedulerError::TooHigh)
    }

    fn cpu_time(&mut self, _: Caller) -> Result<Option<u64>, SchedulerError> {
        Ok(None)
    }
}

#[test]
fn the_service_answers_each() {
    mistreat(scheduler::METHODS, |request, answer| {
        scheduler::dispatch(&mut Server, request, answer)
    });
}

#[test]
fn a_process_answers_each() {
    mistreat(process::METHODS, |request, answer| {
        process::dispatch(&mut Server, request, answer)
    });
}

/// Both interfaces have the one endpoint: no message of one is taken for the other's.
#[test]
fn labels_differ() {
    for method in scheduler::METHODS {
        assert!(!process::knows(method.label), "{}", method.name);
    }
}
