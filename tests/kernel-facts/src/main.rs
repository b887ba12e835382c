//! Establishes, on the running kernel, the facts that the design relies on.
#![no_std]
#![no_main]
