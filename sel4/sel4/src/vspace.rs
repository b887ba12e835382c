use crate::object::CapTypeForObjectOfFixedSize;
use crate::{CapType, FrameObjectType, TranslationTableObjectType, cap_type};

impl FrameObjectType {
    /// log2 of the frame's bytes.
    #[must_use]
    pub const fn bits(self) -> usize {
        self.blueprint().physical_size_bits()
    }

    /// The frame's bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        1 << self.bits()
    }
}

/// A capability type for frames.
pub trait CapTypeForFrameObject: CapType {}

impl CapTypeForFrameObject for cap_type::UnspecifiedPage {}

/// A capability type for frames of one size.
pub trait CapTypeForFrameObjectOfFixedSize:
    CapTypeForFrameObject + CapTypeForObjectOfFixedSize
{
    /// The size.
    const FRAME_OBJECT_TYPE: FrameObjectType;
}

/// A capability type for translation tables.
pub trait CapTypeForTranslationTableObject: CapTypeForObjectOfFixedSize {
    /// The level.
    const TRANSLATION_TABLE_OBJECT_TYPE: TranslationTableObjectType;
}

/// Sizes by level of the translation: level 0 is the root, the last is the table that holds the smallest pages.
pub mod vspace_levels {
    use super::{FrameObjectType, TranslationTableObjectType};

    /// Levels of tables.
    pub const NUM_LEVELS: usize = 4;

    /// The first level whose entries may be pages.
    pub const HIGHEST_LEVEL_WITH_PAGE_ENTRIES: usize = crate::arch::HIGHEST_LEVEL_WITH_PAGE_ENTRIES;

    /// log2 of the bytes that a table of `level` spans.
    ///
    /// # Panics
    /// When there is no such level.
    #[must_use]
    pub fn span_bits(level: usize) -> usize {
        assert!(level < NUM_LEVELS, "there are {NUM_LEVELS} levels");
        let tables = (level..NUM_LEVELS).filter_map(TranslationTableObjectType::from_level);
        tables.map(|table| table.index_bits()).sum::<usize>() + FrameObjectType::GRANULE.bits()
    }

    /// log2 of the bytes that an entry of a table of `level` spans.
    ///
    /// # Panics
    /// When there is no such level.
    #[must_use]
    pub fn step_bits(level: usize) -> usize {
        span_bits(level)
            - TranslationTableObjectType::from_level(level).map_or(0, |table| table.index_bits())
    }
}
