//! seL4 in Rust: capabilities, invocations and system calls, under rust-sel4's names.
//!
//! A capability is a typed number ([`Cap`]); what one can do with it are methods that are one system call each. Nothing here allocates, keeps
//! state of its own, or decides anything: it is the kernel's interface and no more. It is also the only place that knows which version of
//! seL4 runs underneath; where this version lacks something, `docs/sel4-api.md` says so.
//!
//! Each thread that uses this crate must have called [`set_ipc_buffer`] once (the runtimes do).
//!
//! Read next: [`syscalls`], [`invocations`], `docs/sel4-api.md`, and `docs/kernel.md` for what the kernel does.
#![no_std]

mod arch;
mod bootinfo;
mod cap_rights;
mod cnode_cap_data;
mod cptr;
mod debug;
mod error;
mod fault;
pub mod init_thread;
pub mod invocations;
mod ipc_buffer;
mod message_info;
mod object;
pub mod syscalls;
mod user_context;
mod vspace;

pub use arch::{
    Fault, FrameObjectType, ObjectBlueprintArch, ObjectBlueprintSeL4Arch, ObjectTypeArch,
    ObjectTypeSeL4Arch, TranslationTableObjectType, UnknownSyscall, UserContext, UserException,
    VmAttributes,
};
#[cfg(target_arch = "aarch64")]
pub use arch::{ObjectBlueprintAArch64, ObjectBlueprintArm, ObjectTypeAArch64, ObjectTypeArm};
#[cfg(target_arch = "x86_64")]
pub use arch::{ObjectBlueprintX64, ObjectBlueprintX86, ObjectTypeX64, ObjectTypeX86};
pub use bootinfo::{
    BootInfo, BootInfoExtra, BootInfoExtraId, BootInfoExtraIter, BootInfoPtr, UntypedDesc,
};
pub use cap_rights::{CapRights, CapRightsBuilder};
pub use cnode_cap_data::CNodeCapData;
pub use cptr::{
    AbsoluteCPtr, CPtr, CPtrBits, CPtrWithDepth, Cap, CapType, HasCPtrWithDepth, InvocationContext,
    NoExplicitInvocationContext, cap, cap_type,
};
#[doc(hidden)]
pub use debug::debug_print_helper;
pub use debug::{DebugWrite, debug_put_char};
pub use error::{Error, Result};
pub use fault::{CapFault, NullFault, VmFault};
pub use ipc_buffer::{IpcBuffer, Volatile, set_ipc_buffer, with_ipc_buffer, with_ipc_buffer_mut};
pub use message_info::{MessageInfo, MessageInfoBuilder};
pub use object::{CapTypeForObject, CapTypeForObjectOfFixedSize, ObjectBlueprint, ObjectType};
pub use sel4_bindings::{sel4_cfg_bool, sel4_cfg_if, sel4_cfg_str, sel4_cfg_usize};
pub use syscalls::{
    Badge, CallWithMRs, ConveysReplyAuthority, FastMessages, RecvWithMRs, WaitMessageInfo, reply,
    reply_with_mrs, r#yield,
};
pub use vspace::{
    CapTypeForFrameObject, CapTypeForFrameObjectOfFixedSize, CapTypeForTranslationTableObject,
    vspace_levels,
};

#[doc(no_inline)]
pub use sel4_bindings as sys;

sel4_cfg_if! {
    if #[sel4_cfg(DEBUG_BUILD)] {
        pub use debug::{debug_cap_identify, debug_halt, debug_snapshot};
    }
}

/// The machine's word: a message register, a capability pointer, a badge.
pub type Word = u64;

/// Bits of a [`Word`].
pub const WORD_SIZE: usize = 64;

/// Message registers that travel in machine registers.
pub const NUM_FAST_MESSAGE_REGISTERS: usize = 4;

/// Message registers in all.
pub const NUM_MESSAGE_REGISTERS: usize = sys::seL4_MsgMaxLength as usize;

/// Bits of an endpoint capability's badge. More are cut without an error in a release kernel, and stop a debug kernel.
pub const ENDPOINT_BADGE_BITS: u32 = sys::seL4_BadgeBits as u32;

const _: () = assert!(
    usize::BITS as usize == WORD_SIZE,
    "this crate knows 64-bit machines"
);
