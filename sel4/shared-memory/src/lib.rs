//! Rings and mapped views between components.
#![no_std]
