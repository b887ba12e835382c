//! Looks the key-value server up by name and calls it, wherever it is.
#![no_std]
#![no_main]
