//! `x86_64`: the thread pointer is the FS base, which this kernel sets by `TCB_WriteRegisters` only, and never on the calling thread.
//!
//! So a helper thread does it: made of the smallest untyped memory that holds one, with the initial thread's own IPC buffer, and two
//! instructions long. The initial thread puts the message for the kernel into the buffer, gives the helper the registers of that very
//! system call, and suspends itself; the helper makes the call, which starts the initial thread anew at [`second`](crate::entry::second), with
//! a fresh stack and FS set. There the untyped memory is revoked, and nothing is left of the helper.

use core::arch::global_asm;
use core::sync::atomic::{AtomicBool, Ordering};

use sel4::init_thread::{Slot, slot};
use sel4::sys::{self, Invoke};
use sel4::{
    BootInfoPtr, CNodeCapData, CPtr, Error, ObjectBlueprint, Result, UserContext, Word, cap,
    cap_type,
};

global_asm!(
    ".pushsection .text.sel4_root_task.entry, \"ax\", @progbits",
    ".globl _start",
    "_start:",
    "mov rsp, qword ptr [rip + __sel4_root_task_stack_top]",
    "xor ebp, ebp",
    "call {first}",
    "ud2",
    // The helper thread: its registers hold the system call.
    ".globl __sel4_root_task_helper",
    "__sel4_root_task_helper:",
    "syscall",
    "2: jmp 2b",
    ".popsection",
    first = sym crate::entry::first,
);

unsafe extern "C" {
    /// The helper's code.
    static __sel4_root_task_helper: u8;
    /// By `#[root_task]`.
    static __sel4_root_task_stack_top: crate::stack::StackTop;
}

/// Whether there is a helper to clean up.
static HELPED: AtomicBool = AtomicBool::new(false);

/// Sets FS, and goes on at [`second`](crate::entry::second) if it has to. Returns when there is nothing to set.
pub(crate) fn use_thread_locals(bootinfo: &BootInfoPtr, base: Option<usize>) -> Result<()> {
    let Some(base) = base else { return Ok(()) };
    let helper = make_helper(bootinfo)?;
    HELPED.store(true, Ordering::Relaxed);
    let (service, info, words) = write_own_registers(&continuation(bootinfo, base));
    let mut registers = UserContext::default();
    *registers.pc_mut() = (&raw const __sel4_root_task_helper).addr() as Word;
    let raw = registers.inner_mut();
    raw.rdx = sys::seL4_SysCall.cast_unsigned();
    (raw.rdi, raw.rsi) = (service, info);
    [raw.r10, raw.r8, raw.r9, raw.r15] = words;
    // The helper has the lowest priority: it runs when the initial thread stops, not before. Writing its registers overwrites the message
    // in the IPC buffer, so that is put there again.
    helper.tcb_write_all_registers(true, &mut registers)?;
    write_own_registers(&continuation(bootinfo, base));
    sel4::init_thread::suspend_self()
}

/// Destroys the helper.
pub(crate) fn clean_up(bootinfo: &BootInfoPtr) -> Result<()> {
    if !HELPED.swap(false, Ordering::Relaxed) {
        return Ok(());
    }
    slot::CNODE
        .cap()
        .absolute_cptr(helper_memory(bootinfo)?)
        .revoke()
}

/// The registers with which the initial thread goes on.
fn continuation(bootinfo: &BootInfoPtr, base: usize) -> UserContext {
    let mut registers = UserContext::default();
    // SAFETY: `#[root_task]` defines it.
    let top = unsafe { &__sel4_root_task_stack_top }.addr();
    *registers.pc_mut() = crate::entry::second as *const () as Word;
    // As after a call: the return address is missing.
    *registers.sp_mut() = (top - size_of::<Word>()) as Word;
    *registers.c_param_mut(0) = bootinfo.ptr().addr() as Word;
    *registers.tls_base_mut() = base as Word;
    registers
}

/// Makes the helper in the first free slot.
fn make_helper(bootinfo: &BootInfoPtr) -> Result<cap::Tcb> {
    let helper: Slot<cap_type::Tcb> = bootinfo.empty().index(0).cast();
    let cnode = slot::CNODE.cap();
    helper_memory(bootinfo)?.untyped_retype(
        &ObjectBlueprint::Tcb,
        &cnode.absolute_cptr_for_self(),
        helper.index(),
        1,
    )?;
    let guard = CNodeCapData::skip_high_bits(bootinfo.cnode_size_bits());
    let ipc_buffer = bootinfo.ipc_buffer().ptr().addr() as Word;
    helper.cap().tcb_configure(
        CPtr::from_bits(0),
        cnode,
        guard,
        slot::VSPACE.cap(),
        ipc_buffer,
        slot::IPC_BUFFER.cap(),
    )?;
    Ok(helper.cap())
}

/// The smallest memory that holds a thread.
fn helper_memory(bootinfo: &BootInfoPtr) -> Result<cap::Untyped> {
    let list = bootinfo.untyped_list().iter().enumerate();
    let large_enough = list.filter(|(_, memory)| {
        !memory.is_device() && memory.size_bits() >= ObjectBlueprint::Tcb.physical_size_bits()
    });
    let (index, _) = large_enough
        .min_by_key(|(_, memory)| memory.size_bits())
        .ok_or(Error::NotEnoughMemory)?;
    Ok(bootinfo.untyped().index(index).cap())
}

/// Records the message of an invocation instead of sending it: what does not go to registers is left in the IPC buffer.
struct Recorder {
    call: Option<(Word, Word, [Word; 4])>,
}

impl Invoke for Recorder {
    fn set_cap(&mut self, index: usize, cptr: Word) {
        sel4::with_ipc_buffer_mut(|buffer| buffer.set_cap(index, cptr));
    }

    fn set_message_register(&mut self, index: usize, value: Word) {
        sel4::with_ipc_buffer_mut(|buffer| buffer.set_message_register(index, value));
    }

    fn message_register(&self, _index: usize) -> Word {
        0
    }

    fn call(
        &mut self,
        service: Word,
        info: sys::seL4_MessageInfo,
        words: [Word; 4],
    ) -> core::result::Result<[Word; 4], u64> {
        self.call = Some((service, info.0[0], words));
        Ok([0; 4])
    }
}

/// The system call that writes the initial thread's registers and resumes it: service, header, and the words that go to registers. The other
/// words are in the IPC buffer then.
fn write_own_registers(registers: &UserContext) -> (Word, Word, [Word; 4]) {
    let mut recorder = Recorder { call: None };
    let count = (size_of::<UserContext>() / size_of::<Word>()) as Word;
    // The recorder answers every call with success.
    let _ = sys::seL4_TCB_WriteRegisters(
        &mut recorder,
        slot::TCB.cptr_bits(),
        true,
        0,
        count,
        registers.inner(),
    );
    recorder.call.unwrap_or_default()
}
