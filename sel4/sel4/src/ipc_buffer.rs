use core::cell::UnsafeCell;

use crate::cptr::{AbsoluteCPtr, CPtr, CPtrWithDepth};
use crate::{MessageInfo, Word, arch, sys};

/// A word or byte that the kernel may change at each system call: every access is volatile.
#[repr(transparent)]
pub struct Volatile<T: Copy>(UnsafeCell<T>);

impl<T: Copy> Volatile<T> {
    /// Reads it.
    #[inline(always)]
    #[must_use]
    pub fn get(&self) -> T {
        // SAFETY: the cell is valid memory for as long as it is borrowed, and only this thread and the kernel, on behalf of this thread,
        // ever touch it.
        unsafe { self.0.get().read_volatile() }
    }

    /// Writes it.
    #[inline(always)]
    pub fn set(&self, value: T) {
        // SAFETY: as in `get`; the cell hands out no references to its content.
        unsafe { self.0.get().write_volatile(value) }
    }
}

/// The calling thread's IPC buffer. Corresponds to `seL4_IPCBuffer`.
///
/// It is a handle on memory that the kernel writes whenever the thread makes a system call. So its content is never borrowed as plain
/// words: each word is a [`Volatile`] cell with its own `get` and `set`, and two handles on one buffer do no harm.
pub struct IpcBuffer {
    base: *mut sys::seL4_IPCBuffer,
}

impl IpcBuffer {
    /// The buffer at an address.
    ///
    /// # Safety
    /// It must be the IPC buffer of the thread that uses the handle, mapped as long as the handle is used.
    #[inline(always)]
    #[must_use]
    pub const unsafe fn from_ptr(base: *mut sys::seL4_IPCBuffer) -> Self {
        Self { base }
    }

    /// Its address.
    #[inline(always)]
    #[must_use]
    pub const fn ptr(&self) -> *mut sys::seL4_IPCBuffer {
        self.base
    }

    #[inline(always)]
    fn word(&self, field: *mut Word) -> &Volatile<Word> {
        // SAFETY: `field` was derived from `base`, which `from_ptr` promises to be mapped and this thread's; `Volatile` is transparent.
        unsafe { &*field.cast::<Volatile<Word>>() }
    }

    /// The message registers. The first four travel in machine registers where a system call's name ends in `_with_mrs`.
    #[inline(always)]
    #[must_use]
    pub fn msg_regs(&self) -> &[Volatile<Word>] {
        // SAFETY: as in `word`; the array has this many words.
        unsafe {
            &*(&raw mut (*self.base).msg)
                .cast::<[Volatile<Word>; sys::seL4_MsgMaxLength as usize]>()
        }
    }

    /// The message registers.
    #[inline(always)]
    #[must_use]
    pub fn msg_regs_mut(&mut self) -> &[Volatile<Word>] {
        self.msg_regs()
    }

    /// The message registers as bytes.
    #[inline(always)]
    #[must_use]
    pub fn msg_bytes(&self) -> &[Volatile<u8>] {
        // SAFETY: as in `msg_regs`; bytes need no alignment.
        unsafe {
            &*(&raw mut (*self.base).msg)
                .cast::<[Volatile<u8>; sys::seL4_MsgMaxLength as usize * size_of::<Word>()]>()
        }
    }

    /// The message registers as bytes.
    #[inline(always)]
    #[must_use]
    pub fn msg_bytes_mut(&mut self) -> &[Volatile<u8>] {
        self.msg_bytes()
    }

    /// Copies words into the message, from register 0 on. What is beyond the message's maximum is not copied.
    #[inline]
    pub fn write_words(&mut self, words: &[Word]) {
        for (register, word) in self.msg_regs().iter().zip(words) {
            register.set(*word);
        }
    }

    /// Copies words out of the message, from register 0 on.
    #[inline]
    pub fn read_words(&self, words: &mut [Word]) {
        for (register, word) in self.msg_regs().iter().zip(words) {
            *word = register.get();
        }
    }

    /// Copies bytes into the message, from register `first_register` on, and returns how many words they take. The rest of the last word
    /// is zero.
    #[inline]
    pub fn write_bytes(&mut self, first_register: usize, bytes: &[u8]) -> usize {
        let chunks = bytes.chunks(size_of::<Word>());
        let words = chunks.len();
        for (register, chunk) in self.msg_regs().iter().skip(first_register).zip(chunks) {
            let mut word = [0; size_of::<Word>()];
            word[..chunk.len()].copy_from_slice(chunk);
            register.set(Word::from_le_bytes(word));
        }
        words
    }

