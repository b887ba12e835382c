//! Threads for the experiments: in this address space, with stacks and IPC buffers in the image.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use sel4::init_thread::slot;
use sel4::{CNodeCapData, CPtr, IpcBuffer, UserContext, Word, cap, cap_type};

use crate::tester::{Failure, Tester, failure};

const MAX_THREADS: usize = 4;
const STACK_BYTES: usize = 16 * 1024;

/// What a thread and its experiment share.
pub struct Shared {
    arguments: [AtomicU64; 4],
    results: [AtomicU64; 8],
}

impl Shared {
    const fn new() -> Self {
        Shared {
            arguments: [const { AtomicU64::new(0) }; 4],
            results: [const { AtomicU64::new(0) }; 8],
        }
    }

    /// What the experiment gave the thread.
    pub fn argument(&self, index: usize) -> Word {
        self.arguments[index].load(Ordering::SeqCst)
    }

    /// A capability that the experiment gave the thread.
    pub fn cap<T: sel4::CapType>(&self, index: usize) -> sel4::Cap<T> {
        sel4::Cap::from_bits(self.argument(index))
    }

    /// Leaves a result.
    pub fn set(&self, index: usize, value: Word) {
        self.results[index].store(value, Ordering::SeqCst);
    }

    /// Counts a result up.
    pub fn count(&self, index: usize) {
        self.results[index].fetch_add(1, Ordering::SeqCst);
    }

    /// A result that the thread left.
    pub fn result(&self, index: usize) -> Word {
        self.results[index].load(Ordering::SeqCst)
    }
}

#[repr(C, align(4096))]
struct Page(UnsafeCell<[u8; 4096]>);

// SAFETY: a page is the IPC buffer of at most one thread at a time.
unsafe impl Sync for Page {}

#[repr(C, align(16))]
struct Stack(UnsafeCell<[u8; STACK_BYTES]>);

// SAFETY: a stack is used by at most one thread at a time.
unsafe impl Sync for Stack {}

static IPC_BUFFERS: [Page; MAX_THREADS] = [const { Page(UnsafeCell::new([0; 4096])) }; MAX_THREADS];
static STACKS: [Stack; MAX_THREADS] =
    [const { Stack(UnsafeCell::new([0; STACK_BYTES])) }; MAX_THREADS];
static SHARED: [Shared; MAX_THREADS] = [const { Shared::new() }; MAX_THREADS];
static USED: AtomicUsize = AtomicUsize::new(0);

/// The threads of the last fact are gone: their stacks may be used again.
pub fn forget() {
    USED.store(0, Ordering::SeqCst);
}

/// A thread and what it shares with the experiment.
pub struct Thread {
    /// The thread.
    pub tcb: cap::Tcb,
    /// What is shared.
    pub shared: &'static Shared,
    /// Its IPC buffer's address.
    pub ipc_buffer: usize,
}

/// What a thread runs. When it returns, the thread stops.
pub type Body = fn(&'static Shared);

/// How a thread is started.
pub struct Start {
    /// Its priority.
    pub priority: Word,
    /// Where its faults go; 0 for nowhere.
    pub fault_endpoint: CPtr,
    /// The base of its thread-locals, where that can be set.
    #[cfg_attr(
        target_arch = "aarch64",
        expect(
            dead_code,
            reason = "the kernel keeps the thread pointer at the IPC buffer"
        )
    )]
    pub tls_base: Word,
}

impl Tester {
    /// Starts a thread.
    pub fn spawn(
        &mut self,
        priority: Word,
        body: Body,
        arguments: &[Word],
    ) -> Result<Thread, Failure> {
        self.spawn_with(
            &Start {
                priority,
                fault_endpoint: CPtr::from_bits(0),
                tls_base: 0,
            },
            body,
            arguments,
        )
    }

    /// Starts a thread whose faults go somewhere.
    pub fn spawn_with(
        &mut self,
        start: &Start,
        body: Body,
        arguments: &[Word],
    ) -> Result<Thread, Failure> {
        let index = USED.fetch_add(1, Ordering::SeqCst);
        let shared = SHARED.get(index).ok_or("too many threads")?;
        shared
            .results
            .iter()
            .for_each(|result| result.store(0, Ordering::SeqCst));
        for (place, argument) in shared.arguments.iter().zip(arguments) {
            place.store(*argument, Ordering::SeqCst);
        }
        let tcb = self.make::<cap_type::Tcb>()?;
        let ipc_buffer = IPC_BUFFERS[index].0.get().addr();
        let guard = CNodeCapData::skip_high_bits(self.bootinfo().cnode_size_bits());
        let frame = self.image_frame(ipc_buffer);
        tcb.tcb_configure(
            start.fault_endpoint,
            slot::CNODE.cap(),
            guard,
            slot::VSPACE.cap(),
            ipc_buffer as Word,
            frame,
        )
        .map_err(failure("configure a thread"))?;
        tcb.tcb_set_sched_params(slot::TCB.cap(), start.priority, start.priority)
            .map_err(failure("set a thread's priority"))?;
        let mut registers = context(index, body, shared, tcb, ipc_buffer);
        #[cfg(target_arch = "x86_64")]
        {
            *registers.tls_base_mut() = start.tls_base;
        }
        tcb.tcb_write_all_registers(true, &mut registers)
            .map_err(failure("start a thread"))?;
        Ok(Thread {
            tcb,
            shared,
            ipc_buffer,
        })
    }
}

fn context(
    index: usize,
    body: Body,
    shared: &'static Shared,
    tcb: cap::Tcb,
    ipc_buffer: usize,
) -> UserContext {
    let mut registers = UserContext::default();
    let top = STACKS[index].0.get().addr() + STACK_BYTES;
    *registers.pc_mut() = run as *const () as Word;
    // On x86_64 as after a call, where the return address lies.
    *registers.sp_mut() = (top - if cfg!(target_arch = "x86_64") { 8 } else { 0 }) as Word;
    *registers.c_param_mut(0) = body as *const () as Word;
    *registers.c_param_mut(1) = (&raw const *shared).addr() as Word;
    *registers.c_param_mut(2) = tcb.bits();
    *registers.c_param_mut(3) = ipc_buffer as Word;
    registers
}

#[expect(
    improper_ctypes_definitions,
    reason = "a function's address, in a register, from this file to this file"
)]
extern "C" fn run(body: Body, shared: &'static Shared, tcb: Word, ipc_buffer: usize) -> ! {
    // SAFETY: `spawn` configured this page as this thread's IPC buffer.
    sel4::set_ipc_buffer(unsafe { IpcBuffer::from_ptr(ipc_buffer as *mut _) });
    body(shared);
    loop {
        // It never returns while the thread has a capability to itself, which it has until the fact's end.
        let _ = cap::Tcb::from_bits(tcb).tcb_suspend();
    }
}
