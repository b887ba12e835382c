//! Constants, bitfields and invocation stubs generated from the configured kernel tree.
#![no_std]
