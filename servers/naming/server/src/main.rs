//! Maps names to endpoint capabilities.
#![no_std]
#![no_main]
