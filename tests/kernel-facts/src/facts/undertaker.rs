//! Faults, and the dead that answer.

use core::arch::global_asm;

use sel4::init_thread::slot;
use sel4::{
    CNodeCapData, CPtr, CapRights, Fault, MessageInfo, UserContext, VmAttributes, Word, cap_type,
    sys, with_ipc_buffer,
};

use crate::tester::{HIGH, LOW, Outcome, Tester, ensure, failure};
use crate::threads::{Shared, Start};

/// An address that is never mapped.
const NOWHERE: usize = 0x10;

/// Receives from argument 0, and dies.
fn receive_and_die(shared: &'static Shared) {
    shared.cap::<cap_type::Endpoint>(0).recv_with_mrs(());
    // SAFETY: none: this is the fault that the experiment wants, and nothing is mapped there that could be harmed.
    unsafe { (NOWHERE as *mut u64).write_volatile(1) };
}

/// Calls argument 0 and leaves the answer's label and first word.
fn call(shared: &'static Shared) {
    let answer = shared
        .cap::<cap_type::Endpoint>(0)
        .call_with_mrs(MessageInfo::new(0x1000, 0, 0, 0), []);
    shared.set(1, answer.msg[0]);
    shared.set(0, answer.info.label());
}

/// Makes a system call that there is not.
fn unknown_system_call(_: &'static Shared) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the thread does not come back from it.
    unsafe {
        core::arch::asm!("syscall", in("rdx") 777, out("rcx") _, out("r11") _);
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: the thread does not come back from it.
    unsafe {
        core::arch::asm!("svc #0", in("x7") 777);
    }
}

pub fn a_fault_tells_address_and_instruction(tester: &mut Tester) -> Outcome {
    let faults = tester.make::<cap_type::Endpoint>()?;
    let badged = tester.mint(faults, CapRights::all(), 5)?;
    let start = Start {
        priority: HIGH,
        fault_endpoint: badged.cptr(),
        tls_base: 0,
    };
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    tester.spawn_with(&start, receive_and_die, &[endpoint.bits()])?;
    endpoint.send_with_mrs(MessageInfo::new(0, 0, 0, 0), []);
    let (info, badge) = faults.recv(());
    ensure!(badge, 5, "the badge of the fault endpoint's capability");
    match with_ipc_buffer(|buffer| Fault::new(buffer, &info)) {
        Fault::VmFault(fault) => {
            ensure!(fault.addr(), NOWHERE as Word, "the address");
            ensure!(fault.is_prefetch(), false, "whether it was a fetch");
            ensure!(
                fault.ip() >> 20,
                receive_and_die as *const () as Word >> 20,
                "the instruction's megabyte"
            );
        }
        other => return Err(alloc::format!("another fault: {other}")),
    }
    tester.spawn_with(&start, unknown_system_call, &[])?;
    let (info, _) = faults.recv(());
    match with_ipc_buffer(|buffer| Fault::new(buffer, &info)) {
        Fault::UnknownSyscall(fault) => ensure!(fault.syscall(), 777, "the system call's number"),
        other => return Err(alloc::format!("another fault: {other}")),
    }
    Ok(())
}

/// Writes to the address in argument 0.
fn write(shared: &'static Shared) {
    // SAFETY: none: this is the fault that the experiment wants; the page is one that nobody uses.
    unsafe { (shared.argument(0) as *mut u64).write_volatile(1) };
}

pub fn the_page_below_the_stack_is_a_guard(tester: &mut Tester) -> Outcome {
    unsafe extern "Rust" {
        /// By `#[root_task]`.
        safe fn __sel4_root_task_guard_page() -> usize;
    }
    let faults = tester.make::<cap_type::Endpoint>()?;
    let start = Start {
        priority: HIGH,
        fault_endpoint: faults.cptr(),
        tls_base: 0,
    };
    // Its last word, which an overflowing stack hits first.
    let address = (__sel4_root_task_guard_page() + 4096 - 8) as Word;
    tester.spawn_with(&start, write, &[address])?;
    let (info, _) = faults.recv(());
    match with_ipc_buffer(|buffer| Fault::new(buffer, &info)) {
        Fault::VmFault(fault) => ensure!(fault.addr(), address, "the address"),
        other => return Err(alloc::format!("another fault: {other}")),
    }
    Ok(())
}

// The undertaker's program, in a page of its own: a system call, which its registers hold, and nothing more.
#[cfg(target_arch = "x86_64")]
global_asm!(
    ".pushsection .text.kernel_facts_undertaker, \"ax\", @progbits",
    ".balign 4096",
    ".globl kernel_facts_undertaker",
    "kernel_facts_undertaker: syscall",
    "ud2",
    ".balign 4096",
    ".popsection",
);
#[cfg(target_arch = "aarch64")]
global_asm!(
    ".pushsection .text.kernel_facts_undertaker, \"ax\", @progbits",
    ".balign 4096",
    ".globl kernel_facts_undertaker",
    "kernel_facts_undertaker: svc #0",
    "udf #0",
    ".balign 4096",
    ".popsection",
);

unsafe extern "C" {
    static kernel_facts_undertaker: u8;
}

/// Where the undertaker's page is in its address space.
const UNDERTAKER_ADDRESS: usize = 0x40_0000;
/// What it answers.
const ANSWER_LABEL: Word = 0x4321;
const ANSWER_WORD: Word = 0xdead;

/// The registers of a ReplyRecv with the answer.
fn undertaker_registers(endpoint: Word) -> UserContext {
    let mut registers = UserContext::default();
    *registers.pc_mut() = UNDERTAKER_ADDRESS as Word;
    let info = MessageInfo::new(ANSWER_LABEL, 0, 0, 1).into_word();
    let raw = registers.inner_mut();
    #[cfg(target_arch = "x86_64")]
    {
        (raw.rdx, raw.rdi, raw.rsi, raw.r10) = (
            sys::seL4_SysReplyRecv.cast_unsigned(),
            endpoint,
            info,
            ANSWER_WORD,
        );
    }
    #[cfg(target_arch = "aarch64")]
    {
        (raw.x7, raw.x0, raw.x1, raw.x2) = (
            sys::seL4_SysReplyRecv.cast_unsigned(),
            endpoint,
            info,
            ANSWER_WORD,
        );
    }
    registers
}

pub fn a_dead_thread_answers_from_another_address_space(tester: &mut Tester) -> Outcome {
    let faults = tester.make::<cap_type::Endpoint>()?;
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    let nowhere = tester.make::<cap_type::Endpoint>()?;
    let start = Start {
        priority: HIGH,
        fault_endpoint: faults.cptr(),
        tls_base: 0,
    };
    let server = tester.spawn_with(&start, receive_and_die, &[endpoint.bits()])?;
    let client = tester.spawn(LOW, call, &[endpoint.bits()])?;
    let (info, _) = faults.recv(());
    ensure!(info.label(), sys::seL4_Fault_VMFault_tag, "the fault");

    let vspace = tester.make::<cap_type::VSpace>()?;
    slot::ASID_POOL
        .cap()
        .asid_pool_assign(vspace)
        .map_err(failure("assign an ASID"))?;
    tester.map_tables(vspace, UNDERTAKER_ADDRESS)?;
    let page = tester.copy(
        tester.image_frame((&raw const kernel_facts_undertaker).addr()),
        CapRights::all(),
    )?;
    page.frame_map(
        vspace,
        UNDERTAKER_ADDRESS,
        CapRights::read_only(),
        VmAttributes::DEFAULT,
    )
    .map_err(failure("map its page"))?;
    let guard = CNodeCapData::skip_high_bits(tester.bootinfo().cnode_size_bits());
    server
        .tcb
        .tcb_set_space(CPtr::from_bits(0), slot::CNODE.cap(), guard, vspace)
        .map_err(failure("set its space"))?;
    server
        .tcb
        .tcb_write_all_registers(true, &mut undertaker_registers(nowhere.bits()))
        .map_err(failure("set its registers"))?;
    tester.let_others_run()?;
    ensure!(
        (client.shared.result(0), client.shared.result(1)),
        (ANSWER_LABEL, ANSWER_WORD),
        "the answer to the caller"
    );
    // It stays alive, receiving: here for everybody who still calls.
    nowhere.send_with_mrs(MessageInfo::new(0x1000, 0, 0, 0), []);
    Ok(())
}
