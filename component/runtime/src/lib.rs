//! What every component starts with: entry, heap, thread-locals, threads, log, panic.
#![no_std]
