//! The card, its interrupt and the logic, in the order in which they must be used.

use alloc::boxed::Box;
use core::fmt;

use isthmus_abi::startup::{Interrupt, VirtioNet};
use isthmus_abi::{EventBit, Events};
use isthmus_runtime::interface::Later;
use isthmus_runtime::{Startup, grants, heap, say, time};
use network_interface::{Drop, EchoReport, NetworkError, Node, Peer};
use network_logic::{Clock, Configuration, Deliver, Mac, Network, Refused, Ticks};
use shared_memory::Wait;
use virtio_net::{Broken, Card, Room};

use crate::outlet::Outlet;

/// Why a port cannot be opened.
#[derive(Debug)]
pub enum OpenError {
    /// The machine's number is no node's.
    NoSuchNode(u8),
    /// The network card.
    Card(virtio_net::OpenError),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchNode(number) => write!(f, "there is no node {number}"),
            Self::Card(error) => write!(f, "the network card: {error}"),
        }
    }
}

impl core::error::Error for OpenError {}

/// How the card's interrupt is put to rest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// A message-signalled interrupt: nothing to do.
    Nothing,
    /// A level: first at the device, then at the kernel.
    Acknowledge,
}

/// The place on the wire.
///
/// One turn: [`acknowledge`](Self::acknowledge) the events that came, [`begin`](Self::begin), [`receive`](Self::receive) and [`send`](Self::send),
/// [`finish`](Self::finish), and sleep only if [`prepare_to_wait`](Self::prepare_to_wait) allows it.
pub struct Port {
    card: Card,
    interrupt: Interrupt,
    rest: Rest,
    pub(crate) network: Box<Network>,
    /// Who waits for the end of the wire echo.
    pub(crate) echo_caller: Option<Later<EchoReport, NetworkError>>,
    /// Allocations that the start took.
    pub(crate) allocations_at_start: u64,
}

impl Port {
    /// Brings the card up that the description gives this component, as the machine's node.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(startup: &'static Startup) -> Result<Self, OpenError> {
        let number = startup.machine.node;
        let node = Node::new(number).ok_or(OpenError::NoSuchNode(number))?;
        let (card, interrupt) = virtio_net::open(startup).map_err(OpenError::Card)?;
        let rest = match startup.virtio_net() {
            Ok(VirtioNet::Mmio { .. }) => Rest::Acknowledge,
            _ => Rest::Nothing,
        };
        let mac = Mac(card.mac());
        let now = time::now().ticks();
        let configuration = Configuration {
            mac,
            node,
            clock: Clock::new(time::frequency()),
            seed: now, // unpredictable enough for identifiers that nothing relies on
        };
        let network = Box::new(Network::new(configuration, Ticks(now)));
        let [a, b, c, d] = node.address();
        say!("network: {node} is {a}.{b}.{c}.{d}, {mac}");
        Ok(Self {
            card,
            interrupt,
            rest,
            network,
            echo_caller: None,
            allocations_at_start: heap::allocations(),
        })
    }

    /// From now on allocations count: the user's start is over.
    pub fn started(&mut self) {
        self.allocations_at_start = heap::allocations();
    }

    /// The event by which the card's interrupt comes.
    #[must_use]
    pub const fn event(&self) -> EventBit {
        self.interrupt.bit
    }

    /// Puts the interrupt to rest, if it is among these events.
    pub fn acknowledge(&mut self, events: Events) {
        if self.rest == Rest::Acknowledge && events.contains(self.interrupt.bit) {
            self.card.acknowledge();
            // The handler is ours; the kernel has no reason to refuse.
            let _ = grants::interrupt_handler(self.interrupt).irq_handler_ack();
        }
    }

    /// A turn begins: no interrupts until [`prepare_to_wait`](Self::prepare_to_wait).
    pub fn begin(&mut self) {
        self.card.suppress_interrupts();
    }

    /// Hands the oldest received frame to the logic, and what is in it for `inbox` to that. False: there was none.
    pub fn receive(&mut self, now: Ticks, inbox: &mut impl Deliver) -> bool {
        let (receiver, transmitter) = self.card.split();
        let mut outlet = Outlet(transmitter);
        let handle = |frame: &[u8]| {
            self.network.handle_frame(frame, now, &mut outlet, inbox);
        };
        match receiver.receive(handle) {
            Ok(handled) => handled.is_some(),
            Err(broken) => give_up(broken),
        }
    }

    /// Sends a datagram of `length` bytes, which `payload` writes; it is called with an empty slice if the datagram is dropped.
    ///
    /// # Errors
    /// [`Refused`]: there is no transmit buffer. `payload` was not called.
    pub fn send(
        &mut self,
        peer: Peer,
        length: usize,
        now: Ticks,
        payload: impl FnOnce(&mut [u8]),
    ) -> Result<(), Refused> {
        let (_, transmitter) = self.card.split();
        if transmitter.is_broken() {
            give_up(Broken);
        }
        let mut outlet = Outlet(transmitter);
        self.network.send(peer, length, now, &mut outlet, payload)
    }

    /// Frames that the device has and is not done with.
    pub fn under_way(&mut self) -> usize {
        self.card.split().1.under_way()
    }

    /// Counts a datagram that the user dropped.
    pub fn dropped(&mut self, reason: Drop) {
        self.network.dropped(reason);
    }

    /// The end of a turn's frames: does what is due, and tells the device of everything at once.
    pub fn finish(&mut self, now: Ticks) {
        self.network.advance(now, &mut Outlet(self.card.split().1));
        self.card.kick();
        self.finish_echo();
    }

    /// Asks for the interrupt, then looks once more: sleep only if it says so.
    pub fn prepare_to_wait(&mut self, room: Room) -> Wait {
        self.card.prepare_to_wait(room)
    }

    /// When [`finish`](Self::finish) has something to do again.
    #[must_use]
    pub fn deadline(&self) -> Option<Ticks> {
        self.network.deadline()
    }
}

/// A device that breaks the rules is not used any more: the component ends, and whoever calls it is told so.
fn give_up(broken: Broken) -> ! {
    say!("network: {broken}");
    isthmus_runtime::exit(isthmus_runtime::ExitCode::FAILURE)
}
