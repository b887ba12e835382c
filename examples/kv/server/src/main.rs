//! A key-value server.
#![no_std]
#![no_main]
