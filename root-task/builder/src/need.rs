//! How much a process takes, before anything is made: what the scheduler asks the memory server for.

use alloc::collections::BTreeSet;

use isthmus_abi::layout;
use isthmus_plan::plan;
use sel4::{ObjectBlueprint, TranslationTableObjectType, vspace_levels};

use crate::body::cnode_bits;
use crate::program::Program;
use crate::space::PAGE;

/// What a process takes: at least what [`Body`](crate::Body) makes for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Bytes of untyped memory, alignment included.
    pub bytes: u64,
    /// Slots of the builder's CNode.
    pub slots: usize,
}

impl Need {
    /// The need of a process of `component` that runs `program`. `channels` are the addresses and bytes of what it shares with others.
    #[must_use]
    pub fn of(
        component: &plan::Component,
        program: &Program<'_>,
        channels: impl Iterator<Item = (u64, u64)>,
    ) -> Self {
        let mut tables = Tables::default();
        let mut frames = 0;
        for &page in program.pages.keys() {
            frames += tables.span(page, PAGE);
        }
        frames += tables.span(layout::STARTUP, layout::STARTUP_BYTES);
        frames += tables.span(layout::HEAP, component.heap_bytes);
        for (index, thread) in component.threads.iter().enumerate() {
            let stack = u64::from(thread.stack_bytes);
            frames += tables.span(layout::stack_top(index) - stack, stack);
            frames += tables.span(layout::thread_block(index), layout::THREAD_BLOCK_BYTES);
        }
        // Mapped, but made of lasting frames.
        tables.span(layout::LOGS, component.log_bytes());
        for (address, bytes) in channels {
            tables.span(address, bytes);
        }

        let threads = component.threads.len();
        let pages = frames as usize + tables.count() + 1;
        // They are made by turns, and each TCB lies at a multiple of its size.
        let (tcb, notification) = (ObjectBlueprint::Tcb, ObjectBlueprint::Notification);
        let small = (size(tcb) + size(notification)).next_multiple_of(size(tcb));
        let small = small * threads as u64;
        let cnode = size(ObjectBlueprint::CNode {
            size_bits: cnode_bits(component),
        });
        Self {
            // The small objects lie between the CNode and the pages: what is lost by alignment is less than a page at each end.
            bytes: cnode + small.next_multiple_of(PAGE) + PAGE + pages as u64 * PAGE,
            slots: 1 + 2 * threads + pages,
        }
    }
}

fn size(kind: ObjectBlueprint) -> u64 {
    1 << kind.physical_size_bits()
}

/// The translation tables that some addresses need, below the root.
#[derive(Default)]
struct Tables(BTreeSet<(usize, u64)>);

impl Tables {
    /// Adds those for `bytes` at `address`; answers how many pages that is.
    fn span(&mut self, address: u64, bytes: u64) -> u64 {
        let pages = bytes.div_ceil(PAGE);
        for page in 0..pages {
            let at = address + page * PAGE;
            for level in 1..vspace_levels::NUM_LEVELS {
                if TranslationTableObjectType::from_level(level).is_some() {
                    self.0
                        .insert((level, at >> vspace_levels::span_bits(level)));
                }
            }
        }
        pages
    }

    fn count(&self) -> usize {
        self.0.len()
    }
}
