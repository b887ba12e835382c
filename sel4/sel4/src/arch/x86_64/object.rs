use crate::object::{CapTypeForObjectOfFixedSize, ObjectBlueprint, ObjectType};
use crate::vspace::{
    CapTypeForFrameObject, CapTypeForFrameObjectOfFixedSize, CapTypeForTranslationTableObject,
};
use crate::{Word, sys};

/// Object types of this architecture.
pub type ObjectTypeArch = ObjectTypeX86;
/// Blueprints of this architecture.
pub type ObjectBlueprintArch = ObjectBlueprintX86;
/// Object types of 64-bit x86.
pub type ObjectTypeSeL4Arch = ObjectTypeX64;
/// Blueprints of 64-bit x86.
pub type ObjectBlueprintSeL4Arch = ObjectBlueprintX64;

pub(crate) const HIGHEST_LEVEL_WITH_PAGE_ENTRIES: usize = 2;

/// Object types of x86.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(non_camel_case_types, reason = "rust-sel4's names")]
pub enum ObjectTypeX86 {
    /// A frame of 4 KiB.
    _4k,
    /// A frame of 2 MiB.
    LargePage,
    /// A table of pages.
    PageTable,
    /// A table of page tables.
    PageDirectory,
    /// An object of 64-bit x86.
    SeL4Arch(ObjectTypeX64),
}

/// Object types of 64-bit x86.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectTypeX64 {
    /// A table of page directories.
    PDPT,
    /// The root of an address space.
    PML4,
}

impl ObjectTypeX86 {
    pub(crate) const fn into_sys(self) -> Word {
        match self {
            Self::_4k => sys::seL4_X86_4K,
            Self::LargePage => sys::seL4_X86_LargePageObject,
            Self::PageTable => sys::seL4_X86_PageTableObject,
            Self::PageDirectory => sys::seL4_X86_PageDirectoryObject,
            Self::SeL4Arch(ObjectTypeX64::PDPT) => sys::seL4_X86_PDPTObject,
            Self::SeL4Arch(ObjectTypeX64::PML4) => sys::seL4_X64_PML4Object,
        }
    }
}

/// Blueprints of x86.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(non_camel_case_types, reason = "rust-sel4's names")]
pub enum ObjectBlueprintX86 {
    /// A frame of 4 KiB.
    _4k,
    /// A frame of 2 MiB.
    LargePage,
    /// A table of pages.
    PageTable,
    /// A table of page tables.
    PageDirectory,
    /// An object of 64-bit x86.
    SeL4Arch(ObjectBlueprintX64),
}

/// Blueprints of 64-bit x86.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectBlueprintX64 {
    /// A table of page directories.
    PDPT,
    /// The root of an address space.
    PML4,
}

impl ObjectBlueprintX86 {
    pub(crate) const fn ty(self) -> ObjectTypeX86 {
        match self {
            Self::_4k => ObjectTypeX86::_4k,
            Self::LargePage => ObjectTypeX86::LargePage,
            Self::PageTable => ObjectTypeX86::PageTable,
            Self::PageDirectory => ObjectTypeX86::PageDirectory,
            Self::SeL4Arch(ObjectBlueprintX64::PDPT) => {
                ObjectTypeX86::SeL4Arch(ObjectTypeX64::PDPT)
            }
            Self::SeL4Arch(ObjectBlueprintX64::PML4) => {
                ObjectTypeX86::SeL4Arch(ObjectTypeX64::PML4)
            }
        }
    }

    pub(crate) const fn physical_size_bits(self) -> usize {
        (match self {
            Self::_4k => sys::seL4_PageBits,
            Self::LargePage => sys::seL4_LargePageBits,
            Self::PageTable => sys::seL4_PageTableBits,
            Self::PageDirectory => sys::seL4_PageDirBits,
            Self::SeL4Arch(ObjectBlueprintX64::PDPT) => sys::seL4_PDPTBits,
            Self::SeL4Arch(ObjectBlueprintX64::PML4) => sys::seL4_PML4Bits,
        }) as usize
    }
}

impl From<ObjectTypeX64> for ObjectType {
    fn from(ty: ObjectTypeX64) -> Self {
        Self::Arch(ObjectTypeX86::SeL4Arch(ty))
    }
}

impl From<ObjectBlueprintX64> for ObjectBlueprint {
    fn from(blueprint: ObjectBlueprintX64) -> Self {
        Self::Arch(ObjectBlueprintX86::SeL4Arch(blueprint))
    }
}

/// Sizes of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(non_camel_case_types, reason = "rust-sel4's names")]
pub enum FrameObjectType {
    /// 4 KiB.
    _4k,
    /// 2 MiB.
    LargePage,
}

impl FrameObjectType {
    /// The smallest.
    pub const GRANULE: Self = Self::_4k;

    /// The frame's blueprint.
    #[must_use]
    pub const fn blueprint(self) -> ObjectBlueprint {
        ObjectBlueprint::Arch(match self {
            Self::_4k => ObjectBlueprintX86::_4k,
            Self::LargePage => ObjectBlueprintX86::LargePage,
        })
    }

