use crate::object::{CapTypeForObjectOfFixedSize, ObjectBlueprint, ObjectType};
use crate::vspace::{
    CapTypeForFrameObject, CapTypeForFrameObjectOfFixedSize, CapTypeForTranslationTableObject,
};
use crate::{Word, sys};

/// Object types of this architecture.
pub type ObjectTypeArch = ObjectTypeArm;
/// Blueprints of this architecture.
pub type ObjectBlueprintArch = ObjectBlueprintArm;
/// Object types of 64-bit ARM.
pub type ObjectTypeSeL4Arch = ObjectTypeAArch64;
/// Blueprints of 64-bit ARM.
pub type ObjectBlueprintSeL4Arch = ObjectBlueprintAArch64;

pub(crate) const HIGHEST_LEVEL_WITH_PAGE_ENTRIES: usize = 1;

/// Object types of ARM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectTypeArm {
    /// A frame of 4 KiB.
    SmallPage,
    /// A frame of 2 MiB.
    LargePage,
    /// A table of pages.
    PT,
    /// A table of page tables.
    PD,
    /// An object of 64-bit ARM.
    SeL4Arch(ObjectTypeAArch64),
}

/// Object types of 64-bit ARM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectTypeAArch64 {
    /// A frame of 1 GiB.
    HugePage,
    /// A table of page directories (page upper directory).
    PUD,
    /// The root of an address space (page global directory).
    VSpace,
}

impl ObjectTypeArm {
    pub(crate) const fn into_sys(self) -> Word {
        match self {
            Self::SmallPage => sys::seL4_ARM_SmallPageObject,
            Self::LargePage => sys::seL4_ARM_LargePageObject,
            Self::PT => sys::seL4_ARM_PageTableObject,
            Self::PD => sys::seL4_ARM_PageDirectoryObject,
            Self::SeL4Arch(ObjectTypeAArch64::HugePage) => sys::seL4_ARM_HugePageObject,
            Self::SeL4Arch(ObjectTypeAArch64::PUD) => sys::seL4_ARM_PageUpperDirectoryObject,
            Self::SeL4Arch(ObjectTypeAArch64::VSpace) => sys::seL4_ARM_PageGlobalDirectoryObject,
        }
    }
}

/// Blueprints of ARM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectBlueprintArm {
    /// A frame of 4 KiB.
    SmallPage,
    /// A frame of 2 MiB.
    LargePage,
    /// A table of pages.
    PT,
    /// A table of page tables.
    PD,
    /// An object of 64-bit ARM.
    SeL4Arch(ObjectBlueprintAArch64),
}

/// Blueprints of 64-bit ARM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectBlueprintAArch64 {
    /// A frame of 1 GiB.
    HugePage,
    /// A table of page directories (page upper directory).
    PUD,
    /// The root of an address space (page global directory).
    VSpace,
}

impl ObjectBlueprintArm {
    pub(crate) const fn ty(self) -> ObjectTypeArm {
        match self {
            Self::SmallPage => ObjectTypeArm::SmallPage,
            Self::LargePage => ObjectTypeArm::LargePage,
            Self::PT => ObjectTypeArm::PT,
            Self::PD => ObjectTypeArm::PD,
            Self::SeL4Arch(ObjectBlueprintAArch64::HugePage) => {
                ObjectTypeArm::SeL4Arch(ObjectTypeAArch64::HugePage)
            }
            Self::SeL4Arch(ObjectBlueprintAArch64::PUD) => {
                ObjectTypeArm::SeL4Arch(ObjectTypeAArch64::PUD)
            }
            Self::SeL4Arch(ObjectBlueprintAArch64::VSpace) => {
                ObjectTypeArm::SeL4Arch(ObjectTypeAArch64::VSpace)
            }
        }
    }

    pub(crate) const fn physical_size_bits(self) -> usize {
        (match self {
            Self::SmallPage => sys::seL4_PageBits,
            Self::LargePage => sys::seL4_LargePageBits,
            Self::PT => sys::seL4_PageTableBits,
            Self::PD => sys::seL4_PageDirBits,
            Self::SeL4Arch(ObjectBlueprintAArch64::HugePage) => sys::seL4_HugePageBits,
            Self::SeL4Arch(ObjectBlueprintAArch64::PUD) => sys::seL4_PUDBits,
            Self::SeL4Arch(ObjectBlueprintAArch64::VSpace) => sys::seL4_PGDBits,
        }) as usize
    }
}

