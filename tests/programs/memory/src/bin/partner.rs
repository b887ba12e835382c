//! Maps what it is shown, and reads and writes there as it is told.
#![no_std]
#![no_main]

use isthmus_runtime::interface::Cap;
use isthmus_runtime::memory::{self, Access, Kind as MemoryObject, Mapping};
use isthmus_runtime::{Service, Startup, calls, say};
use memory_programs::{Partner, PartnerError, partner};

isthmus_runtime::entry!(main);

/// What it has mapped.
#[derive(Default)]
struct Server(Option<Mapping>);

fn main(_startup: &'static Startup) -> ! {
    let service = Service::get().expect("the description says `serves`");
    calls::run(service, &mut Server::default(), partner::dispatch)
}

impl Partner for Server {
    fn take(&mut self, object: Cap<MemoryObject>, access: Access) -> Result<u64, PartnerError> {
        self.0 = None;
        let mapping = memory::map(&object, access).map_err(|error| {
            say!("not mapped: {error}");
            PartnerError::Refused
        })?;
        Ok(self.0.insert(mapping).bytes())
    }

    fn read(&mut self, offset: u64) -> Result<u64, PartnerError> {
        let mapping = self.0.as_ref().ok_or(PartnerError::NothingThere)?;
        let word = mapping.word(offset);
        word.map_err(|_| PartnerError::NothingThere)
    }

    fn write(&mut self, offset: u64, word: u64) -> Result<(), PartnerError> {
        let memory = self.0.as_ref().and_then(Mapping::memory);
        let memory = memory.ok_or(PartnerError::NothingThere)?;
        let written = memory.write(offset as usize, &word.to_le_bytes());
        written.map_err(|_| PartnerError::NothingThere)
    }

    fn let_go(&mut self) -> Result<(), PartnerError> {
        self.0.take().map(drop).ok_or(PartnerError::NothingThere)
    }
}
