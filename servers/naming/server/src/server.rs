//! What naming has, and what it does between two messages.

use isthmus_runtime::abi::startup::{Endpoint, Root};
use isthmus_runtime::abi::{ComponentId, Events};
use isthmus_runtime::interface::{Answer, Cap, Disposition, Notification, Request};
use isthmus_runtime::{Kernel, Signal, Slot, Startup, say, slots, time};
use naming_interface::{NamingClient, NamingError, Path, naming};
use naming_logic::{Effect, Names};
use netipc_interface::NetipcClient;
use static_cell::ConstStaticCell;

use crate::asking::{Abroad, Asking};
use crate::clock::Clock;
use crate::directories::Directories;
use crate::owners::Owners;
use crate::view::View;

// Too large for the stack, and there is no heap.
static NAMES: ConstStaticCell<Names<Slot>> = ConstStaticCell::new(Names::new());

/// Where clients begin, as the description says.
fn set_roots(names: &mut Names<Slot>, startup: &Startup) {
    for Root { client, directory } in &startup.roots {
        let set = Path::new(directory.as_str())
            .map_err(|_| NamingError::TooLong)
            .and_then(|path| names.set_root(*client, &path));
        if let Err(error) = set {
            // Cannot be: the tree is empty, and the description's directories are fewer than its rows.
            say!("component {}: no directory {directory}: {error}", client.0);
        }
    }
}

/// The naming server.
pub struct Server {
    pub here: u8,
    pub names: &'static mut Names<Slot>,
    pub asking: Asking,
    pub directories: Directories,
    pub owners: Owners,
    /// Netipc's endpoint; a machine may do without.
    pub netipc: Option<Endpoint>,
    /// What the call that is being handled asks of another machine.
    pub abroad: Option<Abroad>,
    /// Who has registered what the call that is being handled gives to another machine.
    pub owner: Option<ComponentId>,
    /// Who owns cluster-wide names; `None`: the lowest number has them.
    pub view: Option<View>,
    clock: Clock,
}

impl Server {
    pub fn new(startup: &'static Startup) -> Self {
        let machine = &startup.machine;
        let netipc = NetipcClient::<Kernel>::INTERFACE;
        let netipc = startup.endpoints.iter().find(|e| e.interface == netipc);
        let names = NAMES.take();
        // Without netipc there are no peers. The counter has gone on since the last start, and is read once for each.
        let nodes = netipc.map_or(0, |_| machine.nodes);
        names.begin(machine.node, nodes, time::now().ticks());
        set_roots(names, startup);
        let view = View::open(startup, netipc);
        if view.is_some() {
            names.go_by_view();
        }
        if nodes > 1 && (startup.threads.len() < 2 || startup.replies.count == 0) {
            say!(
                "no other machine can be asked: add `threads` and `replies` to naming's description"
            );
        }
        Self {
            here: machine.node,
            names,
            asking: Asking::new(),
            directories: Directories::new(),
            owners: Owners::new(startup),
            netipc: netipc.cloned(),
            abroad: None,
            owner: None,
            view,
            clock: Clock::new(startup),
        }
    }

    /// Handles a message; what leads to another machine is answered later.
    pub fn message(&mut self, request: &mut Request<'_>, answer: &mut Answer) -> Disposition {
        let disposition = naming::dispatch(self, request, answer);
        if let Some(owner) = self.owner.take() {
            // Netipc's policy is about those who let something out.
            answer.attribute(owner);
        }
        match self.abroad.take() {
            Some(abroad) => self.defer(abroad),
            None => disposition,
        }
    }

    /// The timer has rung, a worker is done, or an owner has ended.
    pub fn events(&mut self, events: Events) {
        if self.clock.event().is_some_and(|bit| events.contains(bit)) {
            self.clock.rang();
        }
        if self.owners.event().is_some_and(|bit| events.contains(bit)) {
            let mut revoked = 0;
            for component in self.owners.ended() {
                self.names.owner_ended(Clock::now(), component);
                revoked += self.directories.close(component);
            }
            self.tell_revoked(revoked);
        }
        if let Some(view) = self
            .view
            .as_ref()
            .filter(|view| events.contains(view.bell()))
        {
            view.agree(self.names);
        }
        self.take_answers();
    }

    /// Does what there is to do before the next receive. It waits for nobody.
    pub fn settle(&mut self) {
        self.names.pass(Clock::now());
        while let Some(effect) = self.names.next_effect() {
            match effect {
                Effect::Signal(watcher) => Cap::<Notification>::from(watcher).signal(),
                Effect::Discard(slot) => slots::free(slot),
                Effect::Revoke(directory) => {
                    let revoked = self.directories.revoke(directory);
                    self.tell_revoked(revoked);
                }
                Effect::Poke => {
                    if let Some(view) = &self.view {
                        view.agree(self.names);
                    }
                    self.poke();
                }
            }
        }
        self.ask();
        self.clock.need(self.names.earliest());
    }

    /// Has netipc tell the machines that had what was taken back. It answers at once; if it does not, it finds out by the next call.
    fn tell_revoked(&self, count: usize) {
        if let Some(netipc) = self.netipc.as_ref().filter(|_| count > 0) {
            let _ = NetipcClient::new(Kernel, netipc.slot).revoked();
        }
    }

    /// Tells the peers' naming to ask for this machine's cluster-wide names.
    fn poke(&self) {
        for node in self.names.peers() {
            if let Some(peer) = self.peer(node) {
                // A word always fits a message.
                let _ = NamingClient::new(Kernel, peer).changed(self.here);
                slots::free(peer);
            }
        }
    }
}
