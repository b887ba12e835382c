//! The key-value server's typed calls.
#![no_std]
