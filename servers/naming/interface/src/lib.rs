//! The naming server's typed calls.
#![no_std]
