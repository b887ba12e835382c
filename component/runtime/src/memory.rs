//! Memory objects: memory that is made at run time, and shared with whoever is sent the capability.
//!
//! A [`MemoryObject`] is its maker's, and is destroyed when it is dropped; its [`capability`](MemoryObject::capability) may be sent in any typed call
//! that takes a `Cap<MemoryObject>`. A [`Mapping`] is a place in this component's address space, and is taken back when it is dropped; the memory
//! behind it stays as long as it is mapped, whatever becomes of the object. Others may write it at any time, so it is read and written by whole
//! atomic words. A component needs `uses = ["memory"]` and an account, `memory = "1MiB"`; `docs/memory.md` says what that pays for.

use core::fmt;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use isthmus_abi::Slot;
use isthmus_abi::memory::INTERFACE;
use isthmus_abi::startup::Missing;
use isthmus_interface::{CallError, Cap};
use memory_interface::{Mapped, MemoryClient};
use shared_memory::{OutOfBounds, SharedMemory};

pub use memory_interface::{Access, MemoryError, MemoryObject as Kind, Statistics, Usage};

use crate::calls::Kernel;
use crate::startup;

/// A capability to a memory object: the right to map it.
pub type ObjectCap = Cap<Kind>;

/// Why there is no memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The description does not let this component use the memory server.
    NotGranted(Missing<'static>),
    /// The memory server refuses, or is gone.
    Call(CallError<MemoryError>),
}

impl From<CallError<MemoryError>> for Error {
    fn from(error: CallError<MemoryError>) -> Self {
        Self::Call(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotGranted(missing) => missing.fmt(f),
            Self::Call(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Error {}

/// What a function here answers.
pub type Result<T> = core::result::Result<T, Error>;

/// The memory server, for calls that have no function here.
pub fn server() -> Result<MemoryClient<Kernel>> {
    // The null slot until it was looked up.
    static SLOT: AtomicU32 = AtomicU32::new(0);
    let mut slot = SLOT.load(Ordering::Relaxed);
    if slot == 0 {
        slot = startup().endpoint(INTERFACE).map_err(Error::NotGranted)?.0;
        SLOT.store(slot, Ordering::Relaxed);
    }
    Ok(MemoryClient::new(Kernel, Slot(slot)))
}

/// What this component may have, and has.
pub fn usage() -> Result<Usage> {
    Ok(server()?.usage()?)
}

/// A memory object that this component has made. Dropping it destroys it: nobody can map it any more; who has mapped it keeps the mapping.
#[derive(Debug)]
pub struct MemoryObject {
    capability: ObjectCap,
}

impl MemoryObject {
    /// Makes an object of at least `bytes` bytes, in whole pages, all zero.
    ///
    /// # Errors
    /// Beyond the quota, or beyond what the machine has: nothing was made.
    pub fn create(bytes: u64) -> Result<Self> {
        let capability = server()?.create(bytes)?;
        Ok(Self { capability })
    }

    /// What to send to those who shall map it; this component keeps its own.
    #[must_use]
    pub const fn capability(&self) -> ObjectCap {
        self.capability.alias()
    }

    /// Maps it here.
    ///
    /// # Errors
    /// See [`map`].
    pub fn map(&self, access: Access) -> Result<Mapping> {
        map(&self.capability, access)
    }

    /// Its bytes.
    ///
    /// # Errors
    /// The memory server's, if it is gone.
    pub fn size(&self) -> Result<u64> {
        size(&self.capability)
    }

    /// Destroys it, as dropping it does, and says whether that went well.
    ///
    /// # Errors
    /// The memory server's, if it is gone.
    pub fn destroy(self) -> Result<()> {
        let capability = self.keep();
        Ok(server()?.destroy(capability)?)
    }

    /// Keeps it until this component ends; what is left is the right to map it.
    #[must_use]
    pub fn keep(self) -> ObjectCap {
        let this = core::mem::ManuallyDrop::new(self);
        // SAFETY: `this` is never used or dropped again, so the capability has one owner.
        unsafe { core::ptr::read(&this.capability) }
    }
}

impl Drop for MemoryObject {
    fn drop(&mut self) {
        // Without the memory server there is nobody to tell.
        if let Ok(server) = server() {
            let _ = server.destroy(&self.capability);
        }
    }
}

/// The bytes of the object that a capability leads to.
///
/// # Errors
/// [`MemoryError::NoSuchObject`] if it leads to none; if it was destroyed the capability is gone, and the outcome says so.
pub fn size(object: &ObjectCap) -> Result<u64> {
    Ok(server()?.size(object)?)
}

/// Maps the object that a capability leads to, in this component's window for objects.
///
/// # Errors
/// [`MemoryError`]: beyond the quota, no such object, mapped here already.
pub fn map(object: &ObjectCap, access: Access) -> Result<Mapping> {
    let Mapped { address, bytes } = server()?.map(object, access)?;
    Ok(Mapping {
        address,
        bytes,
        access,
    })
}

/// A memory object in this component's address space. Dropping it takes the mapping back.
///
/// Whoever takes the mapping back by a call of [`server`] beside it makes the next access a fault.
#[derive(Debug)]
pub struct Mapping {
    address: u64,
    bytes: u64,
    access: Access,
}

impl Mapping {
    /// Its first byte.
    #[must_use]
    pub const fn address(&self) -> u64 {
        self.address
    }

    /// Its bytes.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What it allows.
    #[must_use]
    pub const fn access(&self) -> Access {
        self.access
    }

    /// The memory, if it may be written.
    ///
    /// # Panics
    /// If the memory server maps objects elsewhere than on a page boundary, which it does not.
    #[must_use]
    pub fn memory(&self) -> Option<SharedMemory<'_>> {
        if self.access != Access::Write {
            return None;
        }
        let start = NonNull::new(self.address as *mut u8)?;
        // SAFETY: the memory server has mapped it for reading and writing until this is dropped, where nothing else of this component's lies, and
        // without `unsafe` there is no way to it but this and `word`, which is as atomic.
        let memory = unsafe { SharedMemory::from_raw(start, self.bytes as usize) };
        Some(memory.expect("objects are whole pages"))
    }

    /// The word at byte `offset`, a multiple of eight, as it is just now.
    ///
    /// # Errors
    /// [`OutOfBounds`], also where there is no word's boundary.
    pub fn word(&self, offset: u64) -> core::result::Result<u64, OutOfBounds> {
        const WORD: u64 = size_of::<u64>() as u64;
        let end = offset.checked_add(WORD).ok_or(OutOfBounds)?;
        if !offset.is_multiple_of(WORD) || end > self.bytes {
            return Err(OutOfBounds);
        }
        let word = (self.address + offset) as *mut u64;
        // SAFETY: mapped until this is dropped, aligned and within (checked); all accesses to it are atomic. A relaxed load does not write.
        let word = unsafe { AtomicU64::from_ptr(word) };
        Ok(word.load(Ordering::Relaxed))
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // Without the memory server it stays mapped: nobody else gets the address.
        if let Ok(server) = server() {
            let _ = server.unmap(self.address);
        }
    }
}
