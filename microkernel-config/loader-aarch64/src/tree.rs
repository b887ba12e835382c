//! What the loader wants to know from the device tree.

use fdt::Fdt;

use crate::payload::MEMORY_START;
use crate::{Fault, Region};

/// More than any tree of QEMU's (1 MiB); what claims to be longer is not believed.
pub const MAX_LENGTH: u32 = 2 << 20;
/// The first word of every device tree, big-endian.
const MAGIC: u32 = 0xd00d_feed;
/// How QEMU calls a GICv2 on virt.
const GIC_V2: &str = "arm,cortex-a15-gic";

/// The whole length of a device tree, from its first eight bytes.
pub fn length(start: [u8; 8]) -> Result<usize, Fault> {
    let [magic, length] = [0, 4]
        .map(|at| u32::from_be_bytes([start[at], start[at + 1], start[at + 2], start[at + 3]]));
    if magic == MAGIC && (8..=MAX_LENGTH).contains(&length) {
        Ok(length as usize)
    } else {
        Err(Fault::DeviceTree)
    }
}

/// The memory that the kernel may use: the part that begins where the kernel is linked, as far as it goes without a hole.
///
/// Also refuses a machine whose interrupt controller the kernel cannot drive, for that kernel would halt without a word.
pub fn memory(tree: &[u8]) -> Result<Region, Fault> {
    let tree = Fdt::new(tree).map_err(|_| Fault::DeviceTree)?;
    if tree.find_compatible(&[GIC_V2]).is_none() {
        return Err(Fault::NoGicV2);
    }
    let mut end = MEMORY_START;
    // With NUMA there are several regions, in any order: each turn adds the one that continues the last.
    while let Some(next) =
        regions(&tree).find(|region| region.start == end && region.end > region.start)
    {
        end = next.end;
    }
    if end == MEMORY_START {
        Err(Fault::NoMemory)
    } else {
        Ok(Region {
            start: MEMORY_START,
            end,
        })
    }
}

fn regions<'t>(tree: &'t Fdt<'t>) -> impl Iterator<Item = Region> + 't {
    tree.all_nodes()
        .filter(|node| {
            node.property("device_type").and_then(|kind| kind.as_str()) == Some("memory")
        })
        .filter_map(|node| node.reg())
        .flatten()
        .filter_map(|reg| {
            let start = reg.starting_address as usize as u64;
            Some(Region {
                start,
                end: start.checked_add(reg.size? as u64)?,
            })
        })
}
