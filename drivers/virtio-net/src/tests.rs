//! The card against a device in this process, which does what it should or lies.
extern crate std;

use core::ptr::NonNull;
use std::alloc::{Layout, alloc_zeroed};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Once;
use std::vec;
use std::vec::Vec;

use shared_memory::Wait;
use virtio_drivers::PhysAddr;
use virtio_drivers::transport::{DeviceStatus, DeviceType, InterruptStatus, Transport};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::card::{Card, CardError, Room};
use crate::memory::{self, DmaMemory};
use crate::transmit::Full;
use crate::{Broken, HEADER, MAX_FRAME, RECEIVE_BUFFERS, TRANSMIT_BUFFERS};

const RX: usize = 0;
const TX: usize = 1;
const MODERN: u64 = 1 << 32 | 1 << 5;
const MAC: [u8; 6] = [0x52, 0x54, 0, 0x49, 0x53, 7];

/// One queue as the device sees it.
#[derive(Clone, Copy, Default)]
struct Queue {
    size: u16,
    descriptors: u64,
    available: u64,
    used: u64,
    /// The next entries that the device takes and gives.
    taken: u16,
    given: u16,
    kicks: usize,
}

/// A buffer that the device was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Given {
    id: u16,
    address: u64,
    length: u32,
}

fn read<T: Copy>(address: u64) -> T {
    // SAFETY: the tests read only where the driver says that its queues and buffers are, in the region that they gave it.
    unsafe { (address as *const T).read_volatile() }
}

fn write<T>(address: u64, value: T) {
    // SAFETY: as in `read`.
    unsafe { (address as *mut T).write_volatile(value) };
}

impl Queue {
    /// Buffers made available and not taken yet.
    fn waiting(&self) -> u16 {
        read::<u16>(self.available + 2).wrapping_sub(self.taken)
    }

    fn take(&mut self) -> Option<Given> {
        if self.waiting() == 0 {
            return None;
        }
        let slot = u64::from(self.taken % self.size);
        self.taken = self.taken.wrapping_add(1);
        let id: u16 = read(self.available + 4 + 2 * slot);
        let descriptor = self.descriptors + 16 * u64::from(id);
        Some(Given {
            id,
            address: read(descriptor),
            length: read(descriptor + 8),
        })
    }

    fn give(&mut self, id: u32, length: u32) {
        let slot = u64::from(self.given % self.size);
        self.given = self.given.wrapping_add(1);
        write(self.used + 4 + 8 * slot, id);
        write(self.used + 8 + 8 * slot, length);
        write(self.used + 2, self.given);
    }

    /// Whether the driver asks for interrupts.
    fn wants_interrupts(&self) -> bool {
        read::<u16>(self.available) & 1 == 0
    }
}

struct State {
    features: u64,
    accepts: bool,
    status: DeviceStatus,
    negotiated: u64,
    queues: [Queue; 2],
}

/// The device, shared by the driver's transport and the test.
#[derive(Clone)]
struct Fake(Rc<RefCell<State>>);

impl Fake {
    fn new(features: u64, accepts: bool) -> Self {
        Self(Rc::new(RefCell::new(State {
            features,
            accepts,
            status: DeviceStatus::empty(),
            negotiated: 0,
            queues: [Queue::default(); 2],
        })))
    }

    /// Delivers a frame into the next receive buffer; answers which buffer that was.
    fn deliver(&self, frame: &[u8]) -> Given {
        let queue = &mut self.0.borrow_mut().queues[RX];
        let given = queue.take().expect("there is a receive buffer");
        for (offset, byte) in frame.iter().enumerate() {
            write(given.address + (HEADER + offset) as u64, *byte);
        }
        queue.give(given.id.into(), (HEADER + frame.len()) as u32);
        given
    }

    /// Takes a frame that the driver has sent, without giving the buffer back.
    fn sent(&self) -> Option<(Given, Vec<u8>)> {
        let given = self.0.borrow_mut().queues[TX].take()?;
        let bytes = (0..u64::from(given.length)).map(|offset| read(given.address + offset));
        Some((given, bytes.collect()))
    }

    fn give(&self, queue: usize, id: u32, length: u32) {
        self.0.borrow_mut().queues[queue].give(id, length);
    }

    fn kicks(&self) -> [usize; 2] {
        self.0.borrow().queues.map(|queue| queue.kicks)
    }

    /// Tells the driver (not) to kick.
    fn want_kicks(&self, queue: usize, wanted: bool) {
        write(self.0.borrow().queues[queue].used, u16::from(!wanted));
    }

    fn queue(&self, queue: usize) -> Queue {
        self.0.borrow().queues[queue]
    }
}

