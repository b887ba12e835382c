//! The speaker's data pin of a PC: bit 1 of system control port B (Intel 82801IB data book, 13.7.1, NMI_SC).

use embedded_hal::digital::PinState;
use io_ports::{Ports, Refused};

use crate::Level;

/// System control port B.
pub const PORT_B: u16 = 0x61;

/// Whether timer 2's output reaches the speaker.
const SPEAKER_DATA: u8 = 1 << 1;
/// The bits that are settings; the others say how things are, and are written as zero.
const SETTINGS: u8 = 0b1111;

/// The pin.
#[derive(Debug)]
pub struct SpeakerPin<P> {
    ports: P,
}

impl<P: Ports> SpeakerPin<P> {
    /// Takes the pin, and leaves it as it is.
    pub const fn new(ports: P) -> Self {
        Self { ports }
    }
}

impl<P: Ports> Level for SpeakerPin<P> {
    type Refused = Refused;

    fn put(&mut self, state: PinState) -> Result<(), Refused> {
        let others = self.ports.read(PORT_B)? & SETTINGS & !SPEAKER_DATA;
        let pin = if state == PinState::High {
            SPEAKER_DATA
        } else {
            0
        };
        self.ports.write(PORT_B, others | pin)
    }

    fn is_up(&mut self) -> Result<bool, Refused> {
        Ok(self.ports.read(PORT_B)? & SPEAKER_DATA != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::Cell;
    use embedded_hal::digital::{OutputPin, StatefulOutputPin};

    /// A port whose upper half says how things are.
    struct Model(Cell<u8>);

    impl Ports for &Model {
        fn read(&self, port: u16) -> Result<u8, Refused> {
            if port == PORT_B {
                Ok(self.0.get() | 0x30)
            } else {
                Err(Refused)
            }
        }

        fn write(&self, port: u16, byte: u8) -> Result<(), Refused> {
            assert_eq!((port, byte & 0xf0), (PORT_B, 0));
            self.0.set(byte);
            Ok(())
        }
    }

    #[test]
    fn the_other_settings_stay() {
        let model = Model(Cell::new(0b1101));
        let mut pin = SpeakerPin::new(&model);
        pin.set_high().unwrap();
        assert_eq!(model.0.get(), 0b1111);
        assert!(pin.is_set_high().unwrap());
        pin.toggle().unwrap();
        assert_eq!(model.0.get(), 0b1101);
        assert!(pin.is_set_low().unwrap());
    }
}
