//! Sessions, slots, retransmission and at-most-once: a pure state machine.
#![no_std]
