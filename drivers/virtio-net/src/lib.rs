//! Driver for a virtio network card (Virtual I/O Device 1.2, 5.1), over PCI with MSI-X or over MMIO, interrupt driven.
//!
//! The queues are `virtio-drivers`', the registers and the memory `virtio-device`'s; what is here is the card's life (features, buffers, kicks, sleeping). Receive buffers are posted once and given back after each frame; nothing is
//! allocated after [`Card::new`]. Kicks are deferred: call [`Card::kick`] once after a batch.
//!
//! The event index is not negotiated: with it, the crate's test whether to kick ignores the wrap of the index. Without it, a fence between
//! publishing an index and reading the other side's flag is all that is needed, and it is here.
//!
//! What it never does: look into frames, wait, or believe an index or a length that the device wrote without checking it.
//!
//! Read next: [`Card`]; `docs/network.md`.
#![no_std]

mod buffers;
mod card;
#[cfg(target_os = "none")]
mod open;
mod receive;
#[cfg(test)]
mod tests;
mod transmit;

pub use card::{Card, CardError, Room};
#[cfg(target_os = "none")]
pub use open::{OpenError, open};
pub use receive::Receiver;
pub use transmit::{Full, Transmitter};

/// Bytes of the header that stands before each frame in a buffer (`virtio_net_hdr` of a modern device).
const HEADER: usize = 12;
/// Bytes of a buffer: the header and the longest frame fit, with room for a VLAN tag; two to a page.
const BUFFER: usize = 2048;
/// Bytes of the longest frame.
pub const MAX_FRAME: usize = 1514;
/// Receive buffers, all of them always with the device.
const RECEIVE_BUFFERS: usize = 128;
/// Transmit buffers.
const TRANSMIT_BUFFERS: usize = 64;
/// Bytes of memory for DMA that a card needs: its buffers, and four pages for its queues and what they round up.
pub const DMA_BYTES: usize = (RECEIVE_BUFFERS + TRANSMIT_BUFFERS) * BUFFER + 8 * 4096;

/// The device did what it must not, such as returning a buffer that it was not given. It is not used any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

impl core::fmt::Display for Broken {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the network card returned a buffer that it did not have")
    }
}

impl core::error::Error for Broken {}
