//! Functions on the buses, and the first registers of each.
use core::fmt;

/// Access to configuration space, by whole 32-bit registers.
pub trait ConfigurationSpace {
    /// Reads a register. What is not there reads as all ones.
    fn read(&mut self, function: Function, register: Register) -> u32;
    /// Writes a register.
    fn write(&mut self, function: Function, register: Register, value: u32);
}

/// The byte offset of a 32-bit register within a function's 256 bytes of configuration: a multiple of four.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Register(u8);

impl Register {
    /// Vendor and device.
    pub(crate) const IDENTITY: Self = Self(0x00);
    /// Command and status.
    pub(crate) const COMMAND: Self = Self(0x04);
    /// Header type, among others.
    pub(crate) const HEADER: Self = Self(0x0c);
    /// Bus numbers of a bridge.
    const BRIDGE_BUSES: Self = Self(0x18);
    /// Offset of the first capability.
    pub(crate) const CAPABILITIES: Self = Self(0x34);

    /// The register that holds the byte at `offset`.
    #[must_use]
    pub const fn containing(offset: u8) -> Self {
        Self(offset & !3)
    }

    /// Base address register `index`, 0 to 5.
    pub(crate) const fn bar(index: u8) -> Self {
        Self(0x10 + index * 4)
    }

    /// The offset in bytes.
    #[must_use]
    pub const fn offset(self) -> u8 {
        self.0
    }
}

/// A function of a device on a bus.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Function {
    bus: u8,
    device: u8,
    function: u8,
}

/// Devices on a bus.
const DEVICES: u8 = 32;
/// Functions of a device.
const FUNCTIONS: u8 = 8;
/// Buses there can be.
const BUSES: usize = 256;

impl Function {
    /// The function at this place, if there can be one.
    #[must_use]
    pub const fn new(bus: u8, device: u8, function: u8) -> Option<Self> {
        if device < DEVICES && function < FUNCTIONS {
            Some(Self {
                bus,
                device,
                function,
            })
        } else {
            None
        }
    }

    /// Its bus.
    #[must_use]
    pub const fn bus(self) -> u8 {
        self.bus
    }

    /// Its device number, below 32.
    #[must_use]
    pub const fn device(self) -> u8 {
        self.device
    }

    /// Its function number, below 8.
    #[must_use]
    pub const fn function(self) -> u8 {
        self.function
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}:{:02x}.{}", self.bus, self.device, self.function)
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What to write to port 0xcf8 (`CONFIG_ADDRESS`, PCI Local Bus 3.0, 3.2.2.3.2) to reach a register through port 0xcfc.
#[must_use]
pub const fn config_address(function: Function, register: Register) -> u32 {
    1 << 31
        | (function.bus as u32) << 16
        | (function.device as u32) << 11
        | (function.function as u32) << 8
        | register.0 as u32
}

/// Who made a function, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The vendor's number.
    pub vendor: u16,
    /// The vendor's number for the device.
    pub device: u16,
}

/// The function's identity, or `None` if there is no such function.
pub fn identity(space: &mut impl ConfigurationSpace, function: Function) -> Option<Identity> {
    let both = space.read(function, Register::IDENTITY);
    let vendor = both as u16;
    (vendor != u16::MAX).then_some(Identity {
        vendor,
        device: (both >> 16) as u16,
    })
}

/// Lets the function decode its memory and port windows and be bus master, that is, do DMA and send message-signalled interrupts. Its pin
/// interrupt stays as it is.
pub fn enable(space: &mut impl ConfigurationSpace, function: Function) {
    /// I/O space, memory space, bus master (PCI Local Bus 3.0, table 6-1).
    const ENABLE: u32 = 0b111;
    // The upper half is the status register, whose bits are cleared by writing ones.
    let command = space.read(function, Register::COMMAND) & 0xffff;
    space.write(function, Register::COMMAND, command | ENABLE);
}

/// Every function that can be reached from bus 0, in the order of discovery.
pub fn functions<S: ConfigurationSpace>(space: &mut S) -> Functions<'_, S> {
    let mut known = [0; BUSES / 64];
    known[0] = 1;
    Functions {
        space,
        pending: known,
        known,
        next: None,
    }
}

/// The iterator of [`functions`]. Each bus is visited once, whatever the bridges say.
pub struct Functions<'s, S> {
    space: &'s mut S,
    /// Buses still to be visited.
    pending: [u64; BUSES / 64],
    /// Buses that were found, so that a loop of bridges ends.
    known: [u64; BUSES / 64],
    /// The next place to look at on the present bus.
    next: Option<Function>,
}

impl<S: ConfigurationSpace> Functions<'_, S> {
    fn next_bus(&mut self) -> Option<u8> {
        let index = self.pending.iter().position(|word| *word != 0)?;
        let bit = self.pending[index].trailing_zeros();
        self.pending[index] &= !(1 << bit);
        Some((index * 64) as u8 + bit as u8)
    }

    /// If `function` is a bridge, remembers the bus behind it.
    fn follow_bridge(&mut self, function: Function, header: u8) {
        const BRIDGE: u8 = 1;
        if header & 0x7f != BRIDGE {
            return;
        }
        let behind = (self.space.read(function, Register::BRIDGE_BUSES) >> 8) as u8;
        let (index, bit) = (usize::from(behind) / 64, 1 << (behind % 64));
        if self.known[index] & bit == 0 {
            self.known[index] |= bit;
            self.pending[index] |= bit;
        }
    }

    fn header(&mut self, function: Function) -> u8 {
        (self.space.read(function, Register::HEADER) >> 16) as u8
    }
}

impl<S: ConfigurationSpace> Iterator for Functions<'_, S> {
    type Item = (Function, Identity);

    fn next(&mut self) -> Option<Self::Item> {
        const MULTI_FUNCTION: u8 = 0x80;
        loop {
            let here = match self.next.take() {
                Some(place) => place,
                None => Function::new(self.next_bus()?, 0, 0)?,
            };
            let found = identity(self.space, here);
            let header = found.map(|_| self.header(here)).unwrap_or(0);
            // Function 0 must be there for the device to be, and says whether there are others.
            let more = here.function != 0 || header & MULTI_FUNCTION != 0;
            self.next = match (more, here.function + 1 < FUNCTIONS) {
                (true, true) => Function::new(here.bus, here.device, here.function + 1),
                _ => Function::new(here.bus, here.device + 1, 0),
            };
            if let Some(identity) = found {
                self.follow_bridge(here, header);
                return Some((here, identity));
            }
        }
    }
}
