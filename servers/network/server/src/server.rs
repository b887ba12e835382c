//! The loop's body: what is done at each occasion, and when it is safe to sleep.

use isthmus_abi::Events;
use isthmus_runtime::calls::Occasion;
use isthmus_runtime::interface::Disposition;
use isthmus_runtime::time;
use network_interface::{Drop, ReceiveError, calls};
use network_logic::{Refused, Ticks};
use network_port::Port;
use shared_memory::{Wait, Wake};
use virtio_net::Room;

use crate::client::{Client, Inbox};
use crate::timer::Alarm;

/// Frames, and datagrams, that are handled before the device is kicked, the client woken and the other direction looked at.
const BATCH: usize = 32;

/// Why draining a client's ring ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Drained {
    /// It is empty, or its turn is over.
    Enough,
    /// The device has no transmit buffer.
    DeviceFull,
}

/// Everything that the server has.
pub struct Server {
    port: Port,
    client: Option<Client>,
    alarm: Alarm,
}

impl Server {
    pub fn new(mut port: Port, client: Option<Client>, alarm: Alarm) -> Self {
        port.started();
        Self {
            port,
            client,
            alarm,
        }
    }

    /// Whatever woke the server.
    pub fn handle(&mut self, occasion: Occasion<'_, '_>) -> Disposition {
        match occasion {
            Occasion::Events(events) => {
                self.handle_events(events);
                Disposition::Nothing
            }
            Occasion::Message(request, answer) => {
                let waiting = self.port.is_echoing();
                let disposition = calls::network::dispatch(&mut self.port, request, answer);
                if !waiting && self.port.is_echoing() {
                    // This call has started a wire echo: its caller is answered at its end.
                    self.work();
                }
                disposition
            }
        }
    }

    fn handle_events(&mut self, events: Events) {
        self.port.acknowledge(events);
        if events.contains(self.alarm.bit()) {
            self.alarm.rang();
        }
        // A ring's event needs no looking at: rings are looked at in any case.
        self.work();
    }

    /// Does everything there is to do, until it is safe to sleep.
    pub fn work(&mut self) {
        loop {
            self.port.begin();
            let now = Ticks(time::now().ticks());
            self.receive(now);
            let drained = self.send(now);
            self.port.finish(now);
            if let Some(client) = &mut self.client {
                client.wake();
            }
            if self.may_sleep(drained) {
                break;
            }
        }
        self.alarm.ring_by(self.port.deadline());
    }

    /// Hands received frames to the logic.
    fn receive(&mut self, now: Ticks) {
        let mut inbox = Inbox(self.client.as_mut());
        for _ in 0..BATCH {
            if !self.port.receive(now, &mut inbox) {
                break;
            }
        }
    }

    /// Sends the client's datagrams.
    fn send(&mut self, now: Ticks) -> Drained {
        let Some(client) = &mut self.client else {
            return Drained::Enough;
        };
        for _ in 0..BATCH {
            let mut released = Wake::NotNeeded;
            match client.channel.receive() {
                Ok(None) => break,
                Ok(Some(datagram)) => {
                    let (peer, length) = (datagram.peer(), datagram.len());
                    let take = |payload: &mut [u8]| released = datagram.take(payload).1;
                    if let Err(Refused) = self.port.send(peer, length, now, take) {
                        return Drained::DeviceFull;
                    }
                }
                Err(error) => {
                    self.port.dropped(Drop::BadRecord);
                    released = match error {
                        ReceiveError::Malformed(wake) => wake,
                        ReceiveError::Corrupt => client.channel.discard(),
                    };
                }
            }
            client.note(released);
        }
        Drained::Enough
    }

    /// Asks everybody for a wake-up, then looks once more.
    fn may_sleep(&mut self, drained: Drained) -> bool {
        let room = match drained {
            Drained::DeviceFull => Room::Wanted,
            Drained::Enough => Room::NotWanted,
        };
        // While the device is full the client's ring is not drained, so it need not signal.
        let ring = match &mut self.client {
            Some(client) if drained == Drained::Enough => client.channel.prepare_to_wait(),
            _ => Wait::Sleep,
        };
        self.port.prepare_to_wait(room) == Wait::Sleep && ring == Wait::Sleep
    }
}
