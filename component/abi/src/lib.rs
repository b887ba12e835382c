//! Label map, outcomes, badges, slots, limits and the start-up block: pure.
#![no_std]
