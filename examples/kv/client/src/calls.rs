//! Finding the server, and calling it with numbered requests.

use isthmus_runtime::abi::Outcome;
use isthmus_runtime::interface::CallError;
use isthmus_runtime::timer::Pause;
use isthmus_runtime::{Duration, Kernel, Slot, Startup, time};
use kv_interface::{Key, Kv, KvClient, KvError, REQUESTS, RequestId, Totals, Value};
use naming_interface::{NamingClient, Path, resolve};

use crate::{Failure, failure};

/// The server's name.
pub(crate) const NAME: &str = "kv";
/// How long to look for the server: its machine may be starting.
const LOOK_FOR: Duration = Duration::from_secs(60);
/// Between two look-ups.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A client of the server, wherever it is.
pub(crate) struct Calls {
    naming: Slot,
    server: KvClient<Kernel>,
    pause: Pause,
    /// This start of this client: no other counts its requests under this number.
    client: u32,
    next: u32,
}

/// The result of a call, with the number of the request.
pub(crate) type Numbered<T> = (RequestId, Result<T, CallError<KvError>>);

impl Calls {
    /// Looks the server up until it is there.
    pub(crate) fn find(startup: &'static Startup) -> Result<Self, Failure> {
        let naming = startup.endpoint(NamingClient::<Kernel>::INTERFACE);
        let naming = naming.map_err(|missing| failure!("{missing}"))?;
        let pause = Pause::new().map_err(|missing| failure!("{missing}"))?;
        let server = look_up(naming, &pause)?;
        Ok(Self {
            naming,
            server,
            pause,
            client: time::now().ticks() as u32,
            next: 0,
        })
    }

    /// Looks the server up again: the capability that there was leads nowhere any more.
    pub(crate) fn find_again(&mut self) -> Result<(), Failure> {
        self.server = look_up(self.naming, &self.pause)?;
        Ok(())
    }

    /// Whether something has a name.
    pub(crate) fn is_name(&self, name: &str) -> Result<bool, Failure> {
        let path = Path::new(name).map_err(|error| failure!("{error}"))?;
        Ok(resolve(&Kernel, self.naming, &path).is_ok())
    }

    /// The number of the next request: never the same twice.
    fn number(&mut self) -> RequestId {
        let id = RequestId {
            client: self.client,
            number: self.next,
        };
        self.next += 1;
        id
    }

    /// How many requests can still be numbered.
    pub(crate) const fn numbers_left(&self) -> u32 {
        REQUESTS - self.next
    }

    pub(crate) fn put(&mut self, key: &Key, value: &Value) -> Numbered<u64> {
        let id = self.number();
        (id, self.server.put(id, key.clone(), value.clone()))
    }

    pub(crate) fn get(&mut self, key: &Key) -> Numbered<Value> {
        let id = self.number();
        (id, self.server.get(id, key.clone()))
    }

    pub(crate) fn count(&mut self) -> Numbered<u64> {
        let id = self.number();
        (id, self.server.count(id))
    }

    /// How often the server ran a request. Asking changes nothing, so it is asked again when there was no answer.
    pub(crate) fn executed(&mut self, of: RequestId) -> Result<u32, Failure> {
        self.asking(|server| server.executed(of))
    }

    /// What the server has counted.
    pub(crate) fn totals(&mut self) -> Result<Totals, Failure> {
        self.asking(KvClient::totals)
    }

    fn asking<T>(
        &mut self,
        ask: impl Fn(&KvClient<Kernel>) -> Result<T, CallError<KvError>>,
    ) -> Result<T, Failure> {
        const ATTEMPTS: usize = 10;
        let mut last = Outcome::Unknown(isthmus_runtime::abi::Unknown::Other);
        for _ in 0..ATTEMPTS {
            match ask(&self.server) {
                Ok(answer) => return Ok(answer),
                Err(CallError::Interface(error)) => {
                    return Err(failure!("asking the server: {error}"));
                }
                Err(CallError::Outcome(outcome)) => last = outcome,
            }
            self.find_again()?;
        }
        Err(failure!("asking the server: {last}"))
    }
}

fn look_up(naming: Slot, pause: &Pause) -> Result<KvClient<Kernel>, Failure> {
    let path = Path::new(NAME).map_err(|error| failure!("{error}"))?;
    let end = time::now() + LOOK_FOR;
    loop {
        match resolve(&Kernel, naming, &path) {
            Ok(found) => return Ok(KvClient::new(Kernel, found.cast::<dyn Kv>())),
            Err(error) if time::now() >= end => return Err(failure!("`{NAME}`: {error}")),
            Err(_) => pause.sleep(LOOK_AGAIN),
        }
    }
}
