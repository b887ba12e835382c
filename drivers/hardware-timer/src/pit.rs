//! The programmable interval timer, channel 0, in mode 0 (interrupt on terminal count): one shot of at most 54.9 ms.
//! Intel 8254 data sheet.

use io_ports::{Ports, Refused};

use crate::Alarm;

/// Ticks of the PIT in a second: 14.318180 MHz / 12.
pub const PIT_HZ: u64 = 1_193_182;
/// The port of channel 0's count. The PIT's ports go from here to [`COMMAND`].
pub const CHANNEL_0: u16 = 0x40;
/// The command port.
pub const COMMAND: u16 = 0x43;

/// Channel 0, low byte then high byte, mode 0. Until a count follows, nothing counts.
const ONE_SHOT: u8 = 0x30;
/// Hold channel 0's count, to read it.
const LATCH: u8 = 0x00;
/// The longest shot.
const LONGEST: u64 = 0xffff;
/// How long a measurement of the calibration takes, in ticks of the PIT: 10 ms.
const MEASUREMENT: u16 = (PIT_HZ / 100) as u16;
/// Two measurements agree if they differ by no more than this part.
const AGREEMENT: u64 = 64;
/// Measurements at most. Two are enough, unless something happens to the machine meanwhile.
const MEASUREMENTS: usize = 20;
/// Looks at the PIT after which a PIT that does not count is given up; a look takes a microsecond at least.
const LOOKS: u32 = 1_000_000;

/// The PIT as an alarm.
#[derive(Debug)]
pub struct Pit<P> {
    ports: P,
    counter_hz: u64,
}

impl<P: Ports> Pit<P> {
    /// Takes the PIT. The machine's counter has `counter_hz` ticks a second (at least one).
    ///
    /// # Errors
    /// [`Refused`] if `ports` does not cover it.
    pub fn new(ports: P, counter_hz: u64) -> Result<Self, Refused> {
        ports.write(COMMAND, ONE_SHOT)?;
        Ok(Self {
            ports,
            counter_hz: counter_hz.max(1),
        })
    }
}

impl<P: Ports> Alarm for Pit<P> {
    fn set(&mut self, now: u64, deadline: u64) -> Result<(), Refused> {
        let ticks = u128::from(deadline.saturating_sub(now)) * u128::from(PIT_HZ);
        let ticks = ticks.div_ceil(u128::from(self.counter_hz));
        let shot = ticks.clamp(1, u128::from(LONGEST)) as u16;
        start(&self.ports, shot)
    }

    fn clear(&mut self) -> Result<(), Refused> {
        self.ports.write(COMMAND, ONE_SHOT)
    }
}

fn start(ports: &impl Ports, count: u16) -> Result<(), Refused> {
    let [low, high] = count.to_le_bytes();
    ports.write(COMMAND, ONE_SHOT)?;
    ports.write(CHANNEL_0, low)?;
    ports.write(CHANNEL_0, high)
}

fn count(ports: &impl Ports) -> Result<u16, Refused> {
    ports.write(COMMAND, LATCH)?;
    Ok(u16::from_le_bytes([
        ports.read(CHANNEL_0)?,
        ports.read(CHANNEL_0)?,
    ]))
}

/// Measures the ticks a second of `counter` against the PIT, until two measurements of 10 ms agree. `Ok(None)` if the PIT does not count, or counts
/// as it likes.
///
/// One measurement is not enough: an emulated machine may be stopped between a look at the one and a look at the other, and an emulated PIT has been
/// seen to jump, which made a counter of gigahertz one of megahertz.
///
/// # Errors
/// [`Refused`] if `ports` does not cover the PIT.
pub fn calibrate(ports: &impl Ports, counter: impl Fn() -> u64) -> Result<Option<u64>, Refused> {
    let mut last = None;
    for _ in 0..MEASUREMENTS {
        let Some(hz) = measure(ports, &counter)? else {
            return Ok(None);
        };
        match last {
            Some(last) if hz.abs_diff(last) <= hz / AGREEMENT => {
                return Ok(Some(hz.midpoint(last)));
            }
            _ => last = Some(hz),
        }
    }
    Ok(None)
}

