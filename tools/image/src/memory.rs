//! Whether a system fits the memory of the machines that it is meant for.

use std::collections::BTreeMap;

use isthmus_abi::{Name, layout};
use isthmus_plan::plan::Component;
use isthmus_plan::{Here, Plan};

use crate::Error;

/// Bytes of a slot of a CNode.
const SLOT_BYTES: u64 = 32;
/// What each component takes besides: page tables, thread objects, the start-up block.
const OVERHEAD_BYTES: u64 = 128 << 10;
/// What kernel, loader and root task take.
const SYSTEM_BYTES: u64 = 16 << 20;

/// Checks that on every machine of every cluster all components fit `memory_bytes`, of which the archive takes some.
/// `programs` tells what each program takes in memory.
pub(crate) fn check(
    plan: &Plan,
    programs: &BTreeMap<Name, u64>,
    archive_bytes: u64,
    memory_bytes: u64,
) -> Result<(), Error> {
    let bytes_of =
        |c: &Component| component_bytes(c) + programs.get(&c.program).copied().unwrap_or(0);
    let needed = |here: Here| {
        let components: u64 = plan.on(here).map(|(_, c)| bytes_of(c)).sum();
        let channels: u64 = plan.channels_on(here).map(|c| c.bytes).sum();
        components + channels + archive_bytes + SYSTEM_BYTES
    };
    let Some((needed, here)) = Here::all()
        .map(|here| (needed(here), here))
        .find(|(needed, _)| *needed > memory_bytes)
    else {
        return Ok(());
    };
    let largest = plan
        .on(here)
        .max_by_key(|(_, c)| bytes_of(c))
        .map(|(_, c)| (c.name.to_string(), bytes_of(c)));
    let (largest, largest_bytes) = largest.unwrap_or_default();
    Err(Error::NoMemory {
        node: here.node,
        nodes: here.nodes,
        needed_mib: needed.div_ceil(1 << 20),
        memory_mib: memory_bytes >> 20,
        largest,
        largest_kib: largest_bytes >> 10,
    })
}

/// What a component takes, its program not counted.
fn component_bytes(c: &Component) -> u64 {
    let stacks: u64 = c.threads.iter().map(|t| u64::from(t.stack_bytes)).sum();
    let threads = c.threads.len() as u64 * (layout::THREAD_BLOCK_BYTES + layout::LOG_BYTES);
    c.heap_bytes + c.dma_bytes + stacks + threads + (SLOT_BYTES << c.cnode_bits) + OVERHEAD_BYTES
}
