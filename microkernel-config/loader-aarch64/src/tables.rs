//! The page tables, and the registers that go with them, that the kernel is entered with (ARM DDI 0487, D5).
//!
//! Two tables of 512 entries for each half of the address space: below, one to one, for the loader's last instructions; above, the
//! first GiB of the kernel's window, for the kernel until it has tables of its own.

use crate::payload::MEMORY_START;

/// Entries of a table; one covers 512 GiB in the first level, 1 GiB in the second.
pub const ENTRIES: usize = 512;
/// The kernel's window (`kernelBase` in the platform's hardware.h).
pub const KERNEL_BASE: u64 = 0xffff_ff80_0000_0000;

/// MAIR_EL1: device nGnRnE, nGnRE, GRE, normal uncached, normal write-back. The kernel names them by number and never sets them.
pub const MAIR: u64 = 0x0000_00ff_440c_0400;
const DEVICE: u64 = 0;
const NORMAL: u64 = 4;

/// TCR_EL1: 48-bit addresses in both halves (T0SZ, T1SZ = 16), 4 KiB granules (TG0 = 0, TG1 = 2), walks write-back and inner
/// shareable (IRGN, ORGN = 1, SH = 3), 40-bit physical addresses (IPS = 2), 16-bit address space ids (AS). The kernel never sets it.
pub const TCR: u64 = 16
    | (16 << 16)
    | (1 << 8)
    | (1 << 10)
    | (3 << 12)
    | (1 << 24)
    | (1 << 26)
    | (3 << 28)
    | (2 << 30)
    | (2 << 32)
    | (1 << 36);

/// One table.
pub type Table = [u64; ENTRIES];

const VALID: u64 = 1;
const TABLE: u64 = 2;
const ACCESSED: u64 = 1 << 10;
const INNER_SHAREABLE: u64 = 3 << 8;

fn block(address: u64, attributes: u64) -> u64 {
    address | (attributes << 2) | INNER_SHAREABLE | ACCESSED | VALID
}

/// The first-level entry that covers an address.
pub fn first_index(address: u64) -> usize {
    (address >> 39) as usize % ENTRIES
}

/// The second-level entry that covers an address.
pub fn second_index(address: u64) -> usize {
    (address >> 30) as usize % ENTRIES
}

/// Fills the tables of the lower half: `second` lies at `second_address`.
pub fn fill_low(first: &mut Table, second: &mut Table, second_address: u64) {
    first[0] = second_address | TABLE | VALID;
    second[0] = block(0, DEVICE);
    second[second_index(MEMORY_START)] = block(MEMORY_START, NORMAL);
}

/// Fills the tables of the upper half: `second` lies at `second_address`.
pub fn fill_high(first: &mut Table, second: &mut Table, second_address: u64) {
    first[first_index(KERNEL_BASE)] = second_address | TABLE | VALID;
    second[second_index(KERNEL_BASE)] = block(MEMORY_START, NORMAL);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the processor does with two levels of blocks.
    fn walk(first: &Table, second: &Table, second_address: u64, address: u64) -> Option<u64> {
        let entry = first[first_index(address)];
        if entry != second_address | TABLE | VALID {
            return None;
        }
        let entry = second[second_index(address)];
        (entry & 3 == VALID).then_some((entry & 0xffff_c000_0000) | (address & 0x3fff_ffff))
    }

    #[test]
    fn both_halves_lead_to_memory() {
        const SECOND: u64 = 0x4801_0000;
        let (mut first, mut second) = ([0; ENTRIES], [0; ENTRIES]);
        fill_low(&mut first, &mut second, SECOND);
        assert_eq!(
            walk(&first, &second, SECOND, 0x4800_1234),
            Some(0x4800_1234)
        );
        assert_eq!(
            walk(&first, &second, SECOND, 0x0900_0018),
            Some(0x0900_0018)
        );
        assert_eq!(walk(&first, &second, SECOND, 0x8000_0000), None);

        let (mut first, mut second) = ([0; ENTRIES], [0; ENTRIES]);
        fill_high(&mut first, &mut second, SECOND);
        assert_eq!(
            walk(&first, &second, SECOND, KERNEL_BASE + 0x1_0000),
            Some(0x4001_0000)
        );
        assert_eq!(walk(&first, &second, SECOND, KERNEL_BASE + (1 << 30)), None);
    }
}
