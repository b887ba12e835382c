//! What the lamp can be asked: an example of a driver.
//!
//! Three crates, as for every driver here: the interface; the logic (`lamp-logic`), written against `embedded_hal::digital` and tested on the host with a pin of the test's own; the
//! program (`lamp-server`), which gets a real pin from its description (`devices = ["gpio"]`) and needs no `unsafe`: a PL061's on the Arm board, the speaker's on a PC.
#![no_std]
#![forbid(unsafe_code)]

use isthmus_interface::{Wire, error_codes, interface};

/// Whether the lamp is lit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub enum Light {
    /// It is dark.
    Off = 0,
    /// It is lit.
    On = 1,
}

error_codes! {
    /// Why the lamp cannot be switched.
    pub enum LampError {
        /// The pin's driver refuses.
        Broken = 1, "the pin's driver refuses";
    }
}

/// A lamp.
#[interface(name = "lamp")]
pub trait Lamp {
    /// Switches it.
    #[method(0)]
    fn switch(&mut self, light: Light) -> Result<(), LampError>;

    /// Switches it to what it is not; answers what it is now.
    #[method(1)]
    fn toggle(&mut self) -> Result<Light, LampError>;

    /// What it is, as the hardware says.
    #[method(2)]
    fn light(&mut self) -> Result<Light, LampError>;
}