    /// Copies bytes out of the message, from register `first_register` on, as many as `bytes` holds.
    #[inline]
    pub fn read_bytes(&self, first_register: usize, bytes: &mut [u8]) {
        for (register, chunk) in self
            .msg_regs()
            .iter()
            .skip(first_register)
            .zip(bytes.chunks_mut(size_of::<Word>()))
        {
            let word = register.get().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }

    /// A word that the kernel never touches.
    #[inline(always)]
    #[must_use]
    pub fn user_data(&self) -> Word {
        // SAFETY: `base` is valid, see `from_ptr`.
        let field = unsafe { &raw mut (*self.base).userData };
        self.word(field).get()
    }

    /// Sets the word that the kernel never touches.
    #[inline(always)]
    pub fn set_user_data(&mut self, data: Word) {
        // SAFETY: `base` is valid, see `from_ptr`.
        let field = unsafe { &raw mut (*self.base).userData };
        self.word(field).set(data);
    }

    /// Before sending: the capabilities to send. After receiving: the badges of those that arrived unwrapped.
    #[inline(always)]
    #[must_use]
    pub fn caps_or_badges(&self) -> &[Volatile<Word>] {
        // SAFETY: as in `msg_regs`.
        unsafe { &*(&raw mut (*self.base).caps_or_badges).cast::<[Volatile<Word>; 3]>() }
    }

    /// Before sending: the capabilities to send.
    #[inline(always)]
    #[must_use]
    pub fn caps_or_badges_mut(&mut self) -> &[Volatile<Word>] {
        self.caps_or_badges()
    }

    /// Where a received capability is put.
    #[must_use]
    pub fn recv_slot(&self) -> AbsoluteCPtr {
        // SAFETY: `base` is valid, see `from_ptr`.
        let fields = unsafe {
            [
                &raw mut (*self.base).receiveCNode,
                &raw mut (*self.base).receiveIndex,
                &raw mut (*self.base).receiveDepth,
            ]
        };
        let [root, index, depth] = fields.map(|field| self.word(field).get());
        CPtr::from_bits(root)
            .cast()
            .absolute_cptr(CPtrWithDepth::from_bits_with_depth(index, depth as usize))
    }

    /// Sets where a received capability is put.
    #[inline]
    pub fn set_recv_slot(&mut self, slot: &AbsoluteCPtr) {
        // SAFETY: `base` is valid, see `from_ptr`.
        let fields = unsafe {
            [
                &raw mut (*self.base).receiveCNode,
                &raw mut (*self.base).receiveIndex,
                &raw mut (*self.base).receiveDepth,
            ]
        };
        let values = [
            slot.root().bits(),
            slot.path().bits(),
            slot.path().depth() as Word,
        ];
        for (field, value) in fields.into_iter().zip(values) {
            self.word(field).set(value);
        }
    }

    #[inline(always)]
    pub(crate) fn first_words(&self) -> [Word; 4] {
        let registers = self.msg_regs();
        [
            registers[0].get(),
            registers[1].get(),
            registers[2].get(),
            registers[3].get(),
        ]
    }

    #[inline(always)]
    pub(crate) fn set_first_words(&mut self, words: [Word; 4]) {
        for (register, word) in self.msg_regs().iter().zip(words) {
            register.set(word);
        }
    }
}

impl sys::Invoke for IpcBuffer {
    #[inline(always)]
    fn set_cap(&mut self, index: usize, cptr: sys::seL4_CPtr) {
        self.caps_or_badges()[index].set(cptr);
    }

    #[inline(always)]
    fn set_message_register(&mut self, index: usize, value: u64) {
        self.msg_regs()[index].set(value);
    }

    #[inline(always)]
    fn message_register(&self, index: usize) -> u64 {
        self.msg_regs()[index].get()
    }

    #[inline(always)]
    fn call(
        &mut self,
        service: sys::seL4_CPtr,
        info: sys::seL4_MessageInfo,
        words: [u64; 4],
    ) -> Result<[u64; 4], u64> {
        let (_, info, words) =
            arch::syscalls::send_recv(sys::seL4_SysCall, service, info.0[0], words);
        match MessageInfo::from_word(info).label() {
            sys::seL4_NoError => Ok(words),
            label => {
                // Details of the error (such as the level of a failed look-up) are for whoever asks.
                self.set_first_words(words);
                Err(label)
            }
        }
    }
}

/// Runs `f` with the calling thread's IPC buffer.
#[inline(always)]
pub fn with_ipc_buffer<T>(f: impl FnOnce(&IpcBuffer) -> T) -> T {
    f(&arch::current_ipc_buffer())
}

/// Runs `f` with the calling thread's IPC buffer.
#[inline(always)]
pub fn with_ipc_buffer_mut<T>(f: impl FnOnce(&mut IpcBuffer) -> T) -> T {
    f(&mut arch::current_ipc_buffer())
}

/// Makes the IPC buffer known to this crate. Each thread does so once, before anything else here.
///
/// On `x86_64` this writes the buffer's own address into its first word, which no kernel reads or writes; on `aarch64` the kernel itself keeps
/// the address in a register, and nothing needs to be done.
#[inline]
pub fn set_ipc_buffer(ipc_buffer: IpcBuffer) {
    arch::set_current_ipc_buffer(&ipc_buffer);
}
