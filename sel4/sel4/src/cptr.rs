use core::fmt;
use core::hash::Hash;
use core::marker::PhantomData;

use crate::{IpcBuffer, WORD_SIZE, with_ipc_buffer_mut};

/// The bits of a [`CPtr`].
pub type CPtrBits = crate::sys::seL4_CPtr;

/// An address in a CSpace, resolved at full depth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CPtr {
    bits: CPtrBits,
}

impl CPtr {
    /// Its bits.
    #[inline(always)]
    #[must_use]
    pub const fn bits(self) -> CPtrBits {
        self.bits
    }

    /// From its bits.
    #[inline(always)]
    #[must_use]
    pub const fn from_bits(bits: CPtrBits) -> Self {
        Self { bits }
    }

    /// As a capability of type `T`.
    #[inline(always)]
    #[must_use]
    pub const fn cast<T: CapType>(self) -> Cap<T> {
        Cap::from_cptr(self)
    }
}

/// An address in a CSpace with the number of bits to resolve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CPtrWithDepth {
    bits: CPtrBits,
    depth: usize,
}

impl CPtrWithDepth {
    /// From its bits and depth.
    #[must_use]
    pub const fn from_bits_with_depth(bits: CPtrBits, depth: usize) -> Self {
        Self { bits, depth }
    }

    /// Its bits.
    #[must_use]
    pub const fn bits(&self) -> CPtrBits {
        self.bits
    }

    /// How many of them are resolved.
    #[must_use]
    pub const fn depth(&self) -> usize {
        self.depth
    }

    /// Nothing to resolve: the root itself.
    #[must_use]
    pub const fn empty() -> Self {
        Self::from_bits_with_depth(0, 0)
    }
}

impl From<CPtr> for CPtrWithDepth {
    fn from(cptr: CPtr) -> Self {
        Self::from_bits_with_depth(cptr.bits(), WORD_SIZE)
    }
}

/// Where an invocation finds the IPC buffer.
pub trait InvocationContext {
    /// Runs `f` with the calling thread's IPC buffer.
    fn with_context<T>(&mut self, f: impl FnOnce(&mut IpcBuffer) -> T) -> T;
}

/// The calling thread's IPC buffer, found by the machine's register.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NoExplicitInvocationContext;

impl InvocationContext for NoExplicitInvocationContext {
    #[inline(always)]
    fn with_context<T>(&mut self, f: impl FnOnce(&mut IpcBuffer) -> T) -> T {
        with_ipc_buffer_mut(f)
    }
}

impl InvocationContext for IpcBuffer {
    #[inline(always)]
    fn with_context<T>(&mut self, f: impl FnOnce(&mut IpcBuffer) -> T) -> T {
        f(self)
    }
}

impl<C: InvocationContext> InvocationContext for &mut C {
    #[inline(always)]
    fn with_context<T>(&mut self, f: impl FnOnce(&mut IpcBuffer) -> T) -> T {
        C::with_context(self, f)
    }
}

/// A capability of type `T` in the thread's CSpace: a number that knows what it is for.
///
/// Nothing checks that the slot really holds such a capability: the kernel does, at each use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cap<T: CapType, C = NoExplicitInvocationContext> {
    cptr: CPtr,
    context: C,
    phantom: PhantomData<T>,
}

impl<T: CapType, C> Cap<T, C> {
    /// Its address.
    #[inline(always)]
    #[must_use]
    pub const fn cptr(&self) -> CPtr {
        self.cptr
    }

    /// Its address's bits.
    #[inline(always)]
    #[must_use]
    pub const fn bits(&self) -> CPtrBits {
        self.cptr.bits()
    }

    /// The same slot, as another type.
    #[inline(always)]
    #[must_use]
    pub fn cast<U: CapType>(self) -> Cap<U, C> {
        Cap {
            cptr: self.cptr,
            context: self.context,
            phantom: PhantomData,
        }
    }

    /// The same capability, invoked with the IPC buffer of `context`.
    #[inline(always)]
    #[must_use]
    pub fn with<D>(self, context: D) -> Cap<T, D> {
        Cap {
            cptr: self.cptr,
            context,
            phantom: PhantomData,
        }
    }

    /// The same capability, invoked with the thread's IPC buffer.
    #[inline(always)]
    #[must_use]
    pub fn without_context(self) -> Cap<T> {
        self.with(NoExplicitInvocationContext)
    }

    /// Its context.
    pub fn into_invocation_context(self) -> C {
        self.context
    }

    /// The same capability without its type.
    #[inline(always)]
    #[must_use]
    pub fn upcast(self) -> cap::Unspecified<C> {
        self.cast()
    }
}

impl<T: CapType> Cap<T> {
    /// From its address.
    #[inline(always)]
    #[must_use]
    pub const fn from_cptr(cptr: CPtr) -> Self {
        Self {
            cptr,
            context: NoExplicitInvocationContext,
            phantom: PhantomData,
        }
    }

    /// From its address's bits.
    #[inline(always)]
    #[must_use]
    pub const fn from_bits(bits: CPtrBits) -> Self {
        Self::from_cptr(CPtr::from_bits(bits))
    }
}

impl<T: CapType, C: InvocationContext> Cap<T, C> {
    #[inline(always)]
    pub(crate) fn invoke<R>(mut self, f: impl FnOnce(CPtr, &mut IpcBuffer) -> R) -> R {
        let cptr = self.cptr;
        self.context.with_context(|ipc_buffer| f(cptr, ipc_buffer))
    }
}

impl<C> cap::Unspecified<C> {
    /// The same capability as type `T`.
    #[must_use]
    pub fn downcast<T: CapType>(self) -> Cap<T, C> {
        self.cast()
    }
}

