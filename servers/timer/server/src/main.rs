//! Owns the hardware timer; signals clients at their deadlines.
#![no_std]
#![no_main]