    /// The size of `2^bits` bytes, if there is one.
    #[must_use]
    pub const fn from_bits(bits: usize) -> Option<Self> {
        match bits as u64 {
            sys::seL4_PageBits => Some(Self::_4k),
            sys::seL4_LargePageBits => Some(Self::LargePage),
            _ => None,
        }
    }
}

/// Levels of translation tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TranslationTableObjectType {
    /// The root.
    PML4,
    /// A table of page directories.
    PDPT,
    /// A table of page tables.
    PageDirectory,
    /// A table of pages.
    PageTable,
}

impl TranslationTableObjectType {
    /// The table's blueprint.
    #[must_use]
    pub const fn blueprint(&self) -> ObjectBlueprint {
        ObjectBlueprint::Arch(match self {
            Self::PML4 => ObjectBlueprintX86::SeL4Arch(ObjectBlueprintX64::PML4),
            Self::PDPT => ObjectBlueprintX86::SeL4Arch(ObjectBlueprintX64::PDPT),
            Self::PageDirectory => ObjectBlueprintX86::PageDirectory,
            Self::PageTable => ObjectBlueprintX86::PageTable,
        })
    }

    /// log2 of the table's entries.
    #[must_use]
    pub const fn index_bits(&self) -> usize {
        // An entry is 8 bytes.
        self.blueprint().physical_size_bits() - 3
    }

    /// The table of a level; level 0 is the root.
    #[must_use]
    pub const fn from_level(level: usize) -> Option<Self> {
        Some(match level {
            0 => Self::PML4,
            1 => Self::PDPT,
            2 => Self::PageDirectory,
            3 => Self::PageTable,
            _ => return None,
        })
    }
}

/// Markers of this architecture.
#[allow(non_camel_case_types, reason = "rust-sel4's names")]
pub mod cap_types {
    crate::cptr::cap_type_markers! {
        /// A frame of 4 KiB.
        _4k,
        /// A frame of 2 MiB.
        LargePage,
        /// The root of an address space.
        PML4,
        /// A table of page directories.
        PDPT,
        /// A table of page tables.
        PageDirectory,
        /// A table of pages.
        PageTable,
        /// Access to I/O ports.
        IOPort,
        /// A device's address space.
        IOSpace,
    }

    /// The root of an address space.
    pub type VSpace = PML4;
    /// The smallest frame.
    pub type Granule = _4k;
}

/// Capabilities of this architecture.
#[allow(non_camel_case_types, reason = "rust-sel4's names")]
pub mod caps {
    use super::cap_types;
    use crate::{Cap, NoExplicitInvocationContext};

    /// A frame of 4 KiB.
    pub type _4k<C = NoExplicitInvocationContext> = Cap<cap_types::_4k, C>;
    /// A frame of 2 MiB.
    pub type LargePage<C = NoExplicitInvocationContext> = Cap<cap_types::LargePage, C>;
    /// The root of an address space.
    pub type PML4<C = NoExplicitInvocationContext> = Cap<cap_types::PML4, C>;
    /// A table of page directories.
    pub type PDPT<C = NoExplicitInvocationContext> = Cap<cap_types::PDPT, C>;
    /// A table of page tables.
    pub type PageDirectory<C = NoExplicitInvocationContext> = Cap<cap_types::PageDirectory, C>;
    /// A table of pages.
    pub type PageTable<C = NoExplicitInvocationContext> = Cap<cap_types::PageTable, C>;
    /// Access to I/O ports.
    pub type IOPort<C = NoExplicitInvocationContext> = Cap<cap_types::IOPort, C>;
    /// A device's address space.
    pub type IOSpace<C = NoExplicitInvocationContext> = Cap<cap_types::IOSpace, C>;
}

macro_rules! frames {
    ($($name:ident),*) => {$(
        impl CapTypeForFrameObject for cap_types::$name {}
        impl CapTypeForObjectOfFixedSize for cap_types::$name {
            fn object_blueprint() -> ObjectBlueprint {
                FrameObjectType::$name.blueprint()
            }
        }
        impl CapTypeForFrameObjectOfFixedSize for cap_types::$name {
            const FRAME_OBJECT_TYPE: FrameObjectType = FrameObjectType::$name;
        }
    )*};
}

macro_rules! tables {
    ($($name:ident),*) => {$(
        impl CapTypeForObjectOfFixedSize for cap_types::$name {
            fn object_blueprint() -> ObjectBlueprint {
                TranslationTableObjectType::$name.blueprint()
            }
        }
        impl CapTypeForTranslationTableObject for cap_types::$name {
            const TRANSLATION_TABLE_OBJECT_TYPE: TranslationTableObjectType = TranslationTableObjectType::$name;
        }
    )*};
}

frames!(_4k, LargePage);
tables!(PML4, PDPT, PageDirectory, PageTable);
