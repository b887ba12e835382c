//! Establishes, on the running kernel, the facts that the design relies on (`docs/kernel.md` lists them). It is a root task of its own, not
//! part of any system.
//!
//! Each fact is a small experiment with threads that share this address space and CSpace. It prints `fact NAME: ok` or
//! `fact NAME: FAILED why`, and at the end `N passed, N failed`; then it ends QEMU on `x86_64` (exit code 33 when all passed, 35 else) and idles
//! on `aarch64`, where user space cannot. It runs under `-icount shift=0`, so that instructions can be counted.
//!
//! Read next: [`tester`], then any of [`facts`].
#![no_std]
#![no_main]
#![feature(thread_local)]

extern crate alloc;

mod console;
mod facts;
mod tester;
mod threads;

use sel4_root_task::root_task;

use crate::console::say;
use crate::tester::Tester;

#[root_task(stack_size = 64 * 1024, heap_size = 64 * 1024)]
fn main(bootinfo: &sel4::BootInfoPtr) -> ! {
    let mut tester = match Tester::new(bootinfo) {
        Ok(tester) => tester,
        Err(error) => panic!("cannot set up: {error}"),
    };
    sel4_root_task::set_panic_hook(|info| say!("{info}"));
    let (mut passed, mut failed) = (0, 0);
    for (name, fact) in facts::ALL {
        let outcome = fact(&mut tester).and_then(|()| tester.clean_up());
        match outcome {
            Ok(()) => {
                say!("fact {name}: ok");
                passed += 1;
            }
            Err(why) => {
                say!("fact {name}: FAILED {why}");
                failed += 1;
                if let Err(error) = tester.clean_up() {
                    say!("cannot clean up: {error}");
                }
            }
        }
    }
    say!("{passed} passed, {failed} failed");
    console::end(failed == 0)
}
