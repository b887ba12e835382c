//! A device in this process, for the tests of drivers: it does what a test has it do, or lies. Its queues lie in the program's memory for DMA, which is ordinary memory here.
extern crate std;

use core::ptr::NonNull;
use std::alloc::{Layout, alloc_zeroed};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Once;
use std::vec::Vec;

use virtio_drivers::PhysAddr;
use virtio_drivers::transport::{DeviceStatus, DeviceType, InterruptStatus, Transport};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::memory::{self, DmaMemory};

/// Queues that a fake device has.
pub const QUEUES: usize = 2;

/// One queue as the device sees it.
#[derive(Clone, Copy, Default)]
pub struct Queue {
    size: u16,
    descriptors: u64,
    available: u64,
    used: u64,
    /// The next entries that the device takes and gives.
    taken: u16,
    given: u16,
    /// How often the driver has told the device to look.
    pub kicks: usize,
}

/// A buffer that the device was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    /// What the driver knows it by.
    pub id: u16,
    address: u64,
    /// Its length in bytes.
    pub length: u32,
}

impl Given {
    /// What is in it.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let addresses = (0..u64::from(self.length)).map(|offset| self.address + offset);
        addresses.map(read).collect()
    }

    /// Writes into it, from byte `offset` on.
    pub fn write(&self, offset: usize, bytes: &[u8]) {
        for (at, byte) in (self.address + offset as u64..).zip(bytes) {
            write(at, *byte);
        }
    }
}

fn read<T: Copy>(address: u64) -> T {
    // SAFETY: the tests read only where the driver says that its queues and buffers are, in the region that `give_memory` gave it.
    unsafe { (address as *const T).read_volatile() }
}

fn write<T>(address: u64, value: T) {
    // SAFETY: as in `read`.
    unsafe { (address as *mut T).write_volatile(value) };
}

impl Queue {
    /// Buffers made available and not taken yet.
    #[must_use]
    pub fn waiting(&self) -> u16 {
        read::<u16>(self.available + 2).wrapping_sub(self.taken)
    }

    /// The next buffer, if the driver has made one available.
    pub fn take(&mut self) -> Option<Given> {
        if self.size == 0 || self.waiting() == 0 {
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

    /// Gives a buffer back, saying that `length` bytes were written.
    pub fn give(&mut self, id: u32, length: u32) {
        let slot = u64::from(self.given % self.size);
        self.given = self.given.wrapping_add(1);
        write(self.used + 4 + 8 * slot, id);
        write(self.used + 8 + 8 * slot, length);
        write(self.used + 2, self.given);
    }

    /// Whether the driver asks for interrupts.
    #[must_use]
    pub fn wants_interrupts(&self) -> bool {
        read::<u16>(self.available) & 1 == 0
    }

    /// Tells the driver (not) to kick.
    pub fn want_kicks(&self, wanted: bool) {
        write(self.used, u16::from(!wanted));
    }
}

/// What the device does with the features that the driver chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It takes them.
    Agrees,
    /// It takes none.
    Refuses,
}

/// What is inside a fake device.
pub struct State {
    kind: DeviceType,
    features: u64,
    manner: Manner,
    configuration: &'static [u8],
    /// What the driver has last written.
    pub status: DeviceStatus,
    /// The features that it has chosen.
    pub negotiated: u64,
    /// The queues.
    pub queues: [Queue; QUEUES],
}

/// The device, shared by the driver's transport and the test.
#[derive(Clone)]
pub struct Fake(pub Rc<RefCell<State>>);

impl Fake {
    /// A device that offers these features and has this configuration space.
    #[must_use]
    pub fn new(
        kind: DeviceType,
        features: u64,
        manner: Manner,
        configuration: &'static [u8],
    ) -> Self {
        Self(Rc::new(RefCell::new(State {
            kind,
            features,
            manner,
            configuration,
            status: DeviceStatus::empty(),
            negotiated: 0,
            queues: [Queue::default(); QUEUES],
        })))
    }

    /// Takes the next buffer of a queue.
    #[must_use]
    pub fn take(&self, queue: usize) -> Option<Given> {
        self.0.borrow_mut().queues[queue].take()
    }

    /// Gives a buffer back.
    pub fn give(&self, queue: usize, id: u32, length: u32) {
        self.0.borrow_mut().queues[queue].give(id, length);
    }

    /// A queue as it is now.
    #[must_use]
    pub fn queue(&self, queue: usize) -> Queue {
        self.0.borrow().queues[queue]
    }
}

impl Transport for Fake {
    fn device_type(&self) -> DeviceType {
        self.0.borrow().kind
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
        let refused = match state.manner {
            Manner::Agrees => DeviceStatus::empty(),
            Manner::Refuses => DeviceStatus::FEATURES_OK,
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
        let configuration = self.0.borrow().configuration;
        let bytes = configuration.get(offset..offset + size_of::<T>());
        let value = bytes.and_then(|bytes| T::read_from_bytes(bytes).ok());
        value.ok_or(virtio_drivers::Error::ConfigSpaceTooSmall)
    }

    fn write_config_space<T: IntoBytes + Immutable>(
        &mut self,
        _: usize,
        _: T,
    ) -> virtio_drivers::Result<()> {
        Ok(())
    }
}

/// Gives the program memory for DMA, once: what the driver calls physical is the address itself.
///
/// # Panics
/// If there is no memory.
pub fn give_memory() {
    static GIVEN: Once = Once::new();
    GIVEN.call_once(|| {
        let bytes = 16 << 20;
        let layout = Layout::from_size_align(bytes, 4096).unwrap();
        // SAFETY: the layout is not empty; the memory is never freed, and used by nobody but drivers and their devices.
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
