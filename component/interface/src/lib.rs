//! Typed calls: a pure codec between Rust values and message words.
#![no_std]
