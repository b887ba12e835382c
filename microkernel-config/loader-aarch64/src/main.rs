//! Boot loader for QEMU virt: places kernel and root task, tells the kernel how much memory there is, and enters it.
//!
//! QEMU loads this file with `-kernel`, which for ELF leaves the device tree at the start of memory and starts at EL1, or at EL2 with
//! `virtualization=on`. It never returns and keeps nothing: all its memory becomes the kernel's to give away.
//! Read next: the library beside this file, for everything that can be said without an address.
#![no_std]
#![no_main]

use core::arch::{asm, global_asm};
use core::fmt::Write;

use loader_aarch64::payload::{
    EMPTY, Header, LOADER_START, MEMORY_REGION_BYTES, MEMORY_START, Placement,
};
use loader_aarch64::tables::{self, ENTRIES, MAIR, TCR, Table};
use loader_aarch64::{Fault, Region, tree};

/// Marks the payload area until the host puts the payload there.
#[unsafe(link_section = ".payload")]
#[used]
static EMPTY_PAYLOAD: u64 = EMPTY;

unsafe extern "C" {
    /// The payload area, by the linker script's name: the compiler must not take the mark above for what is there.
    static payload_area: u8;
}

/// Bytes of stack.
const STACK_BYTES: usize = 64 << 10;

#[repr(C, align(16))]
struct Stack([u8; STACK_BYTES]);
static mut STACK: Stack = Stack([0; STACK_BYTES]);

#[repr(C, align(4096))]
struct Tables {
    low_first: Table,
    low_second: Table,
    high_first: Table,
    high_second: Table,
}

static mut TABLES: Tables = Tables {
    low_first: [0; ENTRIES],
    low_second: [0; ENTRIES],
    high_first: [0; ENTRIES],
    high_second: [0; ENTRIES],
};

// From EL2 down to EL1, a stack, floating point for the compiler's copies, and on to Rust with (device tree or 0, first EL).
// HCR_EL2.RW: EL1 is 64-bit. CNTHCTL_EL2 3 and CNTVOFF_EL2 0: EL1 has the counters and the physical timer, virtual time is real time.
// CPTR_EL2 0x33ff: nothing traps. SPSR 0x3c5: EL1h, interrupts masked. SCTLR_EL1 0x30d00800: its reserved ones, all else off.
global_asm!(
    r#"
    .section .text.start, "ax"
    .global _start
_start:
    msr daifset, #0xf
    mrs x1, CurrentEL
    lsr x1, x1, #2
    cmp x1, #2
    b.ne 1f
    mov x2, #0x80000000
    msr hcr_el2, x2
    mov x2, #3
    msr cnthctl_el2, x2
    msr cntvoff_el2, xzr
    mov x2, #0x33ff
    msr cptr_el2, x2
    msr hstr_el2, xzr
    mrs x2, midr_el1
    msr vpidr_el2, x2
    mrs x2, mpidr_el1
    msr vmpidr_el2, x2
    ldr x2, =0x30d00800
    msr sctlr_el1, x2
    mov x2, #0x3c5
    msr spsr_el2, x2
    adr x2, 1f
    msr elr_el2, x2
    eret
1:  mov x2, #(3 << 20)
    msr cpacr_el1, x2
    isb
    adrp x2, {stack}
    add x2, x2, :lo12:{stack}
    add x2, x2, {stack_bytes}
    mov sp, x2
    b {main}
"#,
    stack = sym STACK,
    stack_bytes = const STACK_BYTES,
    main = sym start,
);

extern "C" fn start(tree: u64, level: u64) -> ! {
    let result = prepare(tree, level);
    match result {
        Ok((header, placement)) => enter(&header, &placement),
        Err(fault) => stop(level, format_args!("{fault}")),
    }
}

/// Puts everything into its place; after this the device tree is gone.
fn prepare(tree: u64, level: u64) -> Result<(Header, Placement), Fault> {
    if level != 1 && level != 2 {
        return Err(Fault::ExceptionLevel(level));
    }
    check_floating_point()?;
    let memory = tree::memory(device_tree(tree)?)?;
    let payload = payload(memory)?;
    let header = Header::read(payload)?;
    let placement = header.place(memory, payload.as_ptr_range().end as u64)?;

    place(
        part(payload, header.kernel_start(), header.kernel_length),
        MEMORY_START,
        header.kernel_size,
    );
    let region = [memory.start.to_le_bytes(), memory.end.to_le_bytes()];
    place(
        region.as_flattened(),
        MEMORY_START + header.memory_region,
        MEMORY_REGION_BYTES,
    );
    let user = part(payload, header.user_image_start(), header.user_length);
    place(user, placement.user.start, header.user_size);
    Ok((header, placement))
}

/// The kernel's own check, which halts a release kernel without a word: ID_AA64PFR0_EL1.FP must be 0 (there, without half precision).
fn check_floating_point() -> Result<(), Fault> {
    let features: u64;
    // SAFETY: reads an identification register.
    unsafe { asm!("mrs {}, id_aa64pfr0_el1", out(reg) features, options(nomem, nostack)) };
    if (features >> 16) & 0xff == 0 {
        Ok(())
    } else {
        Err(Fault::FloatingPoint)
    }
}

/// The device tree's bytes: at `hint` when something passed one in x0, else at the start of memory, where QEMU puts it for ELF files.
fn device_tree(hint: u64) -> Result<&'static [u8], Fault> {
    let at = if hint == 0 { MEMORY_START } else { hint };
    let readable = Region {
        start: MEMORY_START,
        end: LOADER_START,
    };
    if !at.is_multiple_of(8)
        || at < readable.start
        || at + u64::from(tree::MAX_LENGTH) > readable.end
    {
        return Err(Fault::DeviceTree);
    }
    // SAFETY: aligned, and within the part of memory below the loader, which every virt machine of 128 MiB has and nobody writes yet.
    let length = tree::length(unsafe { *(at as *const [u8; 8]) })?;
    // SAFETY: as above; `length` is at most MAX_LENGTH.
    Ok(unsafe { core::slice::from_raw_parts(at as *const u8, length) })
}

