//! What the programs of the scheduler's tests share: where each finds the scheduler, and what they ask the mortal server, which is `death-programs`'s.
//! See `docs/processes.md`.
#![no_std]
#![forbid(unsafe_code)]

pub use death_programs::{DIE, GREET, HANG, MORTAL, SAVE, ask, tell};
use isthmus_runtime::abi::startup::Missing;
use isthmus_runtime::{Kernel, Startup};
use scheduler_interface::SchedulerClient;

/// The channel in which `runner` counts.
pub const COUNT: &str = "count";

/// The scheduler.
pub fn scheduler(startup: &Startup) -> Result<SchedulerClient<Kernel>, Missing<'static>> {
    let interface = SchedulerClient::<Kernel>::INTERFACE;
    let slot = startup.endpoint(interface)?;
    Ok(SchedulerClient::new(Kernel, slot))
}
