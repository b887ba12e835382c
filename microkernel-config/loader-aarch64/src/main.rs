//! Boot loader for QEMU virt: places kernel and root task and enters the kernel.
#![no_std]
#![no_main]
