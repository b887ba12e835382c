//! Where frames leave the logic, and the same as a device for smoltcp.
use smoltcp::phy::{self, Checksum, ChecksumCapabilities, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

/// Bytes of the longest frame: an Ethernet header and 1500 bytes.
pub const MAX_FRAME: usize = 14 + 1500;

/// There is no free transmit buffer. Nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// The device's transmit side.
pub trait Transmit {
    /// Whether [`transmit`](Self::transmit) would take a frame now.
    fn has_room(&mut self) -> bool;

    /// Sends a frame of `length` bytes, at most 1514, that `fill` writes into the (not zeroed) buffer.
    ///
    /// # Errors
    /// [`Full`]; `fill` was not called.
    fn transmit(&mut self, length: usize, fill: impl FnOnce(&mut [u8])) -> Result<(), Full>;
}

/// The device that smoltcp sees for one frame: what was received, and the way out.
pub(crate) struct Port<'a, T> {
    pub received: Option<&'a [u8]>,
    pub transmit: &'a mut T,
    /// Frames sent through it.
    pub sent: u64,
}

/// A received frame.
pub(crate) struct Received<'a>(&'a [u8]);

/// Permission to send a frame: given only while there is room.
pub(crate) struct Permit<'a, T> {
    transmit: &'a mut T,
    sent: &'a mut u64,
}

impl<T: Transmit> phy::Device for Port<'_, T> {
    type RxToken<'b>
        = Received<'b>
    where
        Self: 'b;
    type TxToken<'b>
        = Permit<'b, T>
    where
        Self: 'b;

    fn receive(&mut self, now: Instant) -> Option<(Received<'_>, Permit<'_, T>)> {
        // Whatever is received may have to be answered.
        let received = self.transmit.has_room().then(|| self.received.take())??;
        Some((Received(received), self.transmit(now)?))
    }

    fn transmit(&mut self, _: Instant) -> Option<Permit<'_, T>> {
        self.transmit.has_room().then_some(Permit {
            transmit: self.transmit,
            sent: &mut self.sent,
        })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        capabilities()
    }
}

pub(crate) fn capabilities() -> DeviceCapabilities {
    let mut capabilities = DeviceCapabilities::default();
    capabilities.medium = Medium::Ethernet;
    capabilities.max_transmission_unit = MAX_FRAME;
    let mut checksum = ChecksumCapabilities::default();
    checksum.ipv4 = Checksum::Both;
    checksum.udp = Checksum::Both;
    capabilities.checksum = checksum;
    capabilities
}

impl phy::RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

impl<T: Transmit> phy::TxToken for Permit<'_, T> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, f: F) -> R {
        let mut result = None;
        // Cannot be full: the permit was given while there was room, and nobody else sends while smoltcp holds it.
        let _ = self
            .transmit
            .transmit(length, |frame| result = Some(f(frame)));
        *self.sent += 1;
        result.expect("a permit is given only while there is room")
    }
}
