//! What can go wrong while the machine is set up, in words for the console.

use core::fmt;

use isthmus_abi::Name;
use isthmus_plan::archive::BadArchive;
use isthmus_plan::check::BadPlan;

/// Why the system cannot be started.
#[derive(Clone, Debug)]
pub enum Error {
    /// The boot archive.
    Archive(BadArchive),
    /// The plan.
    Plan(BadPlan),
    /// A machine fact from `fw_cfg`.
    Fact(&'static str),
    /// No device memory at this physical address.
    NoDeviceMemory(u64),
    /// A device that the description asks for is not in this machine.
    NoDevice(&'static str),
    /// A virtio device that is there cannot be used.
    #[cfg(target_arch = "x86_64")]
    BadDevice(crate::devices::BadDevice),
    /// A virtio-mmio slot is not what it seemed.
    #[cfg(target_arch = "aarch64")]
    BadRegisters(virtio_device::RegistersError),
    /// The entropy source does not answer as it should.
    NoEntropy(virtio_rng::DrawError),
    /// A program that the plan names is not in the archive.
    NoProgram(Name),
    /// A program's contents are not what they were when the archive was made.
    DamagedProgram(Name),
    /// The memory server or the scheduler has no room for all that is handed over to it.
    HandOver(&'static str),
    /// No more interrupt vectors.
    #[cfg(target_arch = "x86_64")]
    OutOfVectors,
    /// The counter that the machine should have does not run.
    NoCounter,
    /// Objects, slots, a program, or the kernel.
    Build(builder::Error),
}

/// The result of setting something up.
pub type Result<T> = core::result::Result<T, Error>;

impl From<builder::Error> for Error {
    fn from(error: builder::Error) -> Self {
        Self::Build(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Archive(error) => error.fmt(f),
            Self::Plan(error) => write!(f, "{error}: build the image again"),
            Self::Fact(what) => write!(
                f,
                "the machine's fact `{what}` cannot be read: see -fw_cfg in docs/architecture.md"
            ),
            Self::NoDeviceMemory(address) => {
                write!(f, "no device memory at physical address {address:#x}")
            }
            Self::NoDevice(name) => write!(f, "this machine has no {name}"),
            #[cfg(target_arch = "x86_64")]
            Self::BadDevice(why) => write!(f, "a virtio device cannot be used: {why}"),
            #[cfg(target_arch = "aarch64")]
            Self::BadRegisters(why) => write!(f, "a virtio device cannot be used: {why}"),
            Self::NoEntropy(why) => write!(f, "the entropy source cannot be used: {why}"),
            Self::NoProgram(name) => write!(f, "the boot archive has no program `{name}`"),
            Self::DamagedProgram(name) => {
                write!(f, "program `{name}` was damaged on its way into memory")
            }
            #[cfg(target_arch = "x86_64")]
            Self::OutOfVectors => f.write_str("no interrupt vector is left"),
            Self::HandOver(what) => {
                write!(f, "no room to hand over all {what}: see docs/limits.md")
            }
            Self::NoCounter => f.write_str("the machine's counter does not run"),
            Self::Build(error @ builder::Error::OutOfMemory { .. }) => {
                write!(f, "{error}: give the machine more memory")
            }
            Self::Build(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Error {}
