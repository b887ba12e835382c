//! Who runs: the words that the scheduler writes for each component (`isthmus_abi::runs`), if the description has a channel for them.

use core::sync::atomic::Ordering;

use isthmus_abi::runs::{CHANNEL, Run};
use isthmus_abi::{ComponentId, EventBit};
use isthmus_runtime::{Startup, grants};
use netipc_proxy_logic::imports::Owner;
use shared_memory::SharedMemory;

/// The scheduler's words.
pub struct Runs {
    words: SharedMemory<'static>,
    /// Signalled when somebody has ended.
    pub event: EventBit,
}

impl Runs {
    /// The channel, if there is one.
    pub fn open(startup: &'static Startup) -> Option<Self> {
        Some(Self {
            words: grants::shared_memory(CHANNEL).ok()?,
            event: startup.channel_event(CHANNEL).ok()?,
        })
    }

    /// The present run of a component, or that it has none.
    pub fn of(&self, component: ComponentId) -> Run {
        let word = self.words.words().get(Run::index(component));
        word.map_or(Run::UNTOLD, |word| {
            Run::from_word(word.load(Ordering::Acquire))
        })
    }
}

/// Whether the run is over that an import is for.
pub fn has_ended(runs: Option<&Runs>, owner: Owner) -> bool {
    runs.is_some_and(|runs| owner.run.is_over(runs.of(owner.component)))
}
