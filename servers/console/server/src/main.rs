//! Owns the serial port and drains every component's log ring.
#![no_std]
#![no_main]
