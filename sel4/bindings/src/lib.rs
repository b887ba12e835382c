//! The kernel's interface as it was configured: constants, bit fields, shared structures and invocation stubs, under libsel4's names.
//!
//! Everything here is generated at build time from the prefix that `SEL4_PREFIX` names, so it cannot disagree with that kernel. It makes no
//! system call itself and holds no `unsafe`: a stub packs its parameters and hands the message to an [`Invoke`].
//!
//! Programs use the crate `sel4`, never this one. Read next: `sel4-bindings-generator`, which writes it.
#![no_std]
#![forbid(unsafe_code)]

/// A capability pointer, as the kernel takes it.
#[expect(non_camel_case_types, reason = "the name is libsel4's")]
pub type seL4_CPtr = u64;

/// How a stub's message reaches the kernel. `sel4` implements it with the system call; tests with a recorder.
pub trait Invoke {
    /// Puts a capability into the message.
    fn set_cap(&mut self, index: usize, cptr: seL4_CPtr);
    /// Puts a word that has no register into the message: `index` is 4 or more.
    fn set_message_register(&mut self, index: usize, value: u64);
    /// Reads a word of the answer that has no register.
    fn message_register(&self, index: usize) -> u64;
    /// Calls `service` with the first four words.
    ///
    /// # Errors
    /// The kernel's error number.
    fn call(
        &mut self,
        service: seL4_CPtr,
        info: seL4_MessageInfo,
        words: [u64; 4],
    ) -> Result<[u64; 4], u64>;
}

mod generated {
    #![allow(
        non_upper_case_globals,
        non_camel_case_types,
        non_snake_case,
        missing_docs
    )]
    #![allow(clippy::all)]

    use super::{Invoke, seL4_CPtr};

    include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
}

pub use generated::*;

/// Chooses items or statements by a setting of the kernel's configuration:
/// `sel4_cfg_if! { if #[sel4_cfg(DEBUG_BUILD)] { … } else if #[sel4_cfg(not(SMP))] { … } else { … } }`.
#[macro_export]
macro_rules! sel4_cfg_if {
    (if #[sel4_cfg(not($key:ident))] { $($then:tt)* } $($rest:tt)*) => {
        $crate::sel4_cfg_if! { @ $key { $crate::sel4_cfg_if! { @otherwise $($rest)* } } { $($then)* } }
    };
    (if #[sel4_cfg($key:ident)] { $($then:tt)* } $($rest:tt)*) => {
        $crate::sel4_cfg_if! { @ $key { $($then)* } { $crate::sel4_cfg_if! { @otherwise $($rest)* } } }
    };
    (@otherwise) => {};
    (@otherwise else if $($rest:tt)*) => { $crate::sel4_cfg_if! { if $($rest)* } };
    (@otherwise else { $($otherwise:tt)* }) => { $($otherwise)* };
    (@ $key:ident { $($then:tt)* } { $($otherwise:tt)* }) => {
        $crate::sel4_cfg_select! { $key { $($then)* } { $($otherwise)* } }
    };
}
