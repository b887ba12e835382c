//! The component that extends endpoints across machines.
#![no_std]
#![no_main]
