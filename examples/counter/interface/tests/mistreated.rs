//! Every kind of wrong message, to the counter's dispatch.

use counter_interface::{Counter, CounterError, counter};
use isthmus_interface::mistreat::mistreat;

struct Server;

impl Counter for Server {
    fn increment(&mut self) -> Result<u64, CounterError> {
        Err(CounterError::Overflow)
    }

    fn value(&mut self) -> Result<u64, CounterError> {
        Ok(u64::MAX)
    }

    fn fail(&mut self) -> Result<(), CounterError> {
        Ok(())
    }
}

#[test]
fn each_gets_its_answer() {
    mistreat(counter::METHODS, |request, answer| {
        counter::dispatch(&mut Server, request, answer)
    });
}
