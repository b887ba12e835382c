//! Establishes, on the running kernel, the facts that the design relies on.
#![no_std]
#![no_main]
#![feature(thread_local)]

use core::cell::Cell;

use sel4_root_task::root_task;

#[thread_local]
static X: Cell<u64> = Cell::new(42);
#[thread_local]
static Y: Cell<u64> = Cell::new(0);

#[root_task(stack_size = 65536)]
fn main(bootinfo: &sel4::BootInfoPtr) -> ! {
    sel4::debug_println!("hello {} {}", X.get(), Y.get());
    X.set(43);
    Y.set(7);
    sel4::debug_println!(
        "hello {} {} {:?} archive {:x?}",
        X.get(),
        Y.get(),
        bootinfo.empty(),
        sel4_root_task::archive().len()
    );
    panic!("end");
}
