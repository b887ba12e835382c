//! A panic: the message goes to the log, then the thread faults in a way that the supervisor recognises.

use core::panic::PanicInfo;

use crate::arch;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    crate::say!("{info}");
    arch::panicked()
}

/// Where `defmt::panic!` and its like end: what they had to say is in the log already.
#[defmt::panic_handler]
fn defmt_panic() -> ! {
    arch::panicked()
}
