//! The naming table, pure.
#![no_std]
