use crate::{Word, sys};

/// The header of a message. Corresponds to `seL4_MessageInfo_t`.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MessageInfo(pub sys::seL4_MessageInfo);

/// The label starts behind length, extra capabilities and unwrapped capabilities.
const LABEL_SHIFT: u32 = sys::seL4_MessageInfo::length_BITS
    + sys::seL4_MessageInfo::extraCaps_BITS
    + sys::seL4_MessageInfo::capsUnwrapped_BITS;

impl MessageInfo {
    /// A header. Corresponds to `seL4_MessageInfo_new`. What does not fit its field is cut: 52 bits of label, 7 of length.
    ///
    /// This kernel calls the low 20 bits of the label its own: they are what an invocation of a kernel object reads. The 32 above are
    /// padding to it, which it carries from sender to receiver in every message; here, as in newer kernels, they are part of the label.
    #[inline(always)]
    #[must_use]
    pub const fn new(label: Word, caps_unwrapped: usize, extra_caps: usize, length: usize) -> Self {
        let rest =
            sys::seL4_MessageInfo::new(0, caps_unwrapped as u64, extra_caps as u64, length as u64);
        Self(sys::seL4_MessageInfo([rest.0[0] | label << LABEL_SHIFT]))
    }

    /// The label.
    #[inline(always)]
    #[must_use]
    pub const fn label(&self) -> Word {
        self.0.0[0] >> LABEL_SHIFT
    }

    /// Bits of a label.
    #[must_use]
    pub const fn label_width() -> usize {
        (Word::BITS - LABEL_SHIFT) as usize
    }

    /// In a received message: bit i is set when the i-th capability arrived as its badge.
    #[inline(always)]
    #[must_use]
    pub const fn caps_unwrapped(&self) -> usize {
        self.0.get_capsUnwrapped() as usize
    }

    /// How many capabilities the message carries.
    #[inline(always)]
    #[must_use]
    pub const fn extra_caps(&self) -> usize {
        self.0.get_extraCaps() as usize
    }

    /// How many words the message has.
    #[inline(always)]
    #[must_use]
    pub const fn length(&self) -> usize {
        self.0.get_length() as usize
    }

    /// As the kernel takes it.
    #[inline(always)]
    #[must_use]
    pub const fn into_word(self) -> Word {
        self.0.0[0]
    }

    /// As the kernel gave it.
    #[inline(always)]
    #[must_use]
    pub const fn from_word(word: Word) -> Self {
        Self(sys::seL4_MessageInfo([word]))
    }
}

impl core::fmt::Debug for MessageInfo {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("MessageInfo")
            .field("label", &self.label())
            .field("caps_unwrapped", &self.caps_unwrapped())
            .field("extra_caps", &self.extra_caps())
            .field("length", &self.length())
            .finish()
    }
}

/// Builds a [`MessageInfo`] field by field; what is not set is 0.
#[derive(Debug, Clone, Default)]
pub struct MessageInfoBuilder {
    label: Word,
    caps_unwrapped: usize,
    extra_caps: usize,
    length: usize,
}

impl MessageInfoBuilder {
    /// The header.
    #[inline(always)]
    #[must_use]
    pub const fn build(self) -> MessageInfo {
        MessageInfo::new(
            self.label,
            self.caps_unwrapped,
            self.extra_caps,
            self.length,
        )
    }

    /// Sets the label.
    #[inline(always)]
    #[must_use]
    pub const fn label(mut self, label: Word) -> Self {
        self.label = label;
        self
    }

    /// Sets which capabilities are unwrapped.
    #[inline(always)]
    #[must_use]
    pub const fn caps_unwrapped(mut self, caps_unwrapped: usize) -> Self {
        self.caps_unwrapped = caps_unwrapped;
        self
    }

    /// Sets the number of capabilities.
    #[inline(always)]
    #[must_use]
    pub const fn extra_caps(mut self, extra_caps: usize) -> Self {
        self.extra_caps = extra_caps;
        self
    }

    /// Sets the number of words.
    #[inline(always)]
    #[must_use]
    pub const fn length(mut self, length: usize) -> Self {
        self.length = length;
        self
    }
}

impl From<MessageInfoBuilder> for MessageInfo {
    fn from(builder: MessageInfoBuilder) -> Self {
        builder.build()
    }
}
