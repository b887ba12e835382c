//! A program that comes in a memory object: copied before it is looked at, for whoever sent it may write there at any time.

use alloc::vec::Vec;

use isthmus_abi::limits::PROGRAM_BYTES;
use isthmus_runtime::memory::{Access, ObjectCap, map};
use isthmus_runtime::say;
use scheduler_interface::SchedulerError;

/// The content of the object.
pub fn copy(object: &ObjectCap) -> Result<Vec<u8>, SchedulerError> {
    let mapping = map(object, Access::Read).map_err(|error| {
        say!("a program cannot be mapped: {error}");
        SchedulerError::BadProgram
    })?;
    let memory = mapping.memory().ok_or(SchedulerError::Refused)?;
    if memory.len() as u64 > PROGRAM_BYTES {
        return Err(SchedulerError::BadProgram);
    }
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(memory.len())
        .map_err(|_| SchedulerError::OutOfMemory)?;
    bytes.resize(memory.len(), 0);
    memory
        .read(0, &mut bytes)
        .map_err(|_| SchedulerError::Refused)?;
    Ok(bytes)
}
