//! The framing of log streams on the serial line, pure: encoder here, decoder on the host.
#![no_std]
