use crate::{CapType, ObjectBlueprintArch, ObjectTypeArch, Word, cap_type, sys};

/// The type of a kernel object. Corresponds to `seL4_ObjectType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectType {
    /// Untyped memory.
    Untyped,
    /// An endpoint.
    Endpoint,
    /// A notification.
    Notification,
    /// A table of capabilities.
    CNode,
    /// A thread.
    Tcb,
    /// An object of the architecture.
    Arch(ObjectTypeArch),
}

impl ObjectType {
    /// The kernel's number for it, in this configuration.
    #[must_use]
    pub const fn into_sys(self) -> Word {
        match self {
            Self::Untyped => sys::seL4_UntypedObject,
            Self::Endpoint => sys::seL4_EndpointObject,
            Self::Notification => sys::seL4_NotificationObject,
            Self::CNode => sys::seL4_CapTableObject,
            Self::Tcb => sys::seL4_TCBObject,
            Self::Arch(arch) => arch.into_sys(),
        }
    }
}

impl From<ObjectTypeArch> for ObjectType {
    fn from(ty: ObjectTypeArch) -> Self {
        Self::Arch(ty)
    }
}

/// A type with the size that the kernel needs to make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectBlueprint {
    /// Untyped memory of `2^size_bits` bytes.
    Untyped {
        /// log2 of the bytes.
        size_bits: usize,
    },
    /// An endpoint.
    Endpoint,
    /// A notification.
    Notification,
    /// A table of `2^size_bits` slots.
    CNode {
        /// log2 of the slots.
        size_bits: usize,
    },
    /// A thread.
    Tcb,
    /// An object of the architecture.
    Arch(ObjectBlueprintArch),
}

impl ObjectBlueprint {
    /// The type.
    #[must_use]
    pub const fn ty(self) -> ObjectType {
        match self {
            Self::Untyped { .. } => ObjectType::Untyped,
            Self::Endpoint => ObjectType::Endpoint,
            Self::Notification => ObjectType::Notification,
            Self::CNode { .. } => ObjectType::CNode,
            Self::Tcb => ObjectType::Tcb,
            Self::Arch(arch) => ObjectType::Arch(arch.ty()),
        }
    }

    /// The size as the kernel's API takes it: `None` where the type fixes it.
    #[must_use]
    pub const fn api_size_bits(self) -> Option<usize> {
        match self {
            Self::Untyped { size_bits } | Self::CNode { size_bits } => Some(size_bits),
            _ => None,
        }
    }

    /// log2 of the bytes that the object takes.
    #[must_use]
    pub const fn physical_size_bits(self) -> usize {
        match self {
            Self::Untyped { size_bits } => size_bits,
            Self::Endpoint => sys::seL4_EndpointBits as usize,
            Self::Notification => sys::seL4_NotificationBits as usize,
            Self::CNode { size_bits } => sys::seL4_SlotBits as usize + size_bits,
            Self::Tcb => sys::seL4_TCBBits as usize,
            Self::Arch(arch) => arch.physical_size_bits(),
        }
    }

    /// The untyped memory that an ASID pool is made of.
    #[must_use]
    pub const fn asid_pool() -> Self {
        Self::Untyped {
            size_bits: sys::seL4_ASIDPoolBits as usize,
        }
    }
}

impl From<ObjectBlueprintArch> for ObjectBlueprint {
    fn from(blueprint: ObjectBlueprintArch) -> Self {
        Self::Arch(blueprint)
    }
}

/// A capability type whose object can be made.
pub trait CapTypeForObject: CapType {
    /// The object's type.
    fn object_type() -> ObjectType;
}

/// A capability type whose object has one size.
pub trait CapTypeForObjectOfFixedSize: CapType {
    /// The object's blueprint.
    fn object_blueprint() -> ObjectBlueprint;
}

impl<T: CapTypeForObjectOfFixedSize> CapTypeForObject for T {
    fn object_type() -> ObjectType {
        T::object_blueprint().ty()
    }
}

macro_rules! fixed_size {
    ($($name:ident),*) => {$(
        impl CapTypeForObjectOfFixedSize for cap_type::$name {
            fn object_blueprint() -> ObjectBlueprint {
                ObjectBlueprint::$name
            }
        }
    )*};
}

fixed_size!(Endpoint, Notification, Tcb);
