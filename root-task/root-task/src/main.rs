//! Starts every component with what its plan gives it, and buries the dead.
#![no_std]
#![no_main]
