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
    frame
        .frame_map(
            vspace,
            ADDRESS,
            CapRights::read_write(),
            VmAttributes::DEFAULT,
        )
        .map_err(failure("map"))?;
    ensure!(
        frame.frame_invalidate_data(0, BYTES),
        Ok(()),
        "invalidating a writable page"
    );
    frame.frame_unmap().map_err(failure("unmap"))?;
    frame
        .frame_map(
            vspace,
            ADDRESS,
            CapRights::read_only(),
            VmAttributes::DEFAULT,
        )
        .map_err(failure("map"))?;
    let invalidated = frame.frame_invalidate_data(0, BYTES);
    ensure!(
        invalidated,
        Err(Error::IllegalOperation),
        "invalidating a read-only page"
    );
    ensure!(
        frame.frame_clean_data(0, BYTES),
        Ok(()),
        "cleaning a read-only page"
    );
    Ok(())
}

/// Two interrupts that are pending together make the kernel handle the second before it returns, on a stack pointer that it rounds: without
/// the patch `x86-kernel-stack-alignment` that runs over what lies beside the stack, among it the table of interrupts.
#[cfg(target_arch = "x86_64")]
pub fn interrupts_that_come_together_do_no_harm(tester: &mut Tester) -> Outcome {
    use sel4::init_thread::slot;
    use sel4::{CapRights, cap};

    use crate::tester::failure;

    /// The interval timer: command and data port of channel 0; mode 2, low and high byte.
    const COMMAND: u16 = 0x43;
    const CHANNEL: u16 = 0x40;
    const PERIODIC: u8 = 0x34;
    /// 1.193182 MHz divided by this: about 40 kHz.
    const DIVISOR: u16 = 30;
    /// The clock: its index and data port; register A's rate (8192 Hz) and register B's periodic interrupt.
    const CLOCK_INDEX: u16 = 0x70;
    const CLOCK_DATA: u16 = 0x71;
    const CLOCK_RATE: u8 = 0x23;
    const CLOCK_PERIODIC: u8 = 0x42;
    /// The pins of timer and clock at the I/O APIC.
    const PINS: [Word; 2] = [2, 8];
    /// Their vectors, in the part of the table that an unpatched kernel of this version runs over.
    const VECTORS: [Word; 2] = [20, 18];
    const ROUNDS: usize = 20_000;

    let ports = slot::IO_PORT_CONTROL.cap();
    let notification = tester.make::<cap_type::Notification>()?;
    let mut handlers = [cap::IrqHandler::from_bits(0); 2];
    for (index, handler) in handlers.iter_mut().enumerate() {
        let slot = tester.empty_slot();
        let place = tester.at(slot);
        slot::IRQ_CONTROL
            .cap()
            .irq_control_get_ioapic(0, PINS[index], 0, 0, VECTORS[index], &place)
            .map_err(failure("get an interrupt"))?;
        *handler = slot.cast();
        let badged = tester.mint(notification, CapRights::write_only(), 1 << index)?;
        handler
            .irq_handler_set_notification(badged)
            .map_err(failure("set an interrupt's notification"))?;
        handler.irq_handler_ack().map_err(failure("acknowledge"))?;
    }
    let out = |port, byte| {
        ports
            .ioport_out8(port, byte)
            .map_err(failure("write a port"))
    };
    let read_clock = |register: u8| {
        ports
            .ioport_out8(CLOCK_INDEX, register)
            .and_then(|()| ports.ioport_in8(CLOCK_DATA))
            .map_err(failure("read the clock"))
    };
    out(COMMAND, PERIODIC)?;
    out(CHANNEL, DIVISOR.to_le_bytes()[0])?;
    out(CHANNEL, DIVISOR.to_le_bytes()[1])?;
    out(CLOCK_INDEX, 0x0a)?;
    out(CLOCK_DATA, CLOCK_RATE)?;
    out(CLOCK_INDEX, 0x0b)?;
    out(CLOCK_DATA, CLOCK_PERIODIC)?;
    let mut came = [0; 2];
    for _ in 0..ROUNDS {
        let (_, badge) = notification.wait();
        for (index, handler) in handlers.iter().enumerate() {
            if badge & 1 << index != 0 {
                came[index] += 1;
                handler.irq_handler_ack().map_err(failure("acknowledge"))?;
            }
        }
        // The clock's interrupt is told off by reading register C.
        read_clock(0x0c)?;
    }
    // One shot, long over, and no periodic interrupt: quiet again.
    out(COMMAND, 0x30)?;
    out(CLOCK_INDEX, 0x0b)?;
    out(CLOCK_DATA, 0x02)?;
    ensure!(
        came[0] > ROUNDS / 4 && came[1] > 0,
        true,
        "whether both interrupts came ({came:?})"
    );
    Ok(())
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