impl From<ObjectTypeAArch64> for ObjectType {
    fn from(ty: ObjectTypeAArch64) -> Self {
        Self::Arch(ObjectTypeArm::SeL4Arch(ty))
    }
}

impl From<ObjectBlueprintAArch64> for ObjectBlueprint {
    fn from(blueprint: ObjectBlueprintAArch64) -> Self {
        Self::Arch(ObjectBlueprintArm::SeL4Arch(blueprint))
    }
}

/// Sizes of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameObjectType {
    /// 4 KiB.
    SmallPage,
    /// 2 MiB.
    LargePage,
    /// 1 GiB.
    HugePage,
}

impl FrameObjectType {
    /// The smallest.
    pub const GRANULE: Self = Self::SmallPage;

    /// The frame's blueprint.
    #[must_use]
    pub const fn blueprint(self) -> ObjectBlueprint {
        ObjectBlueprint::Arch(match self {
            Self::SmallPage => ObjectBlueprintArm::SmallPage,
            Self::LargePage => ObjectBlueprintArm::LargePage,
            Self::HugePage => ObjectBlueprintArm::SeL4Arch(ObjectBlueprintAArch64::HugePage),
        })
    }

    /// The size of `2^bits` bytes, if there is one.
    #[must_use]
    pub const fn from_bits(bits: usize) -> Option<Self> {
        match bits as u64 {
            sys::seL4_PageBits => Some(Self::SmallPage),
            sys::seL4_LargePageBits => Some(Self::LargePage),
            sys::seL4_HugePageBits => Some(Self::HugePage),
            _ => None,
        }
    }
}

/// Levels of translation tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TranslationTableObjectType {
    /// The root.
    VSpace,
    /// A table of page directories.
    PUD,
    /// A table of page tables.
    PD,
    /// A table of pages.
    PT,
}

impl TranslationTableObjectType {
    /// The table's blueprint.
    #[must_use]
    pub const fn blueprint(&self) -> ObjectBlueprint {
        ObjectBlueprint::Arch(match self {
            Self::VSpace => ObjectBlueprintArm::SeL4Arch(ObjectBlueprintAArch64::VSpace),
            Self::PUD => ObjectBlueprintArm::SeL4Arch(ObjectBlueprintAArch64::PUD),
            Self::PD => ObjectBlueprintArm::PD,
            Self::PT => ObjectBlueprintArm::PT,
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
            0 => Self::VSpace,
            1 => Self::PUD,
            2 => Self::PD,
            3 => Self::PT,
            _ => return None,
        })
    }
}

/// Markers of this architecture.
pub mod cap_types {
    crate::cptr::cap_type_markers! {
        /// A frame of 4 KiB.
        SmallPage,
        /// A frame of 2 MiB.
        LargePage,
        /// A frame of 1 GiB.
        HugePage,
        /// The root of an address space.
        VSpace,
        /// A table of page directories.
        PUD,
        /// A table of page tables.
        PD,
        /// A table of pages.
        PT,
    }

    /// The smallest frame.
    pub type Granule = SmallPage;
}

/// Capabilities of this architecture.
pub mod caps {
    use super::cap_types;
    use crate::{Cap, NoExplicitInvocationContext};

    /// A frame of 4 KiB.
    pub type SmallPage<C = NoExplicitInvocationContext> = Cap<cap_types::SmallPage, C>;
    /// A frame of 2 MiB.
    pub type LargePage<C = NoExplicitInvocationContext> = Cap<cap_types::LargePage, C>;
    /// A frame of 1 GiB.
    pub type HugePage<C = NoExplicitInvocationContext> = Cap<cap_types::HugePage, C>;
    /// A table of page directories.
    pub type PUD<C = NoExplicitInvocationContext> = Cap<cap_types::PUD, C>;
    /// A table of page tables.
    pub type PD<C = NoExplicitInvocationContext> = Cap<cap_types::PD, C>;
    /// A table of pages.
    pub type PT<C = NoExplicitInvocationContext> = Cap<cap_types::PT, C>;
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

frames!(SmallPage, LargePage, HugePage);
tables!(VSpace, PUD, PD, PT);
