//! Deadlines of the timer's clients, pure.
#![no_std]
