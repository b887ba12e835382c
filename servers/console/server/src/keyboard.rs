//! What is typed, from the serial line to the one who reads it.

use console_interface::{Console, ConsoleError, Typed};
use embedded_hal_nb::serial::Read;
use isthmus_abi::startup::Interrupt;
use isthmus_runtime::devices::SerialPort;
use isthmus_runtime::grants;
use isthmus_runtime::interface::Later;

/// What was typed and not read, and who waits for it.
pub(crate) struct Keyboard {
    typed: Typed,
    reader: Option<Later<Typed, ConsoleError>>,
    interrupt: Interrupt,
}

impl Keyboard {
    /// From now on the port interrupts.
    pub(crate) fn new(interrupt: Interrupt, port: &mut SerialPort) -> Self {
        if let Err(error) = port.listen() {
            defmt::error!("no input: {}", defmt::Display2Format(&error));
        }
        Self {
            typed: Typed::new(),
            reader: None,
            interrupt,
        }
    }

    /// Takes what has come, as far as there is room, and hands it over. With the room filled the interrupt stays unacknowledged, and what comes stays where it
    /// is, until somebody has read.
    pub(crate) fn turn(&mut self, port: &mut SerialPort) {
        while !self.typed.is_full() {
            match port.read() {
                // There was room.
                Ok(byte) => drop(self.typed.push(byte)),
                Err(_) => {
                    self.acknowledge();
                    break;
                }
            }
        }
        if !self.typed.is_empty()
            && let Some(reader) = self.reader.take()
        {
            reader.answer(Ok(core::mem::take(&mut self.typed)));
        }
    }

    fn acknowledge(&self) {
        if let Err(error) = grants::interrupt_handler(self.interrupt).irq_handler_ack() {
            defmt::error!(
                "the interrupt cannot be acknowledged: {}",
                defmt::Debug2Format(&error)
            );
        }
    }
}

impl Console for Keyboard {
    fn read(&mut self, later: Later<Typed, ConsoleError>) {
        match self.reader {
            None => self.reader = Some(later),
            Some(_) => later.answer(Err(ConsoleError::Busy)),
        }
    }
}
