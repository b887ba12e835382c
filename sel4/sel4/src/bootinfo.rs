use core::ops::{Deref, Range};

use crate::init_thread::SlotRegion;
use crate::{IpcBuffer, cap_type, sys};

/// Where the kernel's information for the initial thread lies.
#[derive(Debug, Clone)]
pub struct BootInfoPtr {
    ptr: *const BootInfo,
}

impl BootInfoPtr {
    /// The boot information at an address.
    ///
    /// # Safety
    /// It must be what the kernel passed to the initial thread, mapped for good, and nobody may write there.
    #[must_use]
    pub const unsafe fn new(ptr: *const BootInfo) -> Self {
        Self { ptr }
    }

    /// Its address.
    #[must_use]
    pub const fn ptr(&self) -> *const BootInfo {
        self.ptr
    }

    /// Further information, one chunk after the other.
    #[must_use]
    pub fn extra(&self) -> BootInfoExtraIter<'_> {
        // SAFETY: the kernel maps `extraLen` bytes from the next page on, and `new` promises that this is the kernel's.
        let bytes = unsafe {
            core::slice::from_raw_parts(
                self.ptr.cast::<u8>().add(BOOT_INFO_BYTES),
                self.0.extraLen as usize,
            )
        };
        BootInfoExtraIter { bytes }
    }

    /// Bytes of all of it.
    #[must_use]
    pub fn footprint_size(&self) -> usize {
        BOOT_INFO_BYTES + self.0.extraLen as usize
    }
}

/// The kernel gives the boot information one page; what is extra begins at the next.
const BOOT_INFO_BYTES: usize = 1 << sys::seL4_PageBits;

const _: () = assert!(
    size_of::<BootInfo>() <= BOOT_INFO_BYTES,
    "the boot information fits its page"
);

impl Deref for BootInfoPtr {
    type Target = BootInfo;
    fn deref(&self) -> &BootInfo {
        // SAFETY: `new` promises that it is there and that nobody writes it.
        unsafe { &*self.ptr }
    }
}

/// What the kernel tells the initial thread. Corresponds to `seL4_BootInfo`.
#[repr(transparent)]
pub struct BootInfo(sys::seL4_BootInfo);

impl BootInfo {
    /// The initial thread's IPC buffer.
    #[must_use]
    pub fn ipc_buffer(&self) -> IpcBuffer {
        // SAFETY: the kernel mapped it there for the initial thread, for good.
        unsafe { IpcBuffer::from_ptr(self.0.ipcBuffer) }
    }

    /// The slots that are free.
    #[must_use]
    pub fn empty(&self) -> SlotRegion<cap_type::Null> {
        SlotRegion::from_sys(self.0.empty)
    }

    /// The frames of the initial thread's image, in the order of their addresses.
    #[must_use]
    pub fn user_image_frames(&self) -> SlotRegion<cap_type::Granule> {
        SlotRegion::from_sys(self.0.userImageFrames)
    }

    /// The tables that map the image.
    #[must_use]
    pub fn user_image_paging(
        &self,
    ) -> SlotRegion<cap_type::UnspecifiedIntermediateTranslationTable> {
        SlotRegion::from_sys(self.0.userImagePaging)
    }

    /// The untyped memory's capabilities: the i-th is described by the i-th of [`untyped_list`](Self::untyped_list).
    #[must_use]
    pub fn untyped(&self) -> SlotRegion<cap_type::Untyped> {
        SlotRegion::from_sys(self.0.untyped)
    }

    /// What each untyped memory is.
    #[must_use]
    pub fn untyped_list(&self) -> &[UntypedDesc] {
        let count = self.untyped().len().min(sys::seL4_BootInfo_untypedList_LEN);
        // SAFETY: the description is packed, so it needs no alignment, `UntypedDesc` is transparent, and the kernel filled this many.
        unsafe {
            core::slice::from_raw_parts(
                (&raw const self.0.untypedList).cast::<UntypedDesc>(),
                count,
            )
        }
    }

    /// Which of them are device memory: the kernel lists those together.
    #[must_use]
    pub fn device_untyped_range(&self) -> Range<usize> {
        self.range_where(UntypedDesc::is_device)
    }

    /// Which of them are ordinary memory.
    #[must_use]
    pub fn kernel_untyped_range(&self) -> Range<usize> {
        self.range_where(|description| !description.is_device())
    }

    /// The slots of the initial thread's CNode: `2^` this many.
    #[must_use]
    pub fn cnode_size_bits(&self) -> usize {
        self.0.initThreadCNodeSizeBits.into()
    }

    fn range_where(&self, is_in: impl Fn(&UntypedDesc) -> bool) -> Range<usize> {
        let list = self.untyped_list();
        match (list.iter().position(&is_in), list.iter().rposition(&is_in)) {
            (Some(first), Some(last)) => first..last + 1,
            _ => 0..0,
        }
    }
}

/// One piece of untyped memory. Corresponds to `seL4_UntypedDesc`.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct UntypedDesc(sys::seL4_UntypedDesc);

impl UntypedDesc {
    /// Its physical address.
    #[must_use]
    pub fn paddr(&self) -> usize {
        self.0.paddr as usize
    }

    /// log2 of its bytes.
    #[must_use]
    pub fn size_bits(&self) -> usize {
        self.0.sizeBits.into()
    }

    /// Whether it is a device's: objects other than frames cannot be made of it.
    #[must_use]
    pub fn is_device(&self) -> bool {
        self.0.isDevice != 0
    }
}

impl core::fmt::Debug for UntypedDesc {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let kind = if self.is_device() { "device" } else { "memory" };
        write!(f, "{kind} {:#x} 2^{}", self.paddr(), self.size_bits())
    }
}

/// A chunk of further information.
#[derive(Debug, Clone, Copy)]
pub struct BootInfoExtra<'a> {
    /// What it is.
    pub id: BootInfoExtraId,
    bytes: &'a [u8],
}

impl BootInfoExtra<'_> {
    /// Its bytes with the header.
    #[must_use]
    pub fn content_with_header(&self) -> &[u8] {
        self.bytes
    }

    /// Its bytes without the header.
    #[must_use]
    pub fn content(&self) -> &[u8] {
        &self.bytes[size_of::<sys::seL4_BootInfoHeader>()..]
    }
}

/// What a chunk of further information is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BootInfoExtraId {
    /// Padding.
    Padding,
    /// The x86 video mode.
    X86Vbe,
    /// Something that this crate does not know, with its number.
    Unknown(u64),
}

impl BootInfoExtraId {
    fn from_sys(id: u64) -> Self {
        match id {
            sys::SEL4_BOOTINFO_HEADER_PADDING => Self::Padding,
            sys::SEL4_BOOTINFO_HEADER_X86_VBE => Self::X86Vbe,
            other => Self::Unknown(other),
        }
    }
}

/// Goes over the chunks of further information.
#[derive(Debug, Clone)]
pub struct BootInfoExtraIter<'a> {
    bytes: &'a [u8],
}

impl<'a> Iterator for BootInfoExtraIter<'a> {
    type Item = BootInfoExtra<'a>;

    fn next(&mut self) -> Option<BootInfoExtra<'a>> {
        let header = size_of::<sys::seL4_BootInfoHeader>();
        let (id, rest) = self.bytes.split_first_chunk::<8>()?;
        let (length, _) = rest.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_le_bytes(*length))
            .ok()
            .filter(|length| *length >= header)?;
        let (bytes, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(BootInfoExtra {
            id: BootInfoExtraId::from_sys(u64::from_le_bytes(*id)),
            bytes,
        })
    }
}