impl Transport for Fake {
    fn device_type(&self) -> DeviceType {
        DeviceType::Network
    }

    fn read_device_features(&mut self) -> u64 {
        self.0.borrow().features
    }

    fn write_driver_features(&mut self, features: u64) {
        self.0.borrow_mut().negotiated = features;
    }

    fn max_queue_size(&mut self, _: u16) -> u32 {
        256
    }

    fn notify(&mut self, queue: u16) {
        self.0.borrow_mut().queues[usize::from(queue)].kicks += 1;
    }

    fn get_status(&self) -> DeviceStatus {
        self.0.borrow().status
    }

    fn set_status(&mut self, status: DeviceStatus) {
        let mut state = self.0.borrow_mut();
        let refused = if state.accepts {
            DeviceStatus::empty()
        } else {
            DeviceStatus::FEATURES_OK
        };
        state.status = status.difference(refused);
    }

    fn set_guest_page_size(&mut self, _: u32) {}

    fn requires_legacy_layout(&self) -> bool {
        false
    }

    fn queue_set(
        &mut self,
        queue: u16,
        size: u32,
        descriptors: PhysAddr,
        available: PhysAddr,
        used: PhysAddr,
    ) {
        self.0.borrow_mut().queues[usize::from(queue)] = Queue {
            size: size as u16,
            descriptors,
            available,
            used,
            ..Queue::default()
        };
    }

    fn queue_unset(&mut self, _: u16) {}

    fn queue_used(&mut self, queue: u16) -> bool {
        self.0.borrow().queues[usize::from(queue)].size != 0
    }

    fn ack_interrupt(&mut self) -> InterruptStatus {
        InterruptStatus::empty()
    }

    fn read_config_generation(&self) -> u32 {
        0
    }

    fn read_config_space<T: FromBytes + IntoBytes>(
        &self,
        offset: usize,
    ) -> virtio_drivers::Result<T> {
        T::read_from_bytes(&MAC[offset..offset + size_of::<T>()])
            .map_err(|_| virtio_drivers::Error::ConfigSpaceTooSmall)
    }

    fn write_config_space<T: IntoBytes + Immutable>(
        &mut self,
        _: usize,
        _: T,
    ) -> virtio_drivers::Result<()> {
        Ok(())
    }
}

/// Memory for the cards of all tests: what the driver calls physical is the address itself.
fn give_memory() {
    static GIVEN: Once = Once::new();
    GIVEN.call_once(|| {
        let bytes = 16 << 20;
        let layout = Layout::from_size_align(bytes, 4096).unwrap();
        // SAFETY: the layout is not empty; the memory is never freed, and used by nobody but the cards and their devices.
        unsafe {
            let address = NonNull::new(alloc_zeroed(layout)).unwrap();
            let physical = address.addr().get() as u64;
            memory::give(DmaMemory {
                address,
                physical,
                bytes,
            })
            .unwrap();
        }
    });
}

fn card() -> (Card<Fake>, Fake) {
    give_memory();
    let fake = Fake::new(MODERN | 1 << 29, true);
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
    assert_eq!(fake.kicks(), [1, 0]);
}

#[test]
fn a_device_that_lacks_or_refuses_is_not_used() {
    give_memory();
    for fake in [
        Fake::new(1 << 5, true),
        Fake::new(1 << 32, true),
        Fake::new(MODERN, false),
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
        fake.deliver(&frame);
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
        let given = fake.0.borrow_mut().queues[RX].take().unwrap();
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
    let (given, _) = fake.sent().unwrap();
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
        let (given, bytes) = fake.sent().unwrap();
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
    let (_, _) = fake.sent().unwrap();
    let (second, _) = fake.sent().unwrap();
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
    assert_eq!(fake.kicks(), [1, 1]);
    fake.want_kicks(TX, false);
    card.split().1.transmit(60, |_| {}).unwrap();
    card.kick();
    assert_eq!(fake.kicks(), [1, 1]);
}

#[test]
fn it_sleeps_only_when_nothing_is_there_and_interrupts_are_asked_for() {
    let (mut card, fake) = card();
    card.suppress_interrupts();
    assert!(!fake.queue(RX).wants_interrupts());
    assert_eq!(card.prepare_to_wait(Room::NotWanted), Wait::Sleep);
    assert!(fake.queue(RX).wants_interrupts());
    assert!(!fake.queue(TX).wants_interrupts());
    fake.deliver(b"frame");
    assert_eq!(card.prepare_to_wait(Room::NotWanted), Wait::Ready);
    assert!(!fake.queue(RX).wants_interrupts());
}
