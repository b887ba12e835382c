//! A component of a machine, as a test treats it: killed, stopped, started again.

use std::time::{Duration, Instant};

use isthmus_interface::abi::Name;
use isthmus_interface::{CallError, Cap};
use scheduler_interface::{
    Condition, Process, ProcessClient, Report, Scheduler, SchedulerClient, SchedulerError,
};

use crate::agent::Agent;
use crate::failure::Failure;
use crate::machine::Machine;

/// Between two looks at a component's state.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A component that the machine's scheduler started, or could: reached through the machine's agent.
///
/// What the root task started (drivers, and what the scheduler itself needs) has no scheduler; only its whole machine can be killed. A component cannot be paused: a
/// thread that is suspended in a call would make it again when it is resumed. A machine can.
#[derive(Debug)]
pub struct Component<'m> {
    machine: &'m Machine,
    agent: Agent<'m>,
    name: String,
    process: Cap<dyn Process>,
}

impl<'m> Component<'m> {
    pub(crate) fn of(machine: &'m Machine, name: &str) -> Result<Self, Failure> {
        let agent = machine.agent()?;
        let scheduler = agent.granted::<dyn Scheduler>(SchedulerClient::<&Agent<'_>>::INTERFACE)?;
        let known = Name::new(name).map_err(|_| machine.failure(format!("`{name}` is no name")))?;
        let process = SchedulerClient::new(&agent, scheduler)
            .open(known)
            .map_err(|error| machine.failure(format!("`{name}`: {error}")))?;
        Ok(Self {
            machine,
            agent,
            name: name.to_owned(),
            process,
        })
    }

    fn client(&self) -> ProcessClient<&Agent<'m>> {
        ProcessClient::new(&self.agent, self.process.alias())
    }

    fn done<T>(
        &self,
        what: &str,
        result: Result<T, CallError<SchedulerError>>,
    ) -> Result<T, Failure> {
        result.map_err(|error| {
            let name = &self.name;
            self.machine
                .failure(format!("`{name}` cannot be {what}: {error}"))
        })
    }

    /// Ends it as if it had failed; what follows says its restart policy.
    ///
    /// # Errors
    /// If it does not run, or the scheduler does not answer.
    pub fn kill(&self) -> Result<(), Failure> {
        self.done("killed", self.client().kill())
    }

    /// Ends it for good.
    ///
    /// # Errors
    /// As [`Self::kill`].
    pub fn stop(&self) -> Result<(), Failure> {
        self.done("stopped", self.client().stop())
    }

    /// Starts it again after it has ended.
    ///
    /// # Errors
    /// If it runs, or the scheduler does not answer.
    pub fn restart(&self) -> Result<(), Failure> {
        self.done("started again", self.client().restart())
    }

    /// What it is doing, and how often it was started.
    ///
    /// # Errors
    /// If the scheduler does not answer.
    pub fn report(&self) -> Result<Report, Failure> {
        self.done("looked at", self.client().report())
    }

    /// Waits until it is in `condition`, for example running again.
    ///
    /// # Errors
    /// When it is not within `timeout`.
    pub fn wait_until(&self, condition: Condition, timeout: Duration) -> Result<Report, Failure> {
        let end = Instant::now() + timeout;
        loop {
            let report = self.report()?;
            if report.condition == condition {
                return Ok(report);
            }
            if Instant::now() >= end {
                let (name, is) = (&self.name, report.condition);
                return Err(self
                    .machine
                    .failure(format!("`{name}` is {is}, not {condition}")));
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }
}
