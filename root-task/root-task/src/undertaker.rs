//! The undertaker: what a dead thread runs. See `docs/death.md`.
//!
//! A few instructions in an address space of their own, shared by all the dead. They use registers only, so nothing that a dead component has
//! spoiled can reach them: answer whom the thread owes an answer, wait for the next caller, answer that too, for ever.

use isthmus_abi::{NotExecuted, Outcome, Unknown};
use sel4::{
    CNodeCapData, CPtr, CapRights, FrameObjectType, MessageInfoBuilder, ObjectBlueprint,
    UserContext, WORD_SIZE, Word, cap,
};

use crate::component::Body;
use crate::error::{Doing, Result};
use crate::objects::{Objects, place};
use crate::space::{Access, PAGE, Space, Window};

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
    space: Space,
    dead_end: cap::Endpoint,
}

/// What a component's threads run in after its death; made while it lives, so that death needs no memory.
#[derive(Clone, Copy)]
pub struct Grave {
    cnode: cap::CNode,
}

/// What is said to a caller that a dead thread still owed an answer.
const OWED: Outcome = Outcome::Unknown(Unknown::ComponentDied);
/// What is said to everybody who calls a dead component.
const LATER: Outcome = Outcome::NotExecuted(NotExecuted::ComponentDied);

impl Undertaker {
    /// Makes the address space.
    pub fn new(objects: &mut Objects, window: &mut Window) -> Result<Self> {
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
            space,
            dead_end: objects.make(ObjectBlueprint::Endpoint)?.cast(),
        })
    }

    /// Digs a component's grave.
    pub fn grave(&self, objects: &mut Objects, body: &Body) -> Result<Grave> {
        let cnode: cap::CNode = objects
            .make(ObjectBlueprint::CNode {
                size_bits: CNODE_BITS,
            })?
            .cast();
        let endpoint = body.service.unwrap_or(self.dead_end);
        cnode
            .absolute_cptr_from_bits_with_depth(ENDPOINT.bits(), CNODE_BITS)
            .copy(&place(endpoint.cptr()), CapRights::all())
            .doing("an undertaker's endpoint")?;
        Ok(Grave { cnode })
    }

    /// Lets a suspended thread run the undertaker, never again what it ran.
    pub fn bury(&self, tcb: cap::Tcb, grave: Grave) -> Result<()> {
        let guard = CNodeCapData::new(0, WORD_SIZE - CNODE_BITS);
        tcb.tcb_set_space(CPtr::from_bits(0), grave.cnode, guard, self.space.root())
            .doing("an undertaker's address space")?;
        tcb.tcb_write_all_registers(true, &mut registers())
            .doing("an undertaker's registers")
    }
}

/// Message info and first word of an outcome.
pub fn message(outcome: Outcome) -> (sel4::MessageInfo, Word) {
    let (label, word) = outcome.encode();
    (
        MessageInfoBuilder::default()
            .label(label.bits())
            .length(1)
            .build(),
        word,
    )
}

/// What a saved reply is answered with.
#[must_use]
pub fn owed() -> (sel4::MessageInfo, Word) {
    message(OWED)
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
