//! The driver against a device in this process, which does what it should, or lies. The driver's clock is when the device gets to do anything.
extern crate std;

use core::time::Duration;

use virtio_device::fake::{Fake, Manner, give_memory};
use virtio_device::{DeviceType, FEATURE_VERSION_1, Refusal};
use virtio_drivers::transport::DeviceStatus;

use crate::{DrawError, draw_by};

const BYTES: usize = 32;

fn device(features: u64, manner: Manner) -> Fake {
    give_memory();
    Fake::new(DeviceType::EntropySource, features, manner, &[])
}

fn modern() -> Fake {
    device(FEATURE_VERSION_1 | 1 << 29, Manner::Agrees)
}

/// Draws from a device that does `step` each millisecond.
fn draw(fake: &Fake, mut step: impl FnMut(&Fake)) -> Result<[u8; BYTES], DrawError> {
    let mut now = Duration::ZERO;
    let drawn = draw_by(&mut fake.clone(), || {
        step(fake);
        now += Duration::from_millis(1);
        now
    });
    assert!(
        fake.0.borrow().status.is_empty(),
        "it is reset, whatever came of it"
    );
    drawn
}

/// A device that gives at most so many bytes at once, counting up.
fn counting(most: usize) -> impl FnMut(&Fake) {
    let mut next = 0;
    move |fake| {
        let Some(given) = fake.take(0) else { return };
        assert!(!fake.queue(0).wants_interrupts());
        let count = most.min(given.length as usize);
        for offset in 0..count {
            given.write(offset, &[next]);
            next += 1;
        }
        fake.give(0, given.id.into(), count as u32);
    }
}

#[test]
fn it_gives_all_bytes_in_one_or_in_many() {
    let expected = core::array::from_fn(|index| index as u8);
    for most in [BYTES, 1, 5, 31] {
        let fake = modern();
        assert_eq!(draw(&fake, counting(most)), Ok(expected), "{most} at once");
        assert_eq!(fake.0.borrow().negotiated, FEATURE_VERSION_1, "no more");
    }
}

#[test]
fn a_device_that_is_silent_is_given_up() {
    let fake = modern();
    assert_eq!(draw(&fake, |_| {}), Err(DrawError::Silent));
    // After a part, too.
    let mut answers = 1;
    let mut count = counting(5);
    let drawn = draw(&modern(), |fake| {
        if answers > 0 && fake.queue(0).kicks > 0 {
            answers -= 1;
            count(fake);
        }
    });
    assert_eq!(drawn, Err(DrawError::Silent));
}

#[test]
fn a_device_that_lacks_or_refuses_is_not_used() {
    for fake in [
        device(1 << 29, Manner::Agrees),
        device(FEATURE_VERSION_1, Manner::Refuses),
    ] {
        let refused = Err(DrawError::Refused(Refusal::Features));
        assert_eq!(draw(&fake, |_| {}), refused);
        assert_eq!(fake.queue(0).kicks, 0);
    }
    assert!(!modern().0.borrow().status.contains(DeviceStatus::FAILED));
}

#[test]
fn lengths_and_buffers_that_cannot_be_are_noticed() {
    for (id, length) in [
        (0, 0),
        (0, BYTES as u32 + 1),
        (0, u32::MAX),
        (1, BYTES as u32),
        (0xffff, BYTES as u32),
    ] {
        let fake = modern();
        let drawn = draw(&fake, |fake| {
            if fake.take(0).is_some() {
                fake.give(0, id, length);
            }
        });
        assert_eq!(drawn, Err(DrawError::Broken), "buffer {id}, {length} bytes");
    }
}
