//! The card against a device in this process, which does what it should or lies.
extern crate std;

use std::vec;
use std::vec::Vec;

use shared_memory::Wait;
use virtio_device::DeviceType;
use virtio_device::fake::{Fake, Given, Manner, give_memory};
use virtio_drivers::transport::DeviceStatus;

use crate::card::{Card, CardError, Room};
use crate::transmit::Full;
use crate::{Broken, HEADER, MAX_FRAME, RECEIVE_BUFFERS, TRANSMIT_BUFFERS};

const RX: usize = 0;
const TX: usize = 1;
const MODERN: u64 = 1 << 32 | 1 << 5;
const MAC: [u8; 6] = [0x52, 0x54, 0, 0x49, 0x53, 7];

fn device(features: u64, manner: Manner) -> Fake {
    Fake::new(DeviceType::Network, features, manner, &MAC)
}

/// Delivers a frame into the next receive buffer; answers which buffer that was.
fn deliver(fake: &Fake, frame: &[u8]) -> Given {
    let given = fake.take(RX).expect("there is a receive buffer");
    given.write(HEADER, frame);
    fake.give(RX, given.id.into(), (HEADER + frame.len()) as u32);
    given
}

/// Takes a frame that the driver has sent, without giving the buffer back.
fn sent(fake: &Fake) -> Option<(Given, Vec<u8>)> {
    let given = fake.take(TX)?;
    Some((given, given.bytes()))
}

fn kicks(fake: &Fake) -> [usize; 2] {
    [RX, TX].map(|queue| fake.queue(queue).kicks)
}

fn card() -> (Card<Fake>, Fake) {
    give_memory();
    let fake = device(MODERN | 1 << 29, Manner::Agrees);
    (Card::start(fake.clone()).unwrap(), fake)
}

fn receive(card: &mut Card<Fake>) -> Result<Option<Vec<u8>>, Broken> {
    card.split().0.receive(<[u8]>::to_vec)
}

#[test]
fn it_comes_up_with_the_features_that_it_wants_and_no_others() {
    let (card, fake) = card();
    assert_eq!(
        fake.0.borrow().negotiated,
        MODERN,
        "above all no event index"
    );
    assert!(fake.0.borrow().status.contains(DeviceStatus::DRIVER_OK));
    assert_eq!(card.mac(), MAC);
    assert_eq!(usize::from(fake.queue(RX).waiting()), RECEIVE_BUFFERS);
    assert_eq!(kicks(&fake), [1, 0]);
}

#[test]
fn a_device_that_lacks_or_refuses_is_not_used() {
    give_memory();
    for fake in [
        device(1 << 5, Manner::Agrees),
        device(1 << 32, Manner::Agrees),
        device(MODERN, Manner::Refuses),
    ] {
        assert_eq!(Card::start(fake.clone()).err(), Some(CardError::Features));
        assert!(fake.0.borrow().status.contains(DeviceStatus::FAILED));
    }
}

#[test]
fn frames_arrive_and_buffers_go_back() {
    let (mut card, fake) = card();
    for number in 0..1000_usize {
        let frame = vec![number as u8; 1 + number % MAX_FRAME];
        deliver(&fake, &frame);
        assert_eq!(receive(&mut card), Ok(Some(frame)));
        assert_eq!(receive(&mut card), Ok(None));
        card.kick();
    }
    assert_eq!(usize::from(fake.queue(RX).waiting()), RECEIVE_BUFFERS);
}

#[test]
fn lengths_that_the_device_makes_up_stay_in_the_buffer() {
    let (mut card, fake) = card();
    for (length, seen) in [
        (u32::MAX, MAX_FRAME),
        (0, 0),
        (11, 0),
        (12, 0),
        (13, 1),
        (2000, MAX_FRAME),
    ] {
        let given = fake.take(RX).unwrap();
        fake.give(RX, given.id.into(), length);
        assert_eq!(receive(&mut card).unwrap().unwrap().len(), seen);
    }
}

#[test]
fn buffers_that_the_device_does_not_have_are_noticed() {
    for id in [RECEIVE_BUFFERS as u32, 0xffff, 0xffff_ffff] {
        let (mut card, fake) = card();
        fake.give(RX, id, 100);
        assert_eq!(receive(&mut card), Err(Broken));
    }
    let (mut card, fake) = card();
    card.split().1.transmit(60, |_| {}).unwrap();
    let (given, _) = sent(&fake).unwrap();
    fake.give(TX, given.id.into(), 0);
    fake.give(TX, given.id.into(), 0);
    while card.split().1.transmit(60, |_| {}).is_ok() {}
    assert!(card.split().1.is_broken());
}

#[test]
fn frames_are_sent_as_written_behind_an_empty_header() {
    let (mut card, fake) = card();
    for number in 1..=1000_usize {
        let length = 1 + number * 7 % MAX_FRAME;
        card.split()
            .1
            .transmit(length, |frame| frame.fill(number as u8))
            .unwrap();
        card.kick();
        let (given, bytes) = sent(&fake).unwrap();
        assert_eq!(bytes[..HEADER], [0; HEADER]);
        assert_eq!(bytes[HEADER..], vec![number as u8; length]);
        fake.give(TX, given.id.into(), 0);
    }
    assert_eq!(
        card.split()
            .1
            .transmit(MAX_FRAME + 1, |_| panic!("not called")),
        Err(Full)
    );
}

#[test]
fn a_full_queue_refuses_until_the_device_gives_a_buffer_back() {
    let (mut card, fake) = card();
    for _ in 0..TRANSMIT_BUFFERS {
        card.split().1.transmit(60, |_| {}).unwrap();
    }
    assert_eq!(
        card.split().1.transmit(60, |_| panic!("not called")),
        Err(Full)
    );
    assert_eq!(card.prepare_to_wait(Room::Wanted), Wait::Sleep);
    assert!(fake.queue(TX).wants_interrupts());
    // Not the first one.
    let (_, _) = sent(&fake).unwrap();
    let (second, _) = sent(&fake).unwrap();
    fake.give(TX, second.id.into(), 0);
    assert_eq!(card.prepare_to_wait(Room::Wanted), Wait::Ready);
    assert!(!fake.queue(TX).wants_interrupts());
    assert_eq!(card.split().1.transmit(60, |_| {}), Ok(()));
}

#[test]
fn kicks_come_once_a_batch_and_not_when_unwanted() {
    let (mut card, fake) = card();
    for _ in 0..5 {
        card.split().1.transmit(60, |_| {}).unwrap();
    }
    card.kick();
    card.kick();
    assert_eq!(kicks(&fake), [1, 1]);
    fake.queue(TX).want_kicks(false);
    card.split().1.transmit(60, |_| {}).unwrap();
    card.kick();
    assert_eq!(kicks(&fake), [1, 1]);
}

#[test]
fn it_sleeps_only_when_nothing_is_there_and_interrupts_are_asked_for() {
    let (mut card, fake) = card();
    card.suppress_interrupts();
    assert!(!fake.queue(RX).wants_interrupts());
    assert_eq!(card.prepare_to_wait(Room::NotWanted), Wait::Sleep);
    assert!(fake.queue(RX).wants_interrupts());
    assert!(!fake.queue(TX).wants_interrupts());
    deliver(&fake, b"frame");
    assert_eq!(card.prepare_to_wait(Room::NotWanted), Wait::Ready);
    assert!(!fake.queue(RX).wants_interrupts());
}
