//! The undertaker: what a dead thread runs. See `docs/death.md`.
//!
//! A few instructions in an address space of their own, shared by all the dead. They use registers only, so nothing that a dead component has
//! spoiled can reach them: answer whom the thread owes an answer, wait for the next caller, answer that too, for ever.

use isthmus_abi::{NotExecuted, Outcome, Unknown, limits};
use sel4::{
    AbsoluteCPtr, CNodeCapData, CPtr, CapRights, FrameObjectType, MessageInfoBuilder,
    ObjectBlueprint, UserContext, WORD_SIZE, Word, cap,
};

use crate::body::Body;
use crate::error::{Doing, Result};
use crate::lasting::Lasting;
use crate::space::{Access, PAGE, Space, Window};
use crate::supply::Supply;

/// Where the undertaker's page lies in its address space.
const CODE: u64 = 0x20_0000;
/// The one capability of a dead thread: the service endpoint, or an endpoint on which nobody sends.
const ENDPOINT: CPtr = CPtr::from_bits(1);
/// Its CNode has 2 slots.
const CNODE_BITS: usize = 1;
/// `ReplyRecv`, as the kernel numbers it.
const REPLY_RECV: Word = sel4::sys::seL4_SysReplyRecv as Word;

#[cfg(target_arch = "x86_64")]
core::arch::global_asm!(
    ".pushsection .text.undertaker, \"ax\", @progbits",
    ".balign 16",
    "undertaker_start:",
    // The first time rdi, rsi and r10 hold endpoint, outcome and reason already. The kernel loses rcx, r11 and rsp.
    "mov rdx, rbx",
    "syscall",
    "mov rdi, r12",
    "mov rsi, r13",
    "mov r10, r14",
    "xor r8d, r8d",
    "xor r9d, r9d",
    "xor r15d, r15d",
    "jmp undertaker_start",
    "undertaker_end:",
    ".popsection",
);

#[cfg(target_arch = "aarch64")]
core::arch::global_asm!(
    ".pushsection .text.undertaker, \"ax\", @progbits",
    ".balign 16",
    "undertaker_start:",
    // The first time x0, x1 and x2 hold endpoint, outcome and reason already.
    "mov x7, x19",
    "svc #0",
    "mov x0, x20",
    "mov x1, x21",
    "mov x2, x22",
    "mov x3, xzr",
    "mov x4, xzr",
    "mov x5, xzr",
    "b undertaker_start",
    "undertaker_end:",
    ".popsection",
);

unsafe extern "C" {
    static undertaker_start: [u8; 0];
    static undertaker_end: [u8; 0];
}

/// The undertaker's address space, and the end of the world.
pub struct Undertaker {
    space: cap::VSpace,
    dead_end: cap::Endpoint,
}

/// What a component's threads run in after its death; made while it lives, so that death needs no memory.
#[derive(Clone, Copy, Debug)]
pub struct Grave {
    /// Its capability space, which holds one endpoint.
    pub cnode: cap::CNode,
    /// The undertaker's address space.
    pub space: cap::VSpace,
}

/// What is said to a caller that a dead thread still owed an answer.
const OWED: Outcome = Outcome::Unknown(Unknown::ComponentDied);
/// What is said to everybody who calls a dead component.
const LATER: Outcome = Outcome::NotExecuted(NotExecuted::ComponentDied);

impl Undertaker {
    /// Makes the address space.
    pub fn new(objects: &mut dyn Supply, window: &mut Window) -> Result<Self> {
        let start = (&raw const undertaker_start).cast::<u8>();
        let length = (&raw const undertaker_end) as usize - start as usize;
        // SAFETY: both labels stand in one section of this program's text, in this order.
        let code = unsafe { core::slice::from_raw_parts(start, length) };
        assert!(code.len() as u64 <= PAGE, "the undertaker fits one page");

        let mut space = Space::new(objects)?;
        let frame = objects.make(FrameObjectType::GRANULE.blueprint())?.cast();
        window.fill(objects, frame, 0, code)?;
        space.map(objects, frame, CODE, Access::Execute)?;
        Ok(Self {
            space: space.root(),
            dead_end: objects.make(ObjectBlueprint::Endpoint)?.cast(),
        })
    }

    /// Digs a component's grave: who lies there answers everybody who calls the component.
    ///
    /// # Errors
    /// No memory or slots, or what the kernel refuses.
    pub fn grave(&self, objects: &mut dyn Supply, lasting: &Lasting) -> Result<Grave> {
        self.grave_at(objects, lasting.service.unwrap_or(self.dead_end))
    }