/// One measurement; `None` if the PIT does not count.
fn measure(ports: &impl Ports, counter: &impl Fn() -> u64) -> Result<Option<u64>, Refused> {
    start(ports, LONGEST as u16)?;
    let (pit_start, start) = (count(ports)?, counter());
    for _ in 0..LOOKS {
        let (pit, now) = (count(ports)?, counter());
        let pit_ticks = pit_start.wrapping_sub(pit);
        if pit_ticks >= MEASUREMENT {
            ports.write(COMMAND, ONE_SHOT)?;
            let ticks = u128::from(now.wrapping_sub(start)) * u128::from(PIT_HZ);
            return Ok(Some((ticks / u128::from(pit_ticks)) as u64));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::cell::{Cell, RefCell};
    use std::vec::Vec;

    /// A PIT beside a counter of 1 GHz; every access takes a microsecond.
    #[derive(Default)]
    struct Model {
        nanos: Cell<u64>,
        written: RefCell<Vec<(u16, u8)>>,
        count: Cell<u16>,
        started: Cell<u64>,
        latched: RefCell<Vec<u8>>,
        /// The look, counted from 1, that sees another count.
        jump_at: Cell<u32>,
        looks: Cell<u32>,
    }

    impl Ports for &Model {
        fn read(&self, port: u16) -> Result<u8, Refused> {
            assert_eq!(port, CHANNEL_0);
            Ok(self.latched.borrow_mut().remove(0))
        }

        fn write(&self, port: u16, byte: u8) -> Result<(), Refused> {
            self.nanos.set(self.nanos.get() + 1000);
            self.written.borrow_mut().push((port, byte));
            match (port, byte) {
                (COMMAND, LATCH) => {
                    let passed = (self.nanos.get() - self.started.get()) * PIT_HZ / 1_000_000_000;
                    self.looks.set(self.looks.get() + 1);
                    let jump = u16::from(self.looks == self.jump_at) * 100;
                    let now = self.count.get().wrapping_sub(passed as u16 + jump);
                    self.latched.borrow_mut().extend(now.to_le_bytes());
                }
                (CHANNEL_0, _) => {
                    self.count.set(self.count.get() >> 8 | u16::from(byte) << 8);
                    self.started.set(self.nanos.get());
                }
                _ => {}
            }
            Ok(())
        }
    }

    #[test]
    fn calibration_finds_the_frequency() {
        let model = Model::default();
        let hz = calibrate(&&model, || model.nanos.get()).unwrap().unwrap();
        assert!(hz.abs_diff(1_000_000_000) < 1_000_000, "{hz}");
    }

    /// A first look that sees too low a count makes the next one wrap.
    #[test]
    fn a_pit_that_jumps_once_is_measured_again() {
        for jump_at in [1, 2, 1000, 15_000] {
            let model = Model::default();
            model.jump_at.set(jump_at);
            let hz = calibrate(&&model, || model.nanos.get()).unwrap().unwrap();
            assert!(hz.abs_diff(1_000_000_000) < 20_000_000, "{jump_at}: {hz}");
        }
    }

    #[test]
    fn a_counter_that_stands_still_has_no_ticks() {
        assert_eq!(calibrate(&&Model::default(), || 0), Ok(Some(0)));
    }

    #[test]
    fn a_shot_is_rounded_up_and_never_longer_than_the_pit_counts() {
        let model = Model::default();
        let mut pit = Pit::new(&model, 1_000_000_000).unwrap();
        for (nanos, ticks) in [
            (0, 1),
            (1, 1),
            (1_000_000, 1194),
            (1_000_000_000, 0xffff),
            (u64::MAX, 0xffff),
        ] {
            pit.set(0, nanos).unwrap();
            assert_eq!(model.count.get(), ticks, "{nanos} ns");
        }
        pit.set(10, 5).unwrap();
        assert_eq!(model.count.get(), 1, "a deadline in the past");
        model.written.borrow_mut().clear();
        pit.clear().unwrap();
        assert_eq!(*model.written.borrow(), [(COMMAND, ONE_SHOT)]);
    }
}
