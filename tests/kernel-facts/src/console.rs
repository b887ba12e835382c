//! The serial line, which works on a release kernel too, and the machine's end.

use core::fmt::{self, Write as _};

use sel4::init_thread::slot;

use crate::tester::Failure;

/// Prints a line.
macro_rules! say {
    ($($argument:tt)*) => { $crate::console::line(::core::format_args!($($argument)*)) };
}
pub(crate) use say;

/// Prints a line.
pub fn line(arguments: fmt::Arguments<'_>) {
    // The serial line takes everything.
    let _ = writeln!(Serial, "{arguments}");
}

struct Serial;

impl fmt::Write for Serial {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(put);
        Ok(())
    }
}

#[cfg(target_arch = "x86_64")]
mod imp {
    use super::slot;

    /// COM1's data register, and its line status: bit 5 says that the transmitter is empty.
    const DATA: u16 = 0x3f8;
    const LINE_STATUS: u16 = DATA + 5;
    const EMPTY: u8 = 1 << 5;
    /// QEMU's isa-debug-exit.
    const EXIT: u16 = 0xf4;

    pub fn put(byte: u8) {
        let ports = slot::IO_PORT_CONTROL.cap();
        while ports
            .ioport_in8(LINE_STATUS)
            .is_ok_and(|status| status & EMPTY == 0)
        {}
        // The capability is the kernel's own gift; if the port refuses, there is nobody to tell.
        let _ = ports.ioport_out8(DATA, byte);
    }

    /// The exit code is twice `code` plus one.
    pub fn exit(code: u32) {
        let _ = slot::IO_PORT_CONTROL.cap().ioport_out32(EXIT, code);
    }
}

#[cfg(target_arch = "aarch64")]
mod imp {
    use core::sync::atomic::{AtomicUsize, Ordering};

    /// Where the PL011 is mapped; 0 before.
    pub static UART: AtomicUsize = AtomicUsize::new(0);

    pub fn put(byte: u8) {
        /// Words from the start: data, and flags, of which bit 5 says that the queue is full.
        const DATA: usize = 0;
        const FLAGS: usize = 6;
        const FULL: u32 = 1 << 5;
        let uart = UART.load(Ordering::Relaxed) as *mut u32;
        if uart.is_null() {
            return;
        }
        // SAFETY: `open` mapped the device's page here, and nobody else uses it.
        unsafe {
            while uart.add(FLAGS).read_volatile() & FULL != 0 {}
            uart.add(DATA).write_volatile(byte.into());
        }
    }

    pub fn exit(_code: u32) {}
}

use imp::put;

/// Ends the run.
pub fn end(all_passed: bool) -> ! {
    const PASSED: u32 = 16;
    const FAILED: u32 = 17;
    imp::exit(if all_passed { PASSED } else { FAILED });
    sel4::init_thread::suspend_self()
}

/// Makes the serial line usable.
#[cfg(target_arch = "x86_64")]
pub fn open(_tester: &mut crate::tester::Tester) -> Result<(), Failure> {
    Ok(())
}

/// Makes the serial line usable: maps the PL011.
#[cfg(target_arch = "aarch64")]
pub fn open(tester: &mut crate::tester::Tester) -> Result<(), Failure> {
    use sel4::{CapRights, VmAttributes};

    use crate::tester::failure;

    const PL011: usize = 0x0900_0000;
    /// Far above the image.
    const ADDRESS: usize = 0x1000_0000;
    let frame = tester.device_frame(PL011)?;
    tester.map_tables(slot::VSPACE.cap(), ADDRESS)?;
    frame
        .frame_map(
            slot::VSPACE.cap(),
            ADDRESS,
            CapRights::read_write(),
            VmAttributes::DEVICE,
        )
        .map_err(failure("map the serial line"))?;
    imp::UART.store(ADDRESS, core::sync::atomic::Ordering::Relaxed);
    Ok(())
}
