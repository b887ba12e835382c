//! What netipc's proxy is told of the runs of components: a word for each in a channel, if the description has one (`isthmus_abi::runs`). It is never waited for.

use core::sync::atomic::Ordering;

use isthmus_abi::ComponentId;
use isthmus_abi::runs::{CHANNEL, Run};
use isthmus_runtime::grants;
use isthmus_runtime::sel4::cap;
use scheduler_logic::limits::COMPONENTS;
use shared_memory::SharedMemory;

/// The channel, and what was written there last: the other end could write there, too, and is not believed.
pub struct Tally {
    channel: Option<(SharedMemory<'static>, cap::Notification)>,
    runs: [Run; COMPONENTS],
}

impl Tally {
    /// With the channel that the description grants, or none.
    pub fn new() -> Self {
        let memory = grants::shared_memory(CHANNEL).ok();
        Self {
            channel: memory.zip(grants::channel_signal(CHANNEL).ok()),
            runs: [Run::UNTOLD; COMPONENTS],
        }
    }

    /// A run begins: before its first instruction.
    pub fn begin(&mut self, id: ComponentId) {
        self.note(id, Run::begin);
    }

    /// It has ended: before the next one begins.
    pub fn end(&mut self, id: ComponentId) {
        self.note(id, Run::end);
        if let Some((_, netipc)) = self.channel {
            netipc.signal();
        }
    }

    fn note(&mut self, id: ComponentId, change: fn(Run) -> Run) {
        let index = Run::index(id);
        let Some(run) = self.runs.get_mut(index) else {
            return;
        };
        *run = change(*run);
        if let Some((memory, _)) = self.channel
            && let Some(word) = memory.words().get(index)
        {
            word.store(run.word(), Ordering::Release);
        }
    }
}
