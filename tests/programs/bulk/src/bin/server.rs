//! Fetches from what it is lent, and stores into it.
#![no_std]
#![no_main]

use bulk_programs::{Borrower, NAME, ServerError, borrower, fill, mapped, sum};
use isthmus_runtime::abi::{ComponentId, EndpointBadge, ObjectId};
use isthmus_runtime::interface::{Anything, CallError, Cap};
use isthmus_runtime::{Kernel, Service, Startup, calls, say};
use naming_interface::{Lease, NamingClient, Path, Reach};
use netipc_interface::{Loan, LoanClient, LoanError, Terms};

isthmus_runtime::entry!(main);

/// The object behind the registered capability: this server.
const ITSELF: ObjectId = match ObjectId::new(1) {
    Some(object) => object,
    None => panic!("1 has less than 20 bits"),
};

#[derive(Default)]
struct Server {
    kept: Option<Cap<dyn Loan>>,
}

fn main(startup: &'static Startup) -> ! {
    let service = Service::get().expect("the description says `serves`");
    let name = startup.argument("name").unwrap_or(NAME);
    match register(startup, service, name) {
        Ok(()) => say!("registered"),
        Err(reason) => say!("FAILED: the server cannot register: {reason}"),
    }
    calls::run(service, &mut Server::default(), borrower::dispatch)
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

impl Borrower for Server {
    fn put(&mut self, data: Cap<dyn Loan>) -> Result<u64, ServerError> {
        let loan = loan(&data);
        let Terms { length, .. } = loan.terms().map_err(told)?;
        let (object, mapping) = mapped(length).map_err(|_| ServerError::NoMemory)?;
        let fetched = loan.fetch(0, length, object.capability(), 0);
        fetched.map_err(told)?;
        sum(&mapping, length).map_err(|_| ServerError::NoMemory)
    }

    fn get(&mut self, data: Cap<dyn Loan>, seed: u64) -> Result<(), ServerError> {
        let loan = loan(&data);
        let Terms { length, .. } = loan.terms().map_err(told)?;
        let (object, mapping) = mapped(length).map_err(|_| ServerError::NoMemory)?;
        fill(&mapping, length, seed).map_err(|_| ServerError::NoMemory)?;
        loan.store(0, length, object.capability(), 0).map_err(told)
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
