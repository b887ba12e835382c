//! The card as a whole: coming up, kicks, sleeping.
use core::fmt;
use core::sync::atomic::{Ordering, fence};

use shared_memory::Wait;
use virtio_device::{
    DmaMemory, FEATURE_VERSION_1, MemoryError, PciFault, Refusal, Registers, memory, negotiate,
};
use virtio_drivers::Error;
use virtio_drivers::transport::Transport;

use crate::receive::Receiver;
use crate::transmit::Transmitter;

/// The device has a MAC address of its own (5.1.3).
const FEATURE_MAC: u64 = 1 << 5;

/// Why a card does not come up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardError {
    /// Its memory cannot be used.
    Memory(MemoryError),
    /// It stays in reset.
    Reset,
    /// It lacks the modern interface or an address of its own, or refuses to be used with those alone.
    Features,
    /// It has fewer descriptors than we use, or the memory for DMA is too small.
    Queue(Error),
    /// Its registers make no sense.
    Registers(PciFault),
}

impl fmt::Display for CardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(error) => error.fmt(f),
            Self::Reset => f.write_str("the network card does not come out of reset"),
            Self::Features => f.write_str("the network card lacks a feature that we need"),
            Self::Queue(error) => write!(f, "the network card's queues: {error}"),
            Self::Registers(PciFault::NotifyOutside) => {
                f.write_str("the network card's notification area is elsewhere than mapped")
            }
            Self::Registers(PciFault::NoVector) => {
                f.write_str("the network card has no interrupt to give")
            }
        }
    }
}

impl core::error::Error for CardError {}

impl From<MemoryError> for CardError {
    fn from(error: MemoryError) -> Self {
        Self::Memory(error)
    }
}

impl From<Refusal> for CardError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Reset => Self::Reset,
            Refusal::Features => Self::Features,
        }
    }
}

/// Whether somebody waits for transmit buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// Somebody does: wake up also when the device returns one.
    Wanted,
    /// Nobody does.
    NotWanted,
}

/// A network card that runs.
pub struct Card<T: Transport = Registers> {
    transport: T,
    mac: [u8; 6],
    receiver: Receiver,
    transmitter: Transmitter,
}

impl Card<Registers> {
    /// Brings a card up with `memory`, of which it needs [`crate::DMA_BYTES`].
    ///
    /// # Errors
    /// [`CardError`].
    ///
    /// # Safety
    /// `memory` must be mapped for ever, physically contiguous, and used by nobody else.
    pub unsafe fn new(registers: Registers, memory: DmaMemory) -> Result<Self, CardError> {
        // SAFETY: the caller's promise.
        unsafe { memory::give(memory)? };
        let card = Self::start(registers)?;
        match card.transport.fault() {
            Some(fault) => Err(CardError::Registers(fault)),
            None => Ok(card),
        }
    }

    /// Acknowledges an interrupt at the device, where that is needed. Before draining.
    pub fn acknowledge(&mut self) {
        self.transport.acknowledge();
    }
}

impl<T: Transport> Card<T> {
    /// Device initialisation (3.1.1), with the memory given already.
    pub(crate) fn start(mut transport: T) -> Result<Self, CardError> {
        negotiate(&mut transport, FEATURE_MAC | FEATURE_VERSION_1)?;
        let mut mac = [0; 6];
        for (offset, byte) in mac.iter_mut().enumerate() {
            *byte = transport
                .read_config_space(offset)
                .map_err(CardError::Queue)?;
        }
        let receiver = Receiver::new(&mut transport).map_err(CardError::Queue)?;
        let transmitter = Transmitter::new(&mut transport).map_err(CardError::Queue)?;
        transport.finish_init();
        let mut card = Self {
            transport,
            mac,
            receiver,
            transmitter,
        };
        card.kick();
        Ok(card)
    }

    /// The card's address.
    #[must_use]
    pub const fn mac(&self) -> [u8; 6] {
        self.mac
    }

    /// Both directions, to answer a frame while it is being looked at.
    pub fn split(&mut self) -> (&mut Receiver, &mut Transmitter) {
        (&mut self.receiver, &mut self.transmitter)
    }

    /// Tells the device of everything that it was given since the last time. The fence puts the publication of our indices before the look at
    /// the device's flags.
    pub fn kick(&mut self) {
        fence(Ordering::SeqCst);
        self.receiver.kick(&mut self.transport);
        self.transmitter.kick(&mut self.transport);
    }

    /// After an interrupt: no more of them until [`prepare_to_wait`](Self::prepare_to_wait). A hint, which the device may ignore.
    pub fn suppress_interrupts(&mut self) {
        self.receiver.interrupts(false);
        self.transmitter.interrupts(false);
    }

    /// Before sleeping: asks for interrupts, and looks once more. Sleep only if the answer is [`Wait::Sleep`].
    pub fn prepare_to_wait(&mut self, room: Room) -> Wait {
        self.receiver.interrupts(true);
        self.transmitter.interrupts(room == Room::Wanted);
        // The requests for interrupts before the last look; the device orders its index before its look at the requests.
        fence(Ordering::SeqCst);
        let room_came = room == Room::Wanted && self.transmitter.has_room();
        if self.receiver.is_pending() || room_came {
            self.suppress_interrupts();
            return Wait::Ready;
        }
        Wait::Sleep
    }
}
