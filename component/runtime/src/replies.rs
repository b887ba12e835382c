//! Answering later: reply capabilities saved in slots that the supervisor knows.
//!
//! When the component dies, the supervisor answers every caller in these slots. So a saved reply never leaves them.

use core::mem::ManuallyDrop;

use isthmus_abi::{Outcome, Slot, Unknown, limits};
use sel4::{MessageInfo, Word, cap};

use crate::bitmap::Bitmap;
use crate::slots::{self, Exhausted};
use crate::startup;

static TAKEN: Bitmap<{ limits::REPLIES.div_ceil(64) }> = Bitmap::new();

/// A caller that waits for its answer. Dropped unanswered, it answers `Unknown`, so that nobody waits for ever.
#[derive(Debug)]
pub struct SavedReply {
    slot: Slot,
}

impl SavedReply {
    /// Saves the caller of the message that this thread received last. Must come before the thread receives or calls
    /// again. After a one-way message there is no caller: the reply is saved all the same, and answers nobody.
    pub fn save() -> Result<Self, Exhausted> {
        let range = startup().replies;
        let index = TAKEN.take(range.count).ok_or(Exhausted)?;
        let reply = Self {
            slot: Slot(range.first.0 + index),
        };
        match slots::absolute(reply.slot).save_caller() {
            Ok(()) => Ok(reply),
            Err(_) => {
                // Something else lies there, which the runtime never puts: there is nobody to answer.
                let _ = slots::absolute(reply.slot).delete();
                reply.forget();
                Err(Exhausted)
            }
        }
    }

    /// Where it lies, for [`from_slot`](Self::from_slot): until then nobody answers it.
    pub(crate) fn into_slot(self) -> Slot {
        ManuallyDrop::new(self).slot
    }

    /// What [`into_slot`](Self::into_slot) gave.
    pub(crate) const fn from_slot(slot: Slot) -> Self {
        Self { slot }
    }

    /// Where it lies.
    #[must_use]
    pub const fn slot(&self) -> Slot {
        self.slot
    }

    /// Answers, with the words of the message in the IPC buffer already.
    pub fn send(self, info: MessageInfo) {
        self.capability().send(info);
        self.forget();
    }

    /// Answers with up to four words, in registers.
    pub fn send_with_mrs(self, info: MessageInfo, words: [Word; limits::REGISTER_WORDS]) {
        self.capability().send_with_mrs(info, words);
        self.forget();
    }

    /// Whether the caller still waits. A caller that died leaves the slot empty, without an event.
    #[must_use]
    pub fn is_live(&self) -> bool {
        // Copying a live reply is illegal, copying an empty slot fails the look-up: a probe that changes nothing. The
        // destination is the reply's own slot, which would have to be empty for the copy to go on.
        let here = slots::absolute(self.slot);
        let spare = slots::absolute(isthmus_abi::slots::NULL);
        !matches!(
            spare.copy(&here, sel4::CapRights::all()),
            Err(sel4::Error::FailedLookup)
        )
    }

    fn capability(&self) -> cap::Endpoint {
        slots::cap(self.slot)
    }

    /// The kernel has emptied the slot by the send; without a caller (nobody called, or the caller died) it was empty.
    fn forget(self) {
        ManuallyDrop::new(self).release();
    }

    fn release(&self) {
        TAKEN.give(self.slot.0 - startup().replies.first.0);
    }
}

impl Drop for SavedReply {
    fn drop(&mut self) {
        let (label, word) = Outcome::Unknown(Unknown::ReplyLost).encode();
        let info = sel4::MessageInfoBuilder::default()
            .label(label.bits())
            .length(1)
            .build();
        self.capability().send_with_mrs(info, [word, 0, 0, 0]);
        self.release();
    }
}
