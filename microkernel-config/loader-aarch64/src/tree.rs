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

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec;
    use std::vec::Vec;
    use vm_fdt::FdtWriter;

    const MIB: u64 = 1 << 20;

    /// A device tree with these memory regions (start, size) and this interrupt controller.
    fn tree(memory: &[(u64, u64)], controller: &str) -> Vec<u8> {
        let mut writer = FdtWriter::new().expect("a tree");
        let root = writer.begin_node("").expect("a node");
        writer
            .property_u32("#address-cells", 2)
            .expect("a property");
        writer.property_u32("#size-cells", 2).expect("a property");
        for (start, size) in memory {
            let node = writer
                .begin_node(&std::format!("memory@{start:x}"))
                .expect("a node");
            writer
                .property_string("device_type", "memory")
                .expect("a property");
            writer
                .property_array_u64("reg", &[*start, *size])
                .expect("a property");
            writer.end_node(node).expect("an end");
        }
        let node = writer.begin_node("intc@8000000").expect("a node");
        writer
            .property_string("compatible", controller)
            .expect("a property");
        writer.end_node(node).expect("an end");
        writer.end_node(root).expect("an end");
        writer.finish().expect("a whole tree")
    }

    #[test]
    fn memory_is_what_begins_at_the_kernel_without_a_hole() {
        let region = |end| {
            Ok(Region {
                start: MEMORY_START,
                end,
            })
        };
        let one = tree(&[(MEMORY_START, 512 * MIB)], GIC_V2);
        assert_eq!(memory(&one), region(MEMORY_START + 512 * MIB));
        assert_eq!(length(one[..8].try_into().expect("eight")), Ok(one.len()));

        let half = MEMORY_START + 256 * MIB;
        let numa = tree(&[(half, 256 * MIB), (MEMORY_START, 256 * MIB)], GIC_V2);
        assert_eq!(memory(&numa), region(half + 256 * MIB));
        let hole = tree(
            &[(MEMORY_START, 256 * MIB), (half + MIB, 256 * MIB)],
            GIC_V2,
        );
        assert_eq!(memory(&hole), region(half));
        let large = tree(&[(MEMORY_START, 255 << 30)], GIC_V2);
        assert_eq!(memory(&large), region(MEMORY_START + (255 << 30)));
    }

    #[test]
    fn other_machines_are_refused() {
        assert_eq!(
            memory(&tree(&[(0x8000_0000, 512 * MIB)], GIC_V2)),
            Err(Fault::NoMemory)
        );
        assert_eq!(
            memory(&tree(&[(MEMORY_START, 0)], GIC_V2)),
            Err(Fault::NoMemory)
        );
        assert_eq!(
            memory(&tree(&[(MEMORY_START, u64::MAX)], GIC_V2)),
            Err(Fault::NoMemory)
        );
        assert_eq!(memory(&tree(&[], GIC_V2)), Err(Fault::NoMemory));
        assert_eq!(
            memory(&tree(&[(MEMORY_START, 512 * MIB)], "arm,gic-v3")),
            Err(Fault::NoGicV2)
        );
    }

    #[test]
    fn what_is_no_tree_is_refused() {
        assert_eq!(memory(&[]), Err(Fault::DeviceTree));
        assert_eq!(memory(&vec![0; 4096]), Err(Fault::DeviceTree));
        assert_eq!(length([0; 8]), Err(Fault::DeviceTree));
        assert_eq!(
            length([0xd0, 0x0d, 0xfe, 0xed, 0xff, 0, 0, 0]),
            Err(Fault::DeviceTree)
        );
    }
}
