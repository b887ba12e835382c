//! Every kind of wrong message, to the memory server's dispatch.

use isthmus_interface::mistreat::mistreat;
use isthmus_interface::{Anything, Caller, Cap};
use memory_interface::{
    Access, Mapped, Memory, MemoryError, MemoryObject, Statistics, Usage, memory,
};

struct Server;

impl Memory for Server {
    fn create(&mut self, _: Caller, _: u64) -> Result<Cap<MemoryObject>, MemoryError> {
        Err(MemoryError::OutOfMemory)
    }

    fn map(&mut self, _: Caller, _: Cap<MemoryObject>, _: Access) -> Result<Mapped, MemoryError> {
        Ok(Mapped::default())
    }

    fn unmap(&mut self, _: Caller, _: u64) -> Result<(), MemoryError> {
        Err(MemoryError::NotMapped)
    }

    fn destroy(&mut self, _: Caller, _: Cap<MemoryObject>) -> Result<(), MemoryError> {
        Ok(())
    }

    fn size(&mut self, _: Caller, _: Cap<MemoryObject>) -> Result<u64, MemoryError> {
        Ok(1)
    }

    fn statistics(&mut self) -> Result<Statistics, MemoryError> {
        Ok(Statistics::default())
    }

    fn usage(&mut self, _: Caller) -> Result<Usage, MemoryError> {
        Ok(Usage::default())
    }

    fn reserve(&mut self, _: Caller, _: u8) -> Result<(u64, Cap<Anything>), MemoryError> {
        Err(MemoryError::NotPermitted)
    }

    fn give_back(&mut self, _: Caller, _: u64) -> Result<(), MemoryError> {
        Err(MemoryError::NoSuchObject)
    }

    fn open(&mut self, _: Caller, _: u8, _: u64, _: Cap<Anything>) -> Result<(), MemoryError> {
        Ok(())
    }

    fn close(&mut self, _: Caller, _: u8) -> Result<(), MemoryError> {
        Ok(())
    }
}

#[test]
fn each_gets_its_answer() {
    mistreat(memory::METHODS, |request, answer| {
        memory::dispatch(&mut Server, request, answer)
    });
}
