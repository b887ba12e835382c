//! The machines that Isthmus runs on, as QEMU command lines: one definition for the demo, the tests, the benchmarks and the user's own shell.
//!
//! It starts nothing and reads no file: a [`Machine`] goes in, a [`CommandLine`] comes out. Machines are always emulated (`-accel tcg`):
//! `/dev/kvm` may be there and still not carry this kernel. Starting and watching them is `isthmus-testkit`'s part; read `docs/testing.md` next.

#![forbid(unsafe_code)]

mod command_line;
mod machine;

pub use command_line::CommandLine;
pub use machine::{
    Arch, ArchError, Clock, Console, Image, Link, Machine, Node, NodeError, Randomness, SEED_BYTES,
    mac_of,
};
