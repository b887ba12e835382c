//! One-shot timers: the PIT and the Arm physical timer.
#![no_std]
