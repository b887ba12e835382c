//! From a system description to images that boot: the kernel, the programs, the archive, for this checkout's systems and for those of a user's own
//! workspace elsewhere.
//!
//! `./isthmus` and `isthmus-testkit` are both thin over it, so that a command and a `cargo test` build the same. It knows which tools that takes
//! ([`setup`]), how the machines' programs are compiled ([`toolchain`], [`programs`]), and which workspace a program comes from ([`workspace`]). It starts no
//! machine, and holds no knowledge of its own about the kernel (`microkernel-config`) or images (`isthmus-image`). Read next: [`Builder`].

#![forbid(unsafe_code)]

mod builder;
mod cluster;
pub mod programs;
pub mod run;
pub mod setup;
mod system;
pub mod toolchain;
pub mod ui;
pub mod workspace;

pub use builder::{Builder, kernel, kernel_arch};
pub use cluster::ClusterFile;
pub use isthmus_description::cluster::Random;
pub use isthmus_image::{PROGRAMS, in_folder};
pub use microkernel_config::Profile;
pub use qemu_machines::Arch;
pub use system::System;
pub use workspace::Project;
