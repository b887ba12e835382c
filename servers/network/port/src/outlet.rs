//! The card's transmit side, as the logic sees it.

use network_logic::{Full, Transmit};
use virtio_net::Transmitter;

/// The way out.
pub struct Outlet<'c>(pub &'c mut Transmitter);

impl Transmit for Outlet<'_> {
    fn has_room(&mut self) -> bool {
        self.0.has_room()
    }

    fn transmit(&mut self, length: usize, fill: impl FnOnce(&mut [u8])) -> Result<(), Full> {
        self.0.transmit(length, fill).map_err(|_| Full)
    }
}
