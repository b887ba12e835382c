//! Entry point and `#[root_task]` for programs started by the kernel itself.
#![no_std]
