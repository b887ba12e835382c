//! The scheduler's typed calls: start a component of the plan, and through the process capability that this gives, everything else.
//!
//! A process capability stands for the component, not for one of its runs: it stays good over a restart. Who has the service itself (`uses =
//! ["scheduler"]`) may start any component that is not of the base; who has a process capability may do with that one what [`Process`] says,
//! and with no other. What is promised stands in `docs/processes.md`; the server is `scheduler-server`, its decisions `scheduler-logic`'s.
#![no_std]
#![forbid(unsafe_code)]

mod values;

pub use values::{Condition, Ended, How, Report, Statistics};

use isthmus_interface::abi::{Name, limits};
use isthmus_interface::{Caller, Cap, Later, Notification, error_codes, interface};
use memory_interface::MemoryObject;

/// Arguments of a process, `key=value key=value`, in place of those of the description. Empty: those of the description.
pub type Arguments = heapless::String<{ limits::ARGUMENT_BYTES }, u16>;

error_codes! {
    /// Why the scheduler refuses.
    pub enum SchedulerError {
        /// The description has no such component on this machine, or it is of the base.
        NoSuchComponent = 1, "there is no such component that the scheduler starts";
        /// It runs already.
        AlreadyRunning = 2, "the component runs already";
        /// It does not run.
        NotRunning = 3, "the component does not run";
        /// The archive has no usable program for it, or what was sent is none.
        BadProgram = 4, "the program cannot be loaded: the scheduler's log says why";
        /// The machine has not enough memory left, or the scheduler no slots.
        OutOfMemory = 5, "the machine has not enough memory left for the process";
        /// A process's method through the service itself, or the other way round.
        WrongCapability = 6, "the call was made through the wrong kind of capability";
        /// Above what the description gives.
        TooHigh = 7, "the priority is above the description's";
        /// A table of the scheduler is full.
        TooMany = 8, "a table of the scheduler is full, see docs/limits.md";
        /// The kernel or the memory server refused.
        Refused = 9, "the kernel or the memory server refused: the scheduler's log says what";
    }
}

/// The processes of one machine.
#[interface(name = "scheduler")]
pub trait Scheduler {
    /// Starts a component of the description that does not run.
    #[method(0)]
    fn start(
        &mut self,
        caller: Caller,
        name: Name,
        arguments: Arguments,
    ) -> Result<Cap<dyn Process>, SchedulerError>;

    /// The process capability of a component, whether it runs or not.
    #[method(1)]
    fn open(&mut self, caller: Caller, name: Name) -> Result<Cap<dyn Process>, SchedulerError>;

    /// Starts it with the program in a memory object in place of the archive's, over restarts too. The object is read once, now.
    #[method(3)]
    fn start_program(
        &mut self,
        caller: Caller,
        name: Name,
        arguments: Arguments,
        program: Cap<MemoryObject>,
    ) -> Result<Cap<dyn Process>, SchedulerError>;

    /// The same by the component's number, which is what a server knows of its client: by the badge.
    #[method(4)]
    fn of_client(
        &mut self,
        caller: Caller,
        component: u8,
    ) -> Result<Cap<dyn Process>, SchedulerError>;

    /// Counts of the whole machine.
    #[method(2)]
    fn statistics(&mut self) -> Result<Statistics, SchedulerError>;
}

/// One process: what the capability that [`Scheduler`] gives leads to.
#[interface(name = "process")]
pub trait Process {
    /// Starts it again after it has ended, with what it was started with before.
    #[method(0)]
    fn restart(&mut self, caller: Caller) -> Result<(), SchedulerError>;

    /// Ends it, and it is not started again.
    #[method(1)]
    fn stop(&mut self, caller: Caller) -> Result<(), SchedulerError>;

    /// Ends it as if it had failed; its policy says what follows.
    #[method(2)]
    fn kill(&mut self, caller: Caller) -> Result<(), SchedulerError>;

    /// Is answered when it ends, at once if it has ended.
    #[method(3)]
    fn wait(&mut self, caller: Caller, later: Later<Ended, SchedulerError>);

    /// `bell` is signalled at each of its ends from now on; [`report`](crate::Process::report) tells of the last, also when it runs again.
    #[method(4)]
    fn watch(&mut self, caller: Caller, bell: Cap<Notification>) -> Result<(), SchedulerError>;

    /// Its state.
    #[method(5)]
    fn report(&mut self, caller: Caller) -> Result<Report, SchedulerError>;

    /// The priority of its threads, from now until it ends: at most the description's.
    #[method(6)]
    fn set_priority(&mut self, caller: Caller, priority: u8) -> Result<(), SchedulerError>;

    /// The processor time that it has had since it started, in ticks of the machine's counter; `None` on a kernel that does not count it.
    #[method(7)]
    fn cpu_time(&mut self, caller: Caller) -> Result<Option<u64>, SchedulerError>;
}
