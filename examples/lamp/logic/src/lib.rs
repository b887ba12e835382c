//! A lamp on any pin that `embedded-hal` knows.
#![no_std]
#![forbid(unsafe_code)]

use embedded_hal::digital::{InputPin, StatefulOutputPin};
use lamp_interface::{Lamp, LampError, Light};

/// A lamp that is lit while its pin is high.
#[derive(Debug)]
pub struct OnPin<P>(pub P);

impl<P: StatefulOutputPin + InputPin> Lamp for OnPin<P> {
    fn switch(&mut self, light: Light) -> Result<(), LampError> {
        match light {
            Light::On => self.0.set_high(),
            Light::Off => self.0.set_low(),
        }
        .map_err(|_| LampError::Broken)
    }

    fn toggle(&mut self) -> Result<Light, LampError> {
        self.0.toggle().map_err(|_| LampError::Broken)?;
        self.light()
    }

    fn light(&mut self) -> Result<Light, LampError> {
        match self.0.is_high() {
            Ok(true) => Ok(Light::On),
            Ok(false) => Ok(Light::Off),
            Err(_) => Err(LampError::Broken),
        }
    }
}
