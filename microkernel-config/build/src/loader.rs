//! Puts kernel and root task into the boot loader's payload.
