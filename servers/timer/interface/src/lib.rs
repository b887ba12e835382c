//! The timer server's typed calls.
#![no_std]
