//! Frames in, frames out: smoltcp, the fast-path demultiplexer and the neighbour table, pure.
#![no_std]
