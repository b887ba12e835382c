//! Where a modern virtio device keeps its structures (Virtual I/O Device 1.2, 4.1.4).
use core::fmt;

use crate::bar::{Bars, Window};
use crate::capability::{Capabilities, Capability, CapabilityError};
use crate::function::{ConfigurationSpace, Function, Identity};

/// A network device with the modern interface only.
pub const NETWORK: Identity = Identity {
    vendor: 0x1af4,
    device: 0x1041,
};

/// An entropy source: with the modern interface only, or with both.
pub const ENTROPY: [Identity; 2] = [
    Identity {
        vendor: 0x1af4,
        device: 0x1044,
    },
    Identity {
        vendor: 0x1af4,
        device: 0x1005,
    },
];

/// The number of vendor-specific capabilities, which virtio's are.
const VENDOR_SPECIFIC: u8 = 0x09;
/// `cfg_type` of each structure.
const COMMON: u8 = 1;
const NOTIFY: u8 = 2;
const ISR: u8 = 3;
const DEVICE: u8 = 4;
/// The least bytes that a driver may rely on, of the common configuration and of the interrupt status.
const COMMON_BYTES: u64 = 56;
const ISR_BYTES: u64 = 1;
/// Queue notifications are 16 bits.
const NOTIFY_BYTES: u64 = 2;

/// Why a function is no usable modern virtio device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VirtioError {
    /// The structure is not announced, or lies outside the function's memory, or is too short.
    Missing(Structure),
    /// The capabilities cannot be read.
    Capability(CapabilityError),
}

/// A structure of a virtio device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Structure {
    /// The common configuration.
    Common,
    /// The notification area.
    Notify,
    /// The interrupt status.
    Isr,
    /// The device's own configuration.
    Device,
}

impl From<CapabilityError> for VirtioError {
    fn from(error: CapabilityError) -> Self {
        Self::Capability(error)
    }
}

impl fmt::Display for VirtioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(structure) => {
                write!(f, "the virtio device has no usable {structure:?} structure")
            }
            Self::Capability(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for VirtioError {}

/// A structure's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The base address register it is in.
    pub bar: u8,
    /// Its first byte within that.
    pub offset: u32,
    /// The memory that it takes.
    pub window: Window,
}

/// The structures of a modern virtio device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Structures {
    /// The common configuration.
    pub common: Place,
    /// The notification area.
    pub notify: Place,
    /// What a queue's notification offset is multiplied by, in bytes.
    pub notify_multiplier: u32,
    /// The interrupt status.
    pub isr: Place,
    /// The device's own configuration: not every kind of device has one.
    pub device: Option<Place>,
}

impl Structures {
    /// Reads them from the function's capabilities. Of several of one kind the first usable one counts, as the specification asks.
    ///
    /// # Errors
    /// [`VirtioError`].
    pub fn find<S: ConfigurationSpace>(
        space: &mut S,
        function: Function,
        bars: &Bars,
    ) -> Result<Self, VirtioError> {
        let (mut common, mut notify, mut isr, mut device) = (None, None, None, None);
        // The iterator borrows the space, so find the next capability first and read it afterwards.
        let mut index = 0;
        while let Some(capability) = Capabilities::new(space, function).nth(index) {
            let capability = capability?;
            index += 1;
            if capability.id != VENDOR_SPECIFIC {
                continue;
            }
            let kind = (capability.word(space, function, 0)? >> 24) as u8;
            match kind {
                COMMON => keep(
                    &mut common,
                    place(space, function, bars, capability, COMMON_BYTES)?,
                ),
                NOTIFY if notify.is_none() => {
                    let found = place(space, function, bars, capability, NOTIFY_BYTES)?;
                    let multiplier = capability.word(space, function, 16)?;
                    notify = found.map(|place| (place, multiplier));
                }
                ISR => keep(
                    &mut isr,
                    place(space, function, bars, capability, ISR_BYTES)?,
                ),
                DEVICE => keep(&mut device, place(space, function, bars, capability, 1)?),
                _ => {}
            }
        }
        let (notify, notify_multiplier) = notify.ok_or(VirtioError::Missing(Structure::Notify))?;
        Ok(Self {
            common: common.ok_or(VirtioError::Missing(Structure::Common))?,
            notify,
            notify_multiplier,
            isr: isr.ok_or(VirtioError::Missing(Structure::Isr))?,
            device,
        })
    }
}

impl Structures {
    /// The device's own configuration, for a driver that cannot do without.
    ///
    /// # Errors
    /// [`VirtioError::Missing`]
    pub fn configuration(&self) -> Result<Place, VirtioError> {
        let missing = VirtioError::Missing(Structure::Device);
        self.device.ok_or(missing)
    }
}

fn keep(first: &mut Option<Place>, found: Option<Place>) {
    if first.is_none() {
        *first = found;
    }
}

/// The place that a virtio capability names, if it lies in the function's memory and has at least `least` bytes.
fn place(
    space: &mut impl ConfigurationSpace,
    function: Function,
    bars: &Bars,
    capability: Capability,
    least: u64,
) -> Result<Option<Place>, CapabilityError> {
    let bar = capability.word(space, function, 4)? as u8;
    let offset = capability.word(space, function, 8)?;
    let bytes = u64::from(capability.word(space, function, 12)?);
    let window = bars
        .memory(bar)
        .and_then(|window| window.part(u64::from(offset), bytes));
    Ok(window.filter(|_| bytes >= least).map(|window| Place {
        bar,
        offset,
        window,
    }))
}
