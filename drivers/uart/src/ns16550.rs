//! The 16550, by I/O ports. Registers: National Semiconductor PC16550D data sheet, section 8.

use io_ports::{Ports, Refused};

use crate::{Error, Line};

/// The first port of COM1.
pub const COM1: u16 = 0x3f8;
/// Ports that a 16550 has.
pub const PORTS: u16 = 8;

const DATA: u16 = 0;
const INTERRUPT_ENABLE: u16 = 1;
const FIFO_CONTROL: u16 = 2;
const LINE_CONTROL: u16 = 3;
const MODEM_CONTROL: u16 = 4;
const LINE_STATUS: u16 = 5;

/// Eight data bits, no parity, one stop bit.
const EIGHT_N_ONE: u8 = 0b11;
/// Both FIFOs on, and emptied.
const FIFOS_ON: u8 = 0b111;
/// Interrupts: something was received.
const ON_RECEIVED: u8 = 1;
/// Ready, and OUT2: without that line a PC's port raises no interrupt.
const READY_WITH_INTERRUPT: u8 = 0b1011;
/// There is a byte to read.
const DATA_READY: u8 = 1;
/// The transmit FIFO is empty.
const TRANSMIT_EMPTY: u8 = 1 << 5;
/// Bytes that an empty transmit FIFO takes.
const FIFO_BYTES: usize = 16;

/// A 16550.
#[derive(Debug)]
pub struct Ns16550<P> {
    ports: P,
    base: u16,
}

impl<P: Ports> Ns16550<P> {
    /// Switches the 16550 at `base` to polled sending.
    ///
    /// # Errors
    /// [`Refused`] if `ports` does not cover it.
    pub fn new(ports: P, base: u16) -> Result<Self, Refused> {
        ports.write(base + INTERRUPT_ENABLE, 0)?;
        ports.write(base + LINE_CONTROL, EIGHT_N_ONE)?;
        ports.write(base + FIFO_CONTROL, FIFOS_ON)?;
        Ok(Self { ports, base })
    }

    /// From now on there is an interrupt when something has come. It is an edge: before the next one, everything must have been read.
    ///
    /// # Errors
    /// [`Error::Refused`] if the ports are not ours.
    pub fn listen(&mut self) -> Result<(), Error> {
        self.ports
            .write(self.base + MODEM_CONTROL, READY_WITH_INTERRUPT)?;
        self.ports
            .write(self.base + INTERRUPT_ENABLE, ON_RECEIVED)?;
        Ok(())
    }
}

impl<P: Ports> Line for Ns16550<P> {
    type Refused = Refused;

    fn received(&mut self) -> Result<Option<u8>, Refused> {
        if self.ports.read(self.base + LINE_STATUS)? & DATA_READY == 0 {
            return Ok(None);
        }
        self.ports.read(self.base + DATA).map(Some)
    }

    fn transmit(&mut self, bytes: &[u8]) -> Result<usize, Refused> {
        if self.ports.read(self.base + LINE_STATUS)? & TRANSMIT_EMPTY == 0 {
            return Ok(0);
        }
        let count = bytes.len().min(FIFO_BYTES);
        for &byte in &bytes[..count] {
            self.ports.write(self.base + DATA, byte)?;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use embedded_io::Write;
    use std::cell::RefCell;
    use std::vec::Vec;

    /// A 16550 whose FIFO empties at every second look.
    #[derive(Default)]
    struct Model {
        sent: RefCell<Vec<u8>>,
        fifo: RefCell<(usize, u32)>,
        typed: RefCell<Vec<u8>>,
    }

    impl Ports for &Model {
        fn read(&self, port: u16) -> Result<u8, Refused> {
            let mut typed = self.typed.borrow_mut();
            if port == COM1 + DATA {
                return Ok(typed.pop().expect("the driver read what was not there"));
            }
            assert_eq!(port, COM1 + LINE_STATUS);
            if !typed.is_empty() {
                return Ok(DATA_READY);
            }
            let (room, looks) = &mut *self.fifo.borrow_mut();
            *looks += 1;
            if looks.is_multiple_of(2) {
                *room = FIFO_BYTES;
                return Ok(TRANSMIT_EMPTY);
            }
            Ok(0)
        }

        fn write(&self, port: u16, byte: u8) -> Result<(), Refused> {
            if !(COM1..COM1 + PORTS).contains(&port) {
                return Err(Refused);
            }
            if port == COM1 + DATA {
                let room = &mut self.fifo.borrow_mut().0;
                *room = room.checked_sub(1).expect("the driver overran the FIFO");
                self.sent.borrow_mut().push(byte);
            }
            Ok(())
        }
    }

    #[test]
    fn everything_arrives_in_order_and_the_fifo_is_not_overrun() {
        let model = Model::default();
        let text: Vec<u8> = (0..100).collect();
        let mut port = Ns16550::new(&model, COM1).unwrap();
        port.write_all(&text).unwrap();
        assert_eq!(*model.sent.borrow(), text);
    }

    #[test]
    fn what_has_come_is_read_once() {
        use embedded_hal_nb::serial::Read;
        let model = Model::default();
        model.typed.borrow_mut().extend(*b"ba");
        let mut port = Ns16550::new(&model, COM1).unwrap();
        port.listen().unwrap();
        assert_eq!(port.read(), Ok(b'a'));
        assert_eq!(port.read(), Ok(b'b'));
        assert_eq!(port.read(), Err(embedded_hal_nb::nb::Error::WouldBlock));
    }

    #[test]
    fn ports_of_others_are_refused() {
        assert_eq!(Ns16550::new(&Model::default(), 0x2f8).err(), Some(Refused));
    }
}
