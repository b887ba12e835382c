//! IPC buffers, caches, and the kernel's own stack.

use sel4::{MessageInfo, Word, cap_type, with_ipc_buffer};

use crate::tester::{HIGH, Outcome, Tester, ensure};
use crate::threads::Shared;

/// Calls argument 0 with a long message.
fn call_long(shared: &'static Shared) {
    shared
        .cap::<cap_type::Endpoint>(0)
        .call(MessageInfo::new(0x1000, 0, 0, 120));
}

pub fn the_ipc_buffers_first_word_is_ours(tester: &mut Tester) -> Outcome {
    const MARK: Word = 0x1234_5678;
    let endpoint = tester.make::<cap_type::Endpoint>()?;
    tester.spawn(HIGH, call_long, &[endpoint.bits()])?;
    let first = with_ipc_buffer(|buffer| buffer.ptr().cast::<Word>());
    // SAFETY: the first word of the own IPC buffer. On x86_64 `sel4` keeps the buffer's address there, so it is put back before the next use.
    let (kept, after) = unsafe {
        let kept = first.read_volatile();
        if cfg!(target_arch = "aarch64") {
            first.write_volatile(MARK);
        }
        endpoint.recv_with_mrs(());
        (
            if cfg!(target_arch = "aarch64") {
                MARK
            } else {
                kept
            },
            first.read_volatile(),
        )
    };
    ensure!(after, kept, "the first word after a long receive");
    if cfg!(target_arch = "x86_64") {
        ensure!(kept, first.addr() as Word, "what is kept there");
    }
    Ok(())
}

/// Without the patch `x86-unmap-frame-copies` the page stays on x86_64, for whoever gets the frame's memory next.
pub fn a_deleted_copy_is_unmapped(tester: &mut Tester) -> Outcome {
    use sel4::init_thread::slot;
    use sel4::{CapRights, VmAttributes, cap};

    use crate::tester::failure;

    const ADDRESS: usize = 0x2800_0000;
    let vspace = slot::VSPACE.cap();
    tester.map_tables(vspace, ADDRESS)?;
    let frame = tester.make::<cap_type::Granule>()?;
    let copy = tester.copy(frame, CapRights::read_write())?;
    let map = |frame: cap::Granule| {
        frame.frame_map(
            vspace,
            ADDRESS,
            CapRights::read_write(),
            VmAttributes::DEFAULT,
        )
    };
    map(copy).map_err(failure("map"))?;
    let place = tester.at(copy.cptr());
    place.delete().map_err(failure("delete"))?;
    ensure!(map(frame), Ok(()), "mapping where a deleted copy was");
    Ok(())
}

#[cfg(target_arch = "aarch64")]
pub fn read_only_pages_cannot_be_invalidated(tester: &mut Tester) -> Outcome {
    use sel4::init_thread::slot;
    use sel4::{CapRights, Error, VmAttributes};

    use crate::tester::failure;

    const ADDRESS: usize = 0x2000_0000;
    const BYTES: usize = 4096;
    let vspace = slot::VSPACE.cap();
    tester.map_tables(vspace, ADDRESS)?;
    let frame = tester.make::<cap_type::Granule>()?;
    let map = |rights| {
        frame
            .frame_map(vspace, ADDRESS, rights, VmAttributes::DEFAULT)
            .map_err(failure("map"))
    };
    let by_capability = || frame.frame_invalidate_data(0, BYTES);
    let by_address = || vspace.vspace_invalidate_data(ADDRESS, ADDRESS + BYTES - 1);

    map(CapRights::read_write())?;
    ensure!(by_capability(), Ok(()), "invalidating a writable page");
    ensure!(by_address(), Ok(()), "invalidating it by its address");
    frame.frame_unmap().map_err(failure("unmap"))?;
    map(CapRights::read_only())?;
    let refused = Err(Error::IllegalOperation);
    ensure!(by_capability(), refused, "invalidating a read-only page");
    ensure!(by_address(), refused, "invalidating it by its address");
    ensure!(
        frame.frame_clean_data(0, BYTES),
        Ok(()),
        "cleaning a read-only page"
    );
    Ok(())
}

/// Two interrupts that are pending together make the kernel handle the second before it returns, on a stack pointer that it rounds. Without
/// the patch `x86-kernel-stack-alignment` that runs over what lies beside the stack, among it the table of interrupts; so the timer takes one
/// vector after the other, until its own is hit. The machine dies then: this fact comes last.
#[cfg(target_arch = "x86_64")]
pub fn interrupts_that_come_together_do_no_harm(tester: &mut Tester) -> Outcome {
    use sel4::init_thread::slot;

    use crate::tester::failure;

    /// The interval timer's command port and the data port of its channel 0.
    const COMMAND: u16 = 0x43;
    const CHANNEL: u16 = 0x40;
    /// Channel 0, low and high byte: mode 2, again and again; mode 0, once.
    const PERIODIC: u8 = 0x34;
    const ONCE: u8 = 0x30;
    /// 1.193182 MHz divided by this: about 20 kHz, against the kernel's tick every 2 ms.
    const DIVISOR: u16 = 60;
    /// Its pin at the I/O APIC, the first.
    const PIN: Word = 2;
    const VECTORS: Word = 32;
    const INTERRUPTS: usize = 200;

    let ports = slot::IO_PORT_CONTROL.cap();
    let out = |port, byte| {
        ports
            .ioport_out8(port, byte)
            .map_err(failure("write a port"))
    };
    let notification = tester.make::<cap_type::Notification>()?;
    let handler = tester.empty_slot();
    out(COMMAND, PERIODIC)?;
    for byte in DIVISOR.to_le_bytes() {
        out(CHANNEL, byte)?;
    }
    for vector in 0..VECTORS {
        let place = tester.at(handler);
        slot::IRQ_CONTROL
            .cap()
            .irq_control_get_ioapic(0, PIN, 0, 0, vector, &place)
            .map_err(failure("get an interrupt"))?;
        let interrupt = handler.cast::<cap_type::IrqHandler>();
        interrupt
            .irq_handler_set_notification(notification)
            .map_err(failure("set its notification"))?;
        interrupt
            .irq_handler_ack()
            .map_err(failure("acknowledge"))?;
        for _ in 0..INTERRUPTS {
            notification.wait();
            interrupt
                .irq_handler_ack()
                .map_err(failure("acknowledge"))?;
        }
        place.delete().map_err(failure("delete the handler"))?;
        notification.poll();
    }
    out(COMMAND, ONCE)
}

pub fn thread_locals_work(_: &mut Tester) -> Outcome {
    #[thread_local]
    static WITH_CONTENT: core::cell::Cell<u64> = core::cell::Cell::new(42);
    #[thread_local]
    static ZERO: core::cell::Cell<[u64; 3]> = core::cell::Cell::new([0; 3]);
    ensure!(
        (WITH_CONTENT.get(), ZERO.get()),
        (42, [0; 3]),
        "what they begin with"
    );
    WITH_CONTENT.set(1);
    ZERO.set([2; 3]);
    ensure!(
        (WITH_CONTENT.get(), ZERO.get()),
        (1, [2; 3]),
        "what was written"
    );
    Ok(())
}
