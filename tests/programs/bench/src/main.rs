//! The target side of `isthmus bench`.
#![no_std]
#![no_main]
