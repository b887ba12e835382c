//! Every kind of wrong message, to the timer's dispatch.

use isthmus_interface::Caller;
use isthmus_interface::mistreat::mistreat;
use timer_interface::{Timer, TimerError, timer};

struct Server;

impl Timer for Server {
    fn arm(&mut self, _: Caller, _: u64) {}

    fn disarm(&mut self, _: Caller) {}

    fn attach(&mut self, _: Caller) -> Result<(), TimerError> {
        Err(TimerError::NotHeard)
    }
}

#[test]
fn each_gets_its_answer() {
    mistreat(timer::METHODS, |request, answer| {
        timer::dispatch(&mut Server, request, answer)
    });
}
