//! Fetches from what it is lent, and stores into it.
#![no_std]
#![no_main]

use bulk_programs::{Borrower, Failure, NAME, ServerError, borrower, fill, mapped, sum};
use isthmus_runtime::abi::{ComponentId, EndpointBadge, ObjectId};
use isthmus_runtime::interface::{Anything, CallError, Cap};
use isthmus_runtime::{Kernel, Service, Startup, calls, memory, say, time};
use naming_interface::{Lease, NamingClient, Path, Reach};
use netipc_interface::{Loan, LoanClient, LoanError, NetipcClient, Statistics, Terms};

isthmus_runtime::entry!(main);

/// The object behind the registered capability: this server.
const ITSELF: ObjectId = match ObjectId::new(1) {
    Some(object) => object,
    None => panic!("1 has less than 20 bits"),
};

/// From so many bytes on the server says how long they took.
const MUCH: u64 = 1 << 20;

struct Server {
    kept: Option<Cap<dyn Loan>>,
    /// The proxy, where this server may ask it for its figures.
    netipc: Option<NetipcClient<Kernel>>,
}

fn main(startup: &'static Startup) -> ! {
    let service = Service::get().expect("the description says `serves`");
    let name = startup.argument("name").unwrap_or(NAME);
    match register(startup, service, name) {
        Ok(()) => say!("registered"),
        Err(reason) => say!("FAILED: the server cannot register: {reason}"),
    }
    let netipc = startup.endpoint(NetipcClient::<Kernel>::INTERFACE).ok();
    let mut server = Server {
        kept: None,
        netipc: netipc.map(|netipc| NetipcClient::new(Kernel, netipc)),
    };
    calls::run(service, &mut server, borrower::dispatch)
}

fn register(startup: &Startup, service: Service, name: &str) -> Result<(), &'static str> {
    let naming = startup
        .endpoint(NamingClient::<Kernel>::INTERFACE)
        .map_err(|_| "no naming")?;
    let badge = EndpointBadge {
        client: ComponentId::ROOT_TASK,
        object: ITSELF,
    };
    let itself = service
        .mint::<dyn Borrower>(badge)
        .map_err(|_| "no slot is left")?;
    let path = Path::new(name).map_err(|_| "no path")?;
    NamingClient::new(Kernel, naming)
        .register(path, Lease::MAX, Reach::Cluster, itself.cast::<Anything>())
        .map_err(|_| "naming refuses")
}

fn told(error: CallError<LoanError>) -> ServerError {
    match error {
        CallError::Interface(LoanError::Over | LoanError::PeerLost) => ServerError::Over,
        CallError::Interface(LoanError::NotPermitted) => ServerError::NotPermitted,
        CallError::Interface(LoanError::OutOfRange) => ServerError::OutOfRange,
        CallError::Interface(LoanError::NoMemory) => ServerError::NoMemory,
        CallError::Interface(LoanError::TooMany) => ServerError::Other,
        // Taken away, as it is when its call is over: the kernel finds nothing in the slot.
        CallError::Outcome(_) => ServerError::Over,
    }
}

fn loan(data: &Cap<dyn Loan>) -> LoanClient<Kernel> {
    LoanClient::new(Kernel, data.alias())
}

impl Server {
    /// Moves bytes, and says how long it took.
    fn timed(
        what: &str,
        length: u64,
        moved: impl FnOnce() -> Result<(), CallError<LoanError>>,
    ) -> Result<(), CallError<LoanError>> {
        let start = time::now();
        let result = moved();
        let took = time::now() - start;
        if result.is_ok() && length >= MUCH {
            say!("{length} bytes {what} in {} us", took.as_micros());
        }
        result
    }

    /// Works on a loan; if its lender is lost, says how that ended, and whether everything is as before.
    fn on_loan<T>(
        &self,
        what: &str,
        work: impl FnOnce() -> Result<T, Wrong>,
    ) -> Result<T, ServerError> {
        let before = memory::server().and_then(|server| Ok(server.statistics()?));
        let result = work();
        if let Err(Wrong::Loan(error @ CallError::Interface(LoanError::PeerLost))) = &result {
            say!("{what}: ended with {error}");
            let after = memory::server().and_then(|server| Ok(server.statistics()?));
            match before == after {
                true => say!("{what} memory: ok"),
                false => say!("{what} memory: FAILED: {after:?}, not {before:?}"),
            }
            match self.netipc.as_ref().map(NetipcClient::statistics) {
                Some(Ok(Statistics { lending: 0, .. })) => say!("{what} rows: ok"),
                other => say!("{what} rows: FAILED: {other:?}"),
            }
        }
        result.map_err(|wrong| match wrong {
            Wrong::Loan(error) => told(error),
            Wrong::Memory => ServerError::NoMemory,
        })
    }
}

/// Why there is nothing to answer.
enum Wrong {
    Loan(CallError<LoanError>),
    Memory,
}

impl From<CallError<LoanError>> for Wrong {
    fn from(error: CallError<LoanError>) -> Self {
        Self::Loan(error)
    }
}

impl From<memory::Error> for Wrong {
    fn from(_: memory::Error) -> Self {
        Self::Memory
    }
}

impl From<Failure> for Wrong {
    fn from(_: Failure) -> Self {
        Self::Memory
    }
}

impl Borrower for Server {
    fn put(&mut self, data: Cap<dyn Loan>) -> Result<u64, ServerError> {
        let loan = loan(&data);
        self.on_loan("fetch", || {
            let Terms { length, .. } = loan.terms()?;
            let (object, mapping) = mapped(length)?;
            let into = object.capability();
            Self::timed("fetched", length, || loan.fetch(0, length, into, 0))?;
            Ok(sum(&mapping, length)?)
        })
    }

    fn get(&mut self, data: Cap<dyn Loan>, seed: u64) -> Result<(), ServerError> {
        let loan = loan(&data);
        self.on_loan("store", || {
            let Terms { length, .. } = loan.terms()?;
            let (object, mapping) = mapped(length)?;
            fill(&mapping, length, seed)?;
            let from = object.capability();
            Ok(Self::timed("stored", length, || {
                loan.store(0, length, from, 0)
            })?)
        })
    }

    fn overstep(
        &mut self,
        data: Cap<dyn Loan>,
        offset: u64,
        length: u64,
    ) -> Result<(), ServerError> {
        let (object, _mapping) = mapped(length).map_err(|_| ServerError::NoMemory)?;
        let stored = loan(&data).store(offset, length, object.capability(), 0);
        stored.map_err(told)
    }

    fn keep(&mut self, data: Cap<dyn Loan>) -> Result<(), ServerError> {
        self.kept = Some(data);
        Ok(())
    }

    fn use_kept(&mut self) -> Result<(), ServerError> {
        let data = self.kept.take().ok_or(ServerError::Other)?;
        self.overstep(data, 0, 8)
    }

    fn echo(&mut self, number: u64) -> Result<u64, ServerError> {
        Ok(number)
    }
}
