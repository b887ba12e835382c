//! Which MAC a node has: learned from ARP and from the frames of the fast path, asked for when needed, forgotten when nobody answers.
//!
//! There is a place for each of the 254 nodes, so nothing that arrives can push an entry out. Whoever can send on the wire can claim to be a
//! node, as everywhere with ARP: netipc authenticates what it is told.
use heapless::Vec;
use network_interface::Node;
use smoltcp::wire::EthernetAddress;

use crate::limits::{ASK_EVERY, ASK_TIMES, ASKING, STALE_AFTER};
use crate::time::{Clock, Ticks};

/// What is known of a node.
#[derive(Clone, Copy)]
struct Known {
    mac: EthernetAddress,
    heard: Ticks,
}

/// A request that runs.
#[derive(Clone, Copy)]
struct Ask {
    node: Node,
    /// When to ask again, or to give up.
    due: Ticks,
    left: u8,
}

/// What has become due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Send an ARP request for this node.
    Ask(Node),
    /// The node did not answer; its entry is gone.
    Unreachable(Node),
}

/// Too many nodes are being asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

/// The table.
pub struct Neighbours {
    known: [Option<Known>; Node::MAX as usize + 1],
    asking: Vec<Ask, ASKING>,
    clock: Clock,
}

impl Neighbours {
    /// Knows nobody.
    #[must_use]
    pub const fn new(clock: Clock) -> Self {
        Self {
            known: [None; Node::MAX as usize + 1],
            asking: Vec::new(),
            clock,
        }
    }

    /// A frame from `node` came from `mac`.
    pub fn learn(&mut self, node: Node, mac: EthernetAddress, now: Ticks) {
        self.known[usize::from(node.number())] = Some(Known { mac, heard: now });
        if !self.asking.is_empty() {
            self.asking.retain(|ask| ask.node != node);
        }
    }

    /// The node's address, to send to it now. One that was not heard from for long is asked for again meanwhile.
    pub fn resolve(&mut self, node: Node, now: Ticks) -> Option<EthernetAddress> {
        let known = self.known[usize::from(node.number())]?;
        if now >= self.clock.after(known.heard, STALE_AFTER) {
            // With no place to ask from, the address is used on, and asked for next time.
            let _ = self.ask(node, now);
        }
        Some(known.mac)
    }

    /// The node's address, if it is known.
    #[must_use]
    pub fn get(&self, node: Node) -> Option<EthernetAddress> {
        self.known[usize::from(node.number())].map(|known| known.mac)
    }

    /// Asks for the node's address from now on, unless that is under way.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn ask(&mut self, node: Node, now: Ticks) -> Result<(), TooMany> {
        if self.asking.iter().any(|ask| ask.node == node) {
            return Ok(());
        }
        let ask = Ask {
            node,
            due: now,
            left: ASK_TIMES,
        };
        self.asking.push(ask).map_err(|_| TooMany)
    }

    /// One thing that is due; call it until it answers `None`.
    pub fn due(&mut self, now: Ticks) -> Option<Due> {
        let index = self.asking.iter().position(|ask| ask.due <= now)?;
        let ask = &mut self.asking[index];
        let node = ask.node;
        if ask.left > 0 {
            ask.left -= 1;
            ask.due = self.clock.after(now, ASK_EVERY);
            return Some(Due::Ask(node));
        }
        self.asking.swap_remove(index);
        self.known[usize::from(node.number())] = None;
        Some(Due::Unreachable(node))
    }

    /// When something becomes due.
    #[must_use]
    pub fn deadline(&self) -> Option<Ticks> {
        self.asking.iter().map(|ask| ask.due).min()
    }
}
