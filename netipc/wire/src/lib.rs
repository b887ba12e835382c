//! Every netipc frame as a checked view and a Repr.
#![no_std]
