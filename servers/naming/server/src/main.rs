//! The naming server: gives out capabilities by name, and shows the way to the peers' naming.
//!
//! It never waits for another machine: of netipc it asks only what netipc answers at once. The table and every decision are
//! `naming-logic`'s; this shell keeps the capabilities in slots. Promises and bounds are in `docs/naming.md`.
#![no_std]
#![no_main]

use isthmus_runtime::abi::startup::Endpoint;
use isthmus_runtime::calls::{Occasion, serve};
use isthmus_runtime::interface::Disposition;
use isthmus_runtime::{EndpointBadge, Kernel, Service, Slot, Startup, say, slots};
use naming_interface::{Name, Naming, NamingError, Path, Step, dispatch};
use naming_logic::{Asker, Decision, Names};
use netipc_interface::NetipcClient;

isthmus_runtime::entry!(main);

struct Server {
    names: Names<Slot>,
    /// netipc's endpoint; a machine may do without.
    netipc: Option<Endpoint>,
    /// The capability of the last referral. It must be there while the answer is sent, and is deleted when the next message comes.
    referral: Option<Slot>,
}

fn main(startup: &'static Startup) -> ! {
    let Some(service) = Service::get() else {
        say!("the system description gives me nothing to serve: add `serves = [\"naming\"]`");
        isthmus_runtime::exit()
    };
    let machine = &startup.machine;
    let mut server = Server {
        names: Names::new(machine.node, machine.nodes),
        netipc: startup
            .endpoints
            .iter()
            .find(|e| e.interface == NetipcClient::<Kernel>::INTERFACE)
            .cloned(),
        referral: None,
    };
    serve(service, |occasion| match occasion {
        Occasion::Message(request, answer) => {
            server.forget_referral();
            dispatch(&mut server, request, answer)
        }
        Occasion::Events(_) => Disposition::Nothing,
    })
}

impl Server {
    /// Who asks: the root task has put the caller's id into the badge of every capability to this server.
    fn asker(&self, badge: u64) -> Asker {
        let client = EndpointBadge::from_bits(badge).client;
        match &self.netipc {
            Some(netipc) if netipc.server == client => Asker::Peer,
            _ => Asker::Component(client),
        }
    }

    fn forget_referral(&mut self) {
        if let Some(slot) = self.referral.take() {
            slots::free(slot);
        }
    }

    /// The naming of machine `node`.
    fn peer(&mut self, node: u8) -> Result<Slot, NamingError> {
        let netipc = self.netipc.as_ref().ok_or(NamingError::NotFound)?;
        // Whatever netipc's reason, the machine cannot be asked.
        let ((), slot) = NetipcClient::new(&Kernel, netipc.slot)
            .peer(node)
            .map_err(|_| NamingError::NotFound)?;
        self.referral = Some(slot);
        Ok(slot)
    }
}

impl Naming for Server {
    type Capability = Slot;

    fn register(&mut self, badge: u64, name: Name, capability: Slot) -> Result<(), NamingError> {
        let (unneeded, result) = match self.names.register(self.asker(badge), name, capability) {
            Ok(replaced) => (replaced, Ok(())),
            Err(refused) => (Some(refused.capability), Err(refused.error)),
        };
        if let Some(slot) = unneeded {
            slots::free(slot);
        }
        result
    }

    fn unregister(&mut self, badge: u64, name: Name) -> Result<(), NamingError> {
        let slot = self.names.unregister(self.asker(badge), &name)?;
        slots::free(slot);
        Ok(())
    }

    fn lookup(&mut self, badge: u64, path: Path, after: u8) -> Result<(Step, Slot), NamingError> {
        let mut after = after;
        loop {
            match self.names.look_up(self.asker(badge), &path, after)? {
                Decision::Give(slot) => return Ok((Step::Found, slot)),
                Decision::Refer { node, consumed } => match self.peer(node) {
                    Ok(slot) => return Ok((Step::Referral { node, consumed }, slot)),
                    // Try the next one; the last `after` ends with `NotFound`.
                    Err(_) => after = node,
                },
            }
        }
    }
}
