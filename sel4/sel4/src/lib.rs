//! seL4 capabilities, invocations and system calls under rust-sel4's names.
#![no_std]
