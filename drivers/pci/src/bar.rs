//! Base address registers: where a function's memory and ports lie.
use core::fmt;

use crate::function::{ConfigurationSpace, Function, Register};

/// Base address registers of an ordinary function.
const COUNT: u8 = 6;
/// The command register's bits that let windows be decoded.
const DECODE: u32 = 0b11;

/// A window of physical memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its physical address.
    pub address: u64,
    /// Its size in bytes: a power of two for a whole BAR.
    pub bytes: u64,
}

impl Window {
    /// The part of it at `offset`, `bytes` long, if that lies within.
    #[must_use]
    pub fn part(self, offset: u64, bytes: u64) -> Option<Self> {
        let end = offset.checked_add(bytes)?;
        (end <= self.bytes).then_some(Self {
            address: self.address.checked_add(offset)?,
            bytes,
        })
    }
}

/// What a base address register describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    /// Memory, addressed by 32 or 64 bits.
    Memory(Window),
    /// I/O ports.
    Ports {
        /// The first port.
        first: u32,
        /// How many there are.
        count: u32,
    },
}

/// Why a function's base address registers make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BarError {
    /// A 64-bit register where there is no second half.
    HalfMissing,
    /// A kind of memory that PCI does not define.
    UnknownKind,
    /// A window that reaches beyond the end of the address space.
    OutOfRange,
}

impl fmt::Display for BarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HalfMissing => "the last base address register is half of a 64-bit one",
            Self::UnknownKind => "a base address register of an undefined kind",
            Self::OutOfRange => "a base address register reaches beyond the address space",
        })
    }
}

impl core::error::Error for BarError {}

/// A function's base address registers, by number. `None`: not implemented, not assigned by the firmware, or the upper half of the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bars([Option<Bar>; COUNT as usize]);

impl Bars {
    /// Reads them, and finds their sizes by writing all ones and restoring. Nothing is decoded meanwhile.
    ///
    /// # Errors
    /// [`BarError`]; the registers are as they were.
    pub fn read(space: &mut impl ConfigurationSpace, function: Function) -> Result<Self, BarError> {
        let command = space.read(function, Register::COMMAND) & 0xffff;
        space.write(function, Register::COMMAND, command & !DECODE);
        let bars = Self::probe(space, function);
        space.write(function, Register::COMMAND, command);
        bars
    }

    fn probe(space: &mut impl ConfigurationSpace, function: Function) -> Result<Self, BarError> {
        let mut bars = [None; COUNT as usize];
        let mut index = 0;
        while index < COUNT {
            let low = probe_register(space, function, index);
            let at = usize::from(index);
            index += 1;
            if low.value & 1 == 1 {
                bars[at] = ports(low);
                continue;
            }
            let high = match low.value >> 1 & 0b11 {
                0b00 => Probe {
                    value: 0,
                    mask: u32::MAX,
                },
                0b10 if index < COUNT => {
                    index += 1;
                    probe_register(space, function, index - 1)
                }
                0b10 => return Err(BarError::HalfMissing),
                _ if low.mask == 0 => continue,
                _ => return Err(BarError::UnknownKind),
            };
            bars[at] = memory(low, high)?;
        }
        Ok(Self(bars))
    }

    /// Register `index`, if it is in use.
    #[must_use]
    pub fn get(&self, index: u8) -> Option<Bar> {
        self.0.get(usize::from(index)).copied().flatten()
    }

    /// The memory window of register `index`.
    #[must_use]
    pub fn memory(&self, index: u8) -> Option<Window> {
        match self.get(index) {
            Some(Bar::Memory(window)) => Some(window),
            _ => None,
        }
    }

    /// All that are in use, with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (u8, Bar)> + '_ {
        (0..COUNT).filter_map(|index| Some((index, self.get(index)?)))
    }
}

/// One register: what it holds, and which bits stick when all are written.
#[derive(Clone, Copy)]
struct Probe {
    value: u32,
    mask: u32,
}

fn probe_register(space: &mut impl ConfigurationSpace, function: Function, index: u8) -> Probe {
    let register = Register::bar(index);
    let value = space.read(function, register);
    space.write(function, register, u32::MAX);
    let mask = space.read(function, register);
    space.write(function, register, value);
    Probe { value, mask }
}

fn ports(probe: Probe) -> Option<Bar> {
    let (first, mask) = (probe.value & !0b11, probe.mask & !0b11);
    // A device may implement 16 bits only: the lowest bit that sticks is the size in any case.
    (first != 0 && mask != 0).then(|| Bar::Ports {
        first,
        count: 1 << mask.trailing_zeros(),
    })
}

fn memory(low: Probe, high: Probe) -> Result<Option<Bar>, BarError> {
    if low.mask == 0 {
        return Ok(None); // not implemented
    }
    let address = u64::from(high.value) << 32 | u64::from(low.value & !0xf);
    let mask = u64::from(high.mask) << 32 | u64::from(low.mask & !0xf);
    if address == 0 || mask == 0 {
        return Ok(None);
    }
    let bytes = 1 << mask.trailing_zeros();
    match address.checked_add(bytes) {
        Some(_) => Ok(Some(Bar::Memory(Window { address, bytes }))),
        None => Err(BarError::OutOfRange),
    }
}