/// The payload's bytes, as long as its header says, if that lies in memory.
fn payload(memory: Region) -> Result<&'static [u8], Fault> {
    let start = &raw const payload_area;
    // SAFETY: the area is aligned by the linker script and at least as long as the mark.
    let mark = unsafe { start.cast::<u64>().read() };
    if mark == EMPTY {
        return Err(Fault::EmptyPayload);
    }
    // SAFETY: a filled area is at least a page; nobody writes it.
    let length =
        Header::length(unsafe { core::slice::from_raw_parts(start, Header::LENGTH as usize) })?;
    if length > memory.end.saturating_sub(start as u64) {
        return Err(Fault::DoesNotFit {
            needed_mib: (start as u64 - memory.start)
                .saturating_add(length)
                .div_ceil(1 << 20),
        });
    }
    // SAFETY: within memory by the check above, loaded by QEMU, and nobody writes it: images end below LOADER_START.
    Ok(unsafe { core::slice::from_raw_parts(start, length as usize) })
}

/// A part of the payload; the header was checked, so it lies inside.
fn part(payload: &'static [u8], start: u64, length: u64) -> &'static [u8] {
    &payload[start as usize..(start + length) as usize]
}

/// Copies bytes to a physical address and clears the rest up to `size`.
fn place(bytes: &[u8], to: u64, size: u64) {
    let to = to as *mut u8;
    // SAFETY: the header's checks and `Header::place` keep every image between MEMORY_START and LOADER_START, where nothing of the
    // loader lies; the device tree, which may lie there, is no longer used. `bytes` is in the loader or its payload, above.
    unsafe {
        core::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
        core::ptr::write_bytes(to.add(bytes.len()), 0, size as usize - bytes.len());
    }
}

/// Turns the MMU on and jumps into the kernel.
fn enter(header: &Header, placement: &Placement) -> ! {
    let tables = &raw mut TABLES;
    // SAFETY: one core, no interrupts, and nobody else refers to the tables.
    let tables = unsafe { &mut *tables };
    let low_second = tables.low_second.as_ptr() as u64;
    let high_second = tables.high_second.as_ptr() as u64;
    tables::fill_low(&mut tables.low_first, &mut tables.low_second, low_second);
    tables::fill_high(&mut tables.high_first, &mut tables.high_second, high_second);
    // CNTKCTL_EL1 0x203: user space may read both counters and program the physical timer; the virtual one is the kernel's tick. The
    // kernel never sets it. SCTLR_EL1: MMU (bit 0), data cache (2), instruction cache (12).
    // SAFETY: the tables map this code to itself, and the kernel's entry to the kernel; the arguments are the kernel's contract
    // (docs/kernel-build.md). Nothing of Rust's runs afterwards.
    unsafe {
        asm!(
            "msr cntkctl_el1, {cntkctl}",
            "msr mair_el1, {mair}",
            "msr tcr_el1, {tcr}",
            "msr ttbr0_el1, {low}",
            "msr ttbr1_el1, {high}",
            "dsb sy",
            "ic iallu",
            "tlbi vmalle1",
            "dsb sy",
            "isb",
            "mrs {scratch}, sctlr_el1",
            "orr {scratch}, {scratch}, {on}",
            "msr sctlr_el1, {scratch}",
            "isb",
            "br {entry}",
            cntkctl = in(reg) 0x203_u64,
            mair = in(reg) MAIR,
            tcr = in(reg) TCR,
            low = in(reg) tables.low_first.as_ptr(),
            high = in(reg) tables.high_first.as_ptr(),
            on = in(reg) (1_u64 << 0) | (1 << 2) | (1 << 12),
            scratch = in(reg) 0_u64,
            entry = in(reg) header.kernel_entry,
            in("x0") placement.user.start,
            in("x1") placement.user.end,
            in("x2") placement.offset,
            in("x3") header.user_entry,
            options(noreturn),
        )
    }
}

/// The PL011's data register; QEMU's needs no setting up.
const UART: *mut u32 = 0x0900_0000 as *mut u32;

struct Uart;

impl Write for Uart {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        for byte in text.bytes() {
            // SAFETY: the PL011 of every virt machine; the MMU is off, or maps it to itself as a device.
            unsafe { UART.write_volatile(u32::from(byte)) };
        }
        Ok(())
    }
}

/// PSCI's SYSTEM_OFF (ARM DEN 0022).
const SYSTEM_OFF: u64 = 0x8400_0008;

/// Says why, and switches the machine off. QEMU takes PSCI calls by `smc` when there is an EL2 for the guest, else by `hvc`.
fn stop(level: u64, why: core::fmt::Arguments<'_>) -> ! {
    let _ = write!(Uart, "isthmus loader: {why}\r\n");
    // SAFETY: a firmware call that does not return; were it to return, the loop holds.
    unsafe {
        if level == 2 {
            asm!("smc #0", inout("x0") SYSTEM_OFF => _, clobber_abi("C"));
        } else {
            asm!("hvc #0", inout("x0") SYSTEM_OFF => _, clobber_abi("C"));
        }
    }
    loop {
        // SAFETY: waits for an interrupt; all are masked.
        unsafe { asm!("wfi") };
    }
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    // The first EL is not known here; without an EL2 `hvc` is right, with one QEMU stops at the loop, with the message said.
    stop(1, format_args!("{info}"))
}
