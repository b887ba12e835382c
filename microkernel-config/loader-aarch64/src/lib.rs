//! What the boot loader knows: the format of its payload, where things go, how to read the memory size from the device tree, which
//! page tables the kernel is entered with. Pure: the same code runs in the loader and, tested, on the host.
//!
//! It never touches a device or an address; `main.rs` does. Read next: [`payload`], then `main.rs`, then `docs/kernel-build.md`.
#![no_std]
#![forbid(unsafe_code)]

pub mod payload;
pub mod tables;
pub mod tree;

use core::fmt;

/// A range of physical memory, in bytes, `end` not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First byte.
    pub start: u64,
    /// First byte after it.
    pub end: u64,
}

/// Why the machine cannot be booted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No payload was put into the loader.
    EmptyPayload,
    /// The payload's header says something impossible.
    PayloadHeader,
    /// The payload was cut or changed.
    PayloadChecksum,
    /// The images do not fit below the loader, or the payload does not fit into memory.
    DoesNotFit {
        /// The memory's size that would do, in MiB; 0 when no size would.
        needed_mib: u64,
    },
    /// There is no device tree, or it cannot be read.
    DeviceTree,
    /// The device tree names no memory where the kernel is linked.
    NoMemory,
    /// The interrupt controller is not a GICv2.
    NoGicV2,
    /// The processor's floating point is of a kind that this kernel refuses.
    FloatingPoint,
    /// The machine started the loader at an exception level that it cannot handle.
    ExceptionLevel(u64),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::EmptyPayload => f.write_str("there is no kernel in this image: it must be put together by isthmus-image"),
            Fault::PayloadHeader => f.write_str("the payload's header is broken: build the image again"),
            Fault::PayloadChecksum => f.write_str("the payload is damaged (wrong checksum): build the image again"),
            Fault::DoesNotFit { needed_mib: 0 } => f.write_str("kernel and root task are too large for this loader"),
            Fault::DoesNotFit { needed_mib } => write!(f, "the machine's memory is too small: give it at least {needed_mib} MiB (-m)"),
            Fault::DeviceTree => f.write_str("there is no readable device tree: start QEMU with -M virt and this file as -kernel"),
            Fault::NoMemory => f.write_str("the device tree names no memory at 0x40000000: is this QEMU's virt machine?"),
            Fault::NoGicV2 => f.write_str("the interrupt controller is not a GICv2: start QEMU with -M virt,gic-version=2"),
            Fault::FloatingPoint => f.write_str("seL4 5.0.0 does not know this processor: use -cpu cortex-a53, cortex-a57 or cortex-a72"),
            Fault::ExceptionLevel(level) => write!(f, "started at EL{level}: only EL1 and EL2 will do (no secure=on)"),
        }
    }
}
