//! What the components on the path of a remote call have allocated.

use isthmus_runtime::{Kernel, Startup, heap};
use netipc_interface::NetipcClient;
use network_interface::NetworkClient;
use remote_interface::Allocations;

/// The counters of this program, of this machine's netipc and of its network server. `None` if one of them is not given, or did not answer.
/// Asking allocates nothing here.
#[must_use]
pub fn machine_allocations(startup: &'static Startup) -> Option<Allocations> {
    let netipc = startup.endpoint(NetipcClient::<Kernel>::INTERFACE).ok()?;
    let network = startup.endpoint(NetworkClient::<Kernel>::INTERFACE).ok()?;
    Some(Allocations {
        program: heap::allocations(),
        netipc: NetipcClient::new(Kernel, netipc)
            .statistics()
            .ok()?
            .allocations,
        network: NetworkClient::new(Kernel, network).allocations().ok()?,
    })
}