impl<T: CapType, C> fmt::Debug for Cap<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({:#x})", T::NAME, self.bits())
    }
}

/// A marker for a capability's type.
pub trait CapType: Copy + Eq + Ord + Hash {
    /// Its name, for messages.
    const NAME: &'static str;
}

/// Types that only name a type of capability.
macro_rules! cap_type_markers {
    ($($(#[$attribute:meta])* $name:ident),* $(,)?) => {$(
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name;

        impl $crate::CapType for $name {
            const NAME: &'static str = stringify!($name);
        }
    )*};
}
pub(crate) use cap_type_markers;

macro_rules! cap_types {
    ($($(#[$attribute:meta])* $name:ident),* $(,)?) => {
        /// Markers for the types of capabilities.
        pub mod cap_type {
            super::cap_type_markers! { $($(#[$attribute])* $name),* }

            /// The root of an address space.
            pub use crate::arch::cap_types::VSpace;
            /// The smallest frame.
            pub use crate::arch::cap_types::Granule;
            pub use crate::arch::cap_types::*;
        }

        /// Capabilities by type.
        pub mod cap {
            use super::{Cap, NoExplicitInvocationContext, cap_type};

            $(
                $(#[$attribute])*
                pub type $name<C = NoExplicitInvocationContext> = Cap<cap_type::$name, C>;
            )*

            /// The root of an address space.
            pub type VSpace<C = NoExplicitInvocationContext> = Cap<cap_type::VSpace, C>;
            /// The smallest frame.
            pub type Granule<C = NoExplicitInvocationContext> = Cap<cap_type::Granule, C>;
            pub use crate::arch::caps::*;
        }
    };
}

cap_types! {
    /// Memory to make objects from.
    Untyped,
    /// An endpoint.
    Endpoint,
    /// A notification.
    Notification,
    /// A thread.
    Tcb,
    /// A table of capabilities.
    CNode,
    /// Authority to make interrupt handlers.
    IrqControl,
    /// An interrupt.
    IrqHandler,
    /// Authority to make ASID pools.
    AsidControl,
    /// Address space identifiers to assign.
    AsidPool,
    /// Authority over scheduling domains.
    DomainSet,
    /// A saved reply: what [`AbsoluteCPtr::save_caller`](crate::AbsoluteCPtr::save_caller) leaves. Sending to it answers the caller and empties the slot.
    Reply,
    /// An empty slot.
    Null,
    /// A capability of some type.
    Unspecified,
    /// A frame of some size.
    UnspecifiedPage,
    /// A translation table of some level.
    UnspecifiedIntermediateTranslationTable,
}

/// A slot: a CNode, and the path from it. What CNode operations work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AbsoluteCPtr<C = NoExplicitInvocationContext> {
    root: cap::CNode<C>,
    path: CPtrWithDepth,
}

impl<C> AbsoluteCPtr<C> {
    /// The slot at `path` from `root`.
    pub const fn new(root: cap::CNode<C>, path: CPtrWithDepth) -> Self {
        Self { root, path }
    }

    /// The CNode that the path begins at.
    pub const fn root(&self) -> &cap::CNode<C> {
        &self.root
    }

    /// The CNode that the path begins at.
    pub fn into_root(self) -> cap::CNode<C> {
        self.root
    }

    /// The path.
    pub const fn path(&self) -> &CPtrWithDepth {
        &self.path
    }

    /// The same slot, invoked with the IPC buffer of `context`.
    pub fn with<D>(self, context: D) -> AbsoluteCPtr<D> {
        AbsoluteCPtr::new(self.root.with(context), self.path)
    }

    /// The same slot, invoked with the thread's IPC buffer.
    pub fn without_context(self) -> AbsoluteCPtr {
        self.with(NoExplicitInvocationContext)
    }
}

impl<C: InvocationContext> AbsoluteCPtr<C> {
    #[inline(always)]
    pub(crate) fn invoke<R>(self, f: impl FnOnce(CPtr, CPtrWithDepth, &mut IpcBuffer) -> R) -> R {
        let path = self.path;
        self.root
            .invoke(|cptr, ipc_buffer| f(cptr, path, ipc_buffer))
    }
}

/// What names a path in a CSpace.
pub trait HasCPtrWithDepth {
    /// The path.
    fn cptr_with_depth(self) -> CPtrWithDepth;
}

impl HasCPtrWithDepth for CPtr {
    fn cptr_with_depth(self) -> CPtrWithDepth {
        self.into()
    }
}

impl<T: CapType, C> HasCPtrWithDepth for Cap<T, C> {
    fn cptr_with_depth(self) -> CPtrWithDepth {
        self.cptr().into()
    }
}

impl HasCPtrWithDepth for CPtrWithDepth {
    fn cptr_with_depth(self) -> CPtrWithDepth {
        self
    }
}

impl<C> cap::CNode<C> {
    /// The slot at `path`.
    pub fn absolute_cptr<P: HasCPtrWithDepth>(self, path: P) -> AbsoluteCPtr<C> {
        AbsoluteCPtr::new(self, path.cptr_with_depth())
    }

    /// The slot at the first `depth` bits of `bits`.
    pub fn absolute_cptr_from_bits_with_depth(
        self,
        bits: CPtrBits,
        depth: usize,
    ) -> AbsoluteCPtr<C> {
        self.absolute_cptr(CPtrWithDepth::from_bits_with_depth(bits, depth))
    }

    /// The CNode itself, as the destination of a retype.
    pub fn absolute_cptr_for_self(self) -> AbsoluteCPtr<C> {
        self.absolute_cptr(CPtrWithDepth::empty())
    }
}
