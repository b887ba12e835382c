//! The loop's body: what is done at each occasion, and when it is safe to sleep.

use alloc::boxed::Box;

use isthmus_abi::Events;
use isthmus_abi::startup::{Interrupt, VirtioNet};
use isthmus_runtime::calls::Occasion;
use isthmus_runtime::interface::{Disposition, Later};
use isthmus_runtime::{grants, heap, say, startup, time};
use network_interface::calls::{self, NetworkError};
use network_interface::{Counters, Drop, EchoReport, Node, ReceiveError};
use network_logic::{EchoError, EchoRequest, Network, Refused, Ticks};
use shared_memory::{Wait, Wake};
use virtio_net::{Broken, Card, Room};

use crate::client::{Client, Inbox};
use crate::outlet::Outlet;
use crate::timer::Alarm;

/// Frames, and datagrams, that are handled before the device is kicked, the client woken and the other direction looked at.
const BATCH: usize = 32;

/// How the card's interrupt is put to rest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// A message-signalled interrupt: nothing to do.
    Nothing,
    /// A level: first at the device, then at the kernel.
    Acknowledge,
}

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
    card: Card,
    interrupt: Interrupt,
    rest: Rest,
    network: Box<Network>,
    client: Option<Client>,
    alarm: Alarm,
    /// Who waits for the end of the wire echo.
    echo_caller: Option<Later<EchoReport, NetworkError>>,
    /// Allocations that the start took.
    allocations_at_start: u64,
}

impl Server {
    pub fn new(
        card: Card,
        interrupt: Interrupt,
        network: Box<Network>,
        client: Option<Client>,
        alarm: Alarm,
    ) -> Self {
        let rest = match startup().virtio_net() {
            Ok(VirtioNet::Mmio { .. }) => Rest::Acknowledge,
            _ => Rest::Nothing,
        };
        Self {
            card,
            interrupt,
            rest,
            network,
            client,
            alarm,
            echo_caller: None,
            allocations_at_start: heap::allocations(),
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
                let waiting = self.echo_caller.is_some();
                let disposition = calls::network::dispatch(self, request, answer);
                if !waiting && self.echo_caller.is_some() {
                    // This call has started a wire echo: its caller is answered at its end.
                    self.work();
                }
                disposition
            }
        }
    }

    fn handle_events(&mut self, events: Events) {
        if self.rest == Rest::Acknowledge && events.contains(self.interrupt.bit) {
            self.card.acknowledge();
            // The handler is ours; the kernel has no reason to refuse.
            let _ = grants::interrupt_handler(self.interrupt).irq_handler_ack();
        }
        if events.contains(self.alarm.bit()) {
            self.alarm.rang();
        }
        // A ring's event needs no looking at: rings are looked at in any case.
        self.work();
    }

    /// Does everything there is to do, until it is safe to sleep.
    pub fn work(&mut self) {
        loop {
            self.card.suppress_interrupts();
            let now = Ticks(time::now().ticks());
            self.receive(now);
            let drained = self.send(now);
            self.network.advance(now, &mut Outlet(self.card.split().1));
            self.card.kick();
            if let Some(client) = &mut self.client {
                client.wake();
            }
            self.finish_echo();
            if self.may_sleep(drained) {
                break;
            }
        }
        self.alarm.ring_by(self.network.deadline());
    }

    /// Hands received frames to the logic.
    fn receive(&mut self, now: Ticks) {
        let (receiver, transmitter) = self.card.split();
        let mut outlet = Outlet(transmitter);
        let mut inbox = Inbox(self.client.as_mut());
        for _ in 0..BATCH {
            let handle = |frame: &[u8]| {
                self.network
                    .handle_frame(frame, now, &mut outlet, &mut inbox);
            };
            match receiver.receive(handle) {
                Ok(Some(())) => {}
                Ok(None) => break,
                Err(broken) => give_up(broken),
            }
        }
    }

    /// Sends the client's datagrams.
    fn send(&mut self, now: Ticks) -> Drained {
        let Some(client) = &mut self.client else {
            return Drained::Enough;
        };
        let (_, transmitter) = self.card.split();
        if transmitter.is_broken() {
            give_up(Broken);
        }
        let mut outlet = Outlet(transmitter);
        for _ in 0..BATCH {
            let mut released = Wake::NotNeeded;
            match client.channel.receive() {
                Ok(None) => break,
                Ok(Some(datagram)) => {
                    let (peer, length) = (datagram.peer(), datagram.len());
                    let take = |payload: &mut [u8]| released = datagram.take(payload).1;
                    let sent = self.network.send(peer, length, now, &mut outlet, take);
                    if let Err(Refused) = sent {
                        return Drained::DeviceFull;
                    }
                }
                Err(error) => {
                    self.network.dropped(Drop::BadRecord);
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
        self.card.prepare_to_wait(room) == Wait::Sleep && ring == Wait::Sleep
    }

    /// Answers the caller of a wire echo that has ended.
    fn finish_echo(&mut self) {
        let Some(report) = self.network.take_echo() else {
            return;
        };
        if let Some(caller) = self.echo_caller.take() {
            caller.answer(Ok(report));
        }
    }

    fn start_echo(&mut self, node: u8, length: u16, count: u8) -> Result<(), NetworkError> {
        let request = EchoRequest {
            node: Node::new(node).ok_or(NetworkError::Invalid)?,
            length: length.into(),
            count: count.into(),
        };
        self.network
            .start_echo(request)
            .map_err(|error| match error {
                EchoError::Busy => NetworkError::Busy,
                EchoError::Invalid => NetworkError::Invalid,
            })
    }
}

impl calls::Network for Server {
    fn counters(&mut self) -> Result<Counters, NetworkError> {
        Ok(*self.network.counters())
    }

    fn wire_echo(
        &mut self,
        node: u8,
        length: u16,
        count: u8,
        later: Later<EchoReport, NetworkError>,
    ) {
        match self.start_echo(node, length, count) {
            Ok(()) => self.echo_caller = Some(later),
            Err(error) => later.answer(Err(error)),
        }
    }

    fn allocations(&mut self) -> Result<u64, NetworkError> {
        Ok(heap::allocations() - self.allocations_at_start)
    }
}

/// A device that breaks the rules is not used any more: the component ends, and whoever calls it is told so.
fn give_up(broken: Broken) -> ! {
    say!("network: {broken}");
    isthmus_runtime::exit(isthmus_runtime::ExitCode::FAILURE)
}
