//! The lamp on a pin of the test's own.

use embedded_hal::digital::{ErrorKind, ErrorType, InputPin, OutputPin, StatefulOutputPin};
use lamp_interface::{Lamp, LampError, Light};
use lamp_logic::OnPin;

/// `None` is broken.
struct Pin(Option<bool>);

impl ErrorType for Pin {
    type Error = ErrorKind;
}

impl Pin {
    fn put(&mut self, high: bool) -> Result<(), ErrorKind> {
        *self.0.as_mut().ok_or(ErrorKind::Other)? = high;
        Ok(())
    }
}

impl OutputPin for Pin {
    fn set_low(&mut self) -> Result<(), ErrorKind> {
        self.put(false)
    }

    fn set_high(&mut self) -> Result<(), ErrorKind> {
        self.put(true)
    }
}

impl InputPin for Pin {
    fn is_high(&mut self) -> Result<bool, ErrorKind> {
        self.0.ok_or(ErrorKind::Other)
    }

    fn is_low(&mut self) -> Result<bool, ErrorKind> {
        self.is_high().map(|high| !high)
    }
}

impl StatefulOutputPin for Pin {
    fn is_set_high(&mut self) -> Result<bool, ErrorKind> {
        self.is_high()
    }

    fn is_set_low(&mut self) -> Result<bool, ErrorKind> {
        self.is_low()
    }
}

#[test]
fn it_is_what_it_was_switched_to() {
    let mut lamp = OnPin(Pin(Some(false)));
    assert_eq!(lamp.light(), Ok(Light::Off));
    assert_eq!(lamp.switch(Light::On), Ok(()));
    assert_eq!(lamp.light(), Ok(Light::On));
    assert_eq!(lamp.toggle(), Ok(Light::Off));
    assert_eq!(lamp.light(), Ok(Light::Off));
}

#[test]
fn a_broken_pin_is_said_so() {
    let mut lamp = OnPin(Pin(None));
    assert_eq!(lamp.switch(Light::On), Err(LampError::Broken));
    assert_eq!(lamp.toggle(), Err(LampError::Broken));
}
