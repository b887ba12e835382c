//! Every kind of wrong message, to the lamp's dispatch.

use isthmus_interface::mistreat::mistreat;
use lamp_interface::{Lamp, LampError, Light, lamp};

struct Server;

impl Lamp for Server {
    fn switch(&mut self, _: Light) -> Result<(), LampError> {
        Err(LampError::Broken)
    }

    fn toggle(&mut self) -> Result<Light, LampError> {
        Ok(Light::On)
    }

    fn light(&mut self) -> Result<Light, LampError> {
        Ok(Light::Off)
    }
}

#[test]
fn each_gets_its_answer() {
    mistreat(lamp::METHODS, |request, answer| {
        lamp::dispatch(&mut Server, request, answer)
    });
}
