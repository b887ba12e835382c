//! The client's end of things: its channel, and the one signal at the end of a batch.

use isthmus_runtime::sel4::cap;
use network_interface::{Channel, Peer};
use network_logic::{Deliver, Undelivered};
use shared_memory::Wake;

/// The one client, netipc's proxy.
pub struct Client {
    pub channel: Channel<'static>,
    signal: cap::Notification,
    wake: Wake,
}

impl Client {
    pub const fn new(channel: Channel<'static>, signal: cap::Notification) -> Self {
        Self {
            channel,
            signal,
            wake: Wake::NotNeeded,
        }
    }

    /// Remembers that the client must be woken, if it must.
    pub fn note(&mut self, wake: Wake) {
        self.wake = self.wake.or(wake);
    }

    /// Wakes the client if anything since the last time asked for it.
    pub fn wake(&mut self) {
        if core::mem::replace(&mut self.wake, Wake::NotNeeded) == Wake::Needed {
            self.signal.signal();
        }
    }
}

/// Where datagrams go when there may be no client.
pub struct Inbox<'c>(pub Option<&'c mut Client>);

impl Deliver for Inbox<'_> {
    fn deliver(&mut self, from: Peer, payload: &[u8]) -> Result<(), Undelivered> {
        let client = self.0.as_mut().ok_or(Undelivered)?;
        let wake = client
            .channel
            .send(from, payload)
            .map_err(|_| Undelivered)?;
        client.note(wake);
        Ok(())
    }
}
