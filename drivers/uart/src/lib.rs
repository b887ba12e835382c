//! Serial ports: 16550 and PL011.
#![no_std]
