//! The naming server: gives out capabilities by name, and shows the way to the peers' naming.
//!
//! It never waits for another machine: of netipc it asks only what netipc answers at once. The table and every decision are
//! `naming-logic`'s; this shell keeps the capabilities in slots. Promises and bounds are in `docs/naming.md`.
#![no_std]
#![no_main]

use isthmus_runtime::abi::startup::Endpoint;
use isthmus_runtime::calls::{Occasion, serve};
use isthmus_runtime::interface::{Anything, Caller, Cap, Disposition};
use isthmus_runtime::{Kernel, Service, Slot, Startup, say, slots};
use naming_interface::{Name, Naming, NamingError, Path, Step, naming};
use naming_logic::{Asker, Decision, Names};
use netipc_interface::NetipcClient;

isthmus_runtime::entry!(main);

struct Server {
    names: Names<Slot>,
    /// netipc's endpoint; a machine may do without.
    netipc: Option<Endpoint>,
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
    };
    serve(service, |occasion| match occasion {
        Occasion::Message(request, answer) => naming::dispatch(&mut server, request, answer),
        Occasion::Events(_) => Disposition::Nothing,
    })
}

impl Server {
    /// Who asks: the root task has put the caller's id into the badge of every capability to this server.
    fn asker(&self, caller: Caller) -> Asker {
        let client = caller.client();
        match &self.netipc {
            Some(netipc) if netipc.server == client => Asker::Peer,
            _ => Asker::Component(client),
        }
    }

    /// The naming of machine `node`.
    fn peer(&self, node: u8) -> Result<Cap<Anything>, NamingError> {
        let netipc = self.netipc.as_ref().ok_or(NamingError::NotFound)?;
        // Whatever netipc's reason, the machine cannot be asked.
        NetipcClient::new(Kernel, netipc.slot)
            .peer(node)
            .map_err(|_| NamingError::NotFound)
    }
}

impl Naming for Server {
    fn register(
        &mut self,
        caller: Caller,
        name: Name,
        capability: Cap<Anything>,
    ) -> Result<(), NamingError> {
        let slot = capability.into_slot();
        let (unneeded, result) = match self.names.register(self.asker(caller), name, slot) {
            Ok(replaced) => (replaced, Ok(())),
            Err(refused) => (Some(refused.capability), Err(refused.error)),
        };
        if let Some(slot) = unneeded {
            slots::free(slot);
        }
        result
    }

    fn unregister(&mut self, caller: Caller, name: Name) -> Result<(), NamingError> {
        let slot = self.names.unregister(self.asker(caller), &name)?;
        slots::free(slot);
        Ok(())
    }

    fn lookup(
        &mut self,
        caller: Caller,
        path: Path,
        after: u8,
    ) -> Result<(Step, Cap<Anything>), NamingError> {
        let mut after = after;
        loop {
            match self.names.look_up(self.asker(caller), &path, after)? {
                Decision::Give(slot) => return Ok((Step::Found, slot.into())),
                Decision::Refer { node, consumed } => match self.peer(node) {
                    Ok(peer) => return Ok((Step::Referral { node, consumed }, peer)),
                    // Try the next one; the last `after` ends with `NotFound`.
                    Err(_) => after = node,
                },
            }
        }
    }
}