    /// Digs a grave where nobody calls.
    ///
    /// # Errors
    /// As [`grave`](Self::grave).
    pub fn silent_grave(&self, objects: &mut dyn Supply) -> Result<Grave> {
        self.grave_at(objects, self.dead_end)
    }

    fn grave_at(&self, objects: &mut dyn Supply, endpoint: cap::Endpoint) -> Result<Grave> {
        let cnode: cap::CNode = objects
            .make(ObjectBlueprint::CNode {
                size_bits: CNODE_BITS,
            })?
            .cast();
        cnode
            .absolute_cptr_from_bits_with_depth(ENDPOINT.bits(), CNODE_BITS)
            .copy(&objects.place(endpoint.cptr()), CapRights::all())
            .doing("an undertaker's endpoint")?;
        Ok(Grave {
            cnode,
            space: self.space,
        })
    }

    /// Makes a component's deputy: a thread that lies in its grave from the start, and stands at its endpoint whenever
    /// [`stand`] says so.
    ///
    /// # Errors
    /// As [`grave`](Self::grave).
    pub fn deputy(&self, objects: &mut dyn Supply, lasting: &Lasting) -> Result<cap::Tcb> {
        let grave = self.grave(objects, lasting)?;
        let tcb: cap::Tcb = objects.make(ObjectBlueprint::Tcb)?.cast();
        grave.take(tcb)?;
        let priority = Word::from(limits::UNDERTAKER_PRIORITY);
        tcb.tcb_set_sched_params(tcb, priority, priority)
            .doing("a deputy's priority")?;
        Ok(tcb)
    }
}

impl Grave {
    /// Lets a suspended thread run the undertaker, never again what it ran.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub fn bury(self, tcb: cap::Tcb) -> Result<()> {
        self.take(tcb)?;
        stand(tcb)
    }

    fn take(self, tcb: cap::Tcb) -> Result<()> {
        let guard = CNodeCapData::new(0, WORD_SIZE - CNODE_BITS);
        tcb.tcb_set_space(CPtr::from_bits(0), self.cnode, guard, self.space)
            .doing("an undertaker's address space")
    }
}

/// Lets a thread that lies in its grave answer whom it owes an answer, and from then on everybody who calls there.
///
/// # Errors
/// What the kernel refuses.
pub fn stand(tcb: cap::Tcb) -> Result<()> {
    tcb.tcb_write_all_registers(true, &mut registers())
        .doing("an undertaker's registers")
}

/// Message info and first word of an outcome.
fn message(outcome: Outcome) -> (sel4::MessageInfo, Word) {
    let (label, word) = outcome.encode();
    (
        MessageInfoBuilder::default()
            .label(label.bits())
            .length(1)
            .build(),
        word,
    )
}

/// Answers every caller whose reply the dead component `body` had saved; answers how many. `scratch` is an empty slot of the builder's.
pub fn answer_saved(body: &Body, scratch: AbsoluteCPtr) -> usize {
    let (info, word) = message(OWED);
    let mut answered = 0;
    for slot in body.replies.iter() {
        if scratch.move_(&body.at(slot)).is_err() {
            continue; // an empty slot: the caller was answered, or died
        }
        // Without waiting, for what lies there may be no reply: then the label does nothing.
        CPtr::from_bits(scratch.path().bits())
            .cast::<sel4::cap_type::Endpoint>()
            .nb_send_with_mrs(info, [word]);
        let _ = scratch.delete();
        answered += 1;
    }
    answered
}

fn registers() -> UserContext {
    let (owed_info, owed_word) = message(OWED);
    let (later_info, later_word) = message(LATER);
    let mut context = UserContext::default();
    *context.pc_mut() = CODE;
    let r = context.inner_mut();
    #[cfg(target_arch = "x86_64")]
    {
        r.rbx = REPLY_RECV;
        (r.rdi, r.rsi, r.r10) = (ENDPOINT.bits(), owed_info.into_word(), owed_word);
        (r.r12, r.r13, r.r14) = (ENDPOINT.bits(), later_info.into_word(), later_word);
    }
    #[cfg(target_arch = "aarch64")]
    {
        r.x19 = REPLY_RECV;
        (r.x0, r.x1, r.x2) = (ENDPOINT.bits(), owed_info.into_word(), owed_word);
        (r.x20, r.x21, r.x22) = (ENDPOINT.bits(), later_info.into_word(), later_word);
    }
    context
}
