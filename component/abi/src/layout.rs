//! Where things lie in a component's address space: fixed windows, all but the last below 2 GiB (programs are linked low, because
//! the relocations of `defmt` do not reach above 4 GiB). What is not listed is unmapped.
//!
//! | from | what |
//! |---|---|
//! | 0x0020_0000 | the program |
//! | 0x1000_0000 | start-up block, read-only |
//! | 0x1100_0000 | log rings, one for each thread |
//! | 0x1200_0000 | thread blocks: IPC buffer and thread-locals |
//! | 0x1400_0000 | stacks, each with an unmapped page below |
//! | 0x1800_0000 | in the console server: every component's log rings |
//! | 0x2000_0000 | heap |
//! | 0x3000_0000 | channels |
//! | 0x4000_0000 | device registers |
//! | 0x5000_0000 | memory for DMA, 2 MiB pages |
//! | 0x6000_0000 | in the scheduler: the page through which it fills frames |
//! | 0x7000_0000 | in the scheduler: the boot archive |
//! | 0x80_0000_0000 | memory objects |

use crate::limits;

/// A page.
pub const PAGE_BYTES: u64 = 4 << 10;
/// A large page: memory for DMA is made of these, so that it is physically contiguous.
pub const LARGE_PAGE_BYTES: u64 = 2 << 20;

/// Where programs are linked.
pub const PROGRAM: u64 = 0x20_0000;
/// One past the last address that a program may use.
pub const PROGRAM_END: u64 = STARTUP;

/// The start-up block.
pub const STARTUP: u64 = 0x1000_0000;
/// Bytes of the start-up block: a u32 length (little-endian), then postcard.
pub const STARTUP_BYTES: u64 = 3 * PAGE_BYTES;

/// The log rings.
pub const LOGS: u64 = 0x1100_0000;
/// Bytes of one thread's log ring.
pub const LOG_BYTES: u64 = 4 * PAGE_BYTES;
/// From one ring to the next: rings lie side by side, so that the console server can map them as one region.
pub const LOG_STRIDE: u64 = LOG_BYTES;

/// The thread blocks.
pub const THREAD_BLOCKS: u64 = 0x1200_0000;
/// From one block to the next; what is not mapped of it is a guard.
pub const THREAD_BLOCK_STRIDE: u64 = 64 << 10;
/// Bytes of a block that are mapped: the IPC buffer (1024 bytes) first, then thread-locals.
pub const THREAD_BLOCK_BYTES: u64 = 4 * PAGE_BYTES;
/// Bytes of the IPC buffer, which are also its alignment. On aarch64 thread-locals start right behind it, because the
/// kernel keeps the buffer's address in `TPIDR_EL0`.
pub const IPC_BUFFER_BYTES: u64 = 1 << 10;

/// The stacks.
pub const STACKS: u64 = 0x1400_0000;
/// From one stack's end to the next one's.
pub const STACK_STRIDE: u64 = 1 << 20;

/// In the console server, the log rings of every component.
pub const CONSOLE_LOGS: u64 = 0x1800_0000;
/// In the console server, from one component's rings to the next one's.
pub const CONSOLE_LOG_STRIDE: u64 = limits::THREADS as u64 * LOG_STRIDE;
/// In the console server, the root task's log ring.
pub const ROOT_TASK_LOG: u64 = CONSOLE_LOGS + limits::COMPONENTS as u64 * CONSOLE_LOG_STRIDE;

/// The heap.
pub const HEAP: u64 = 0x2000_0000;
/// The channels, side by side in the plan's order, each from a large-page boundary.
pub const CHANNELS: u64 = 0x3000_0000;
/// Device registers, in the order of discovery.
pub const DEVICES: u64 = 0x4000_0000;
/// Memory for DMA.
pub const DMA: u64 = 0x5000_0000;
/// In the scheduler, the page through which it fills frames.
pub const WINDOW: u64 = 0x6000_0000;
/// In the scheduler, the boot archive.
pub const ARCHIVE: u64 = 0x7000_0000;
/// One past the last address of all of this.
pub const END: u64 = 0x8000_0000;

/// Memory objects, wherever the memory server maps them. This entry of the root table (512 GiB, on both architectures) is the memory
/// server's alone: so are all translation tables below it.
pub const OBJECTS: u64 = 1 << 39;
/// Bytes of the window for memory objects.
pub const OBJECTS_BYTES: u64 = 1 << 30;

/// The lowest address of thread `index`'s block, which is that of its IPC buffer. Thread 0 is the main thread.
#[must_use]
pub const fn thread_block(index: usize) -> u64 {
    THREAD_BLOCKS + index as u64 * THREAD_BLOCK_STRIDE
}

/// One past the highest address of thread `index`'s stack, which grows down from there.
#[must_use]
pub const fn stack_top(index: usize) -> u64 {
    STACKS + (index as u64 + 1) * STACK_STRIDE
}

/// The log ring of thread `index`.
#[must_use]
pub const fn log_ring(index: usize) -> u64 {
    LOGS + index as u64 * LOG_STRIDE
}

const _: () = {
    let threads = limits::THREADS as u64;
    assert!(PROGRAM + limits::PROGRAM_BYTES <= PROGRAM_END);
    assert!(STARTUP + STARTUP_BYTES <= LOGS);
    assert!(LOGS + threads * LOG_STRIDE <= THREAD_BLOCKS);
    assert!(THREAD_BLOCKS + threads * THREAD_BLOCK_STRIDE <= STACKS);
    assert!(STACKS + threads * STACK_STRIDE <= CONSOLE_LOGS);
    assert!(ROOT_TASK_LOG + LOG_BYTES <= HEAP);
    assert!(limits::STACK_BYTES + PAGE_BYTES <= STACK_STRIDE);
    assert!(HEAP + limits::HEAP_BYTES <= CHANNELS);
    assert!(CHANNELS + limits::CHANNELS as u64 * limits::CHANNEL_BYTES <= DEVICES);
    assert!(DMA + limits::DMA_BYTES <= WINDOW);
    assert!(WINDOW + PAGE_BYTES <= ARCHIVE);
    assert!(ARCHIVE + limits::ARCHIVE_BYTES <= END);
};
