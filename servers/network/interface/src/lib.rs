//! The network server's typed calls and the layout of its datagram rings.
#![no_std]
