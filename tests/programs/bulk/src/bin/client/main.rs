//! Lends memory to a server, and says of each check whether it went well.
#![no_std]
#![no_main]

extern crate alloc;

mod right;
mod small;
mod struck;

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use bulk_programs::{Borrower, BorrowerClient, mapped};
use isthmus_runtime::memory::{Mapping, MemoryObject};
use isthmus_runtime::timer::Pause;
use isthmus_runtime::{Duration, Kernel, Slot, Startup, say, service, time};
use naming_interface::{NamingClient, Path, resolve};
use netipc_client::Lent;
use netipc_interface::{Access, NetipcClient};

isthmus_runtime::entry!(main);

/// How long to look for the server: its machine may be starting.
const LOOK_FOR: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// What is lent, unless the machine's arguments say otherwise.
const BYTES: u64 = 1 << 20;

/// Why a check has failed.
struct Wrong(String);

type Checked<T = ()> = Result<T, Wrong>;

impl<E: fmt::Display> From<E> for Wrong {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

fn wrong<T>(why: impl fmt::Display) -> Checked<T> {
    Err(Wrong(why.to_string()))
}

/// Something is what it should be.
fn expect<T: PartialEq + fmt::Debug>(what: &str, found: &T, expected: &T) -> Checked {
    match found == expected {
        true => Ok(()),
        false => wrong(format!("{what}: {found:?}, not {expected:?}")),
    }
}

struct Client {
    naming: Slot,
    netipc: Slot,
    pause: Pause,
    bytes: u64,
}

fn main(startup: &'static Startup) -> ! {
    let checked = Client::new(startup).and_then(|client| match startup.argument("check") {
        Some("small") => client.small_calls(),
        Some("struck") => client.struck(),
        Some("none") => Ok(()),
        _ => {
            client.right();
            Ok(())
        }
    });
    if let Err(Wrong(why)) = checked {
        say!("client: FAILED: {why}");
    }
    loop {
        let _ = service::wait();
    }
}

fn report(check: &str, found: Checked) {
    match found {
        Ok(()) => say!("{check}: ok"),
        Err(Wrong(why)) => say!("{check}: FAILED: {why}"),
    }
}

impl Client {
    fn new(startup: &'static Startup) -> Checked<Self> {
        let bytes = startup.machine.argument("bytes");
        Ok(Self {
            naming: startup.endpoint(NamingClient::<Kernel>::INTERFACE)?,
            netipc: startup.endpoint(NetipcClient::<Kernel>::INTERFACE)?,
            pause: Pause::new()?,
            bytes: bytes.and_then(|bytes| bytes.parse().ok()).unwrap_or(BYTES),
        })
    }

    fn find(&self, name: &str) -> Checked<BorrowerClient<Kernel>> {
        let path = Path::new(name)?;
        let end = time::now() + LOOK_FOR;
        loop {
            match resolve(&Kernel, self.naming, &path) {
                Ok(found) => return Ok(BorrowerClient::new(Kernel, found.cast::<dyn Borrower>())),
                Err(error) if time::now() >= end => return wrong(error),
                Err(_) => self.pause.sleep(LOOK_AGAIN),
            }
        }
    }

    /// An object of so many bytes as are lent, mapped here.
    fn object(&self) -> Checked<(MemoryObject, Mapping)> {
        Ok(mapped(self.bytes)?)
    }

    fn lend(&self, object: &MemoryObject, access: Access) -> Checked<Lent> {
        let range = (0, self.bytes);
        Ok(Lent::new(self.netipc, &object.capability(), range, access)?)
    }
}
