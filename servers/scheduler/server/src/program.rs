//! A program that comes in a memory object: copied before it is looked at, for whoever sent it may write there at any time.

use alloc::vec::Vec;

use isthmus_abi::limits::PROGRAM_BYTES;
use isthmus_runtime::interface::CallError;
use isthmus_runtime::memory::{Access, Error, MemoryError, ObjectCap, map};
use isthmus_runtime::say;
use scheduler_interface::SchedulerError;

/// The content of the object. The mapping is paid for by the scheduler's own quota, its `memory` in the description.
pub fn copy(object: &ObjectCap) -> Result<Vec<u8>, SchedulerError> {
    let mapping = map(object, Access::Read).map_err(|error| {
        say!("a program in a memory object cannot be mapped: {error}");
        match error {
            Error::Call(CallError::Interface(MemoryError::NoSuchObject)) => {
                SchedulerError::BadProgram
            }
            _ => SchedulerError::Refused,
        }
    })?;
    if mapping.bytes() > PROGRAM_BYTES {
        return Err(SchedulerError::BadProgram);
    }
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(mapping.bytes() as usize)
        .map_err(|_| SchedulerError::OutOfMemory)?;
    for offset in (0..mapping.bytes()).step_by(size_of::<u64>()) {
        let word = mapping
            .word(offset)
            .map_err(|_| SchedulerError::BadProgram)?;
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    Ok(bytes)
}
