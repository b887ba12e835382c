//! Sleeping, by the timer server. Needs `uses = ["timer"]` and an `[[event]]` from the timer to this component.

use isthmus_abi::startup::Missing;
use timer_interface::TimerClient;

use crate::{Duration, Kernel, service, startup, time};

/// Returns after `duration`, or a little later.
///
/// Only for the main thread of a component that hears no other events: one that comes meanwhile is taken, and lost. There is one deadline for each
/// component; a server that has one of its own arms the timer itself.
///
/// # Errors
/// What the description lacks.
pub fn sleep(duration: Duration) -> Result<(), Missing<'static>> {
    let name = TimerClient::<Kernel>::INTERFACE;
    let timer = startup().endpoint(name)?;
    let event = startup().event(name)?;
    let end = time::now() + duration;
    // The message has one word, so it fits.
    let _ = TimerClient::new(Kernel, timer).arm(end.ticks());
    while !(service::wait().contains(event) && time::now() >= end) {}
    Ok(())
}
