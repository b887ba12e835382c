//! Builds the seL4 kernel: locates the checksum-locked source, patches, configures and compiles it into a *prefix* that everything
//! above the kernel is built against, and puts kernel and root task into one bootable file for aarch64.
//!
//! It never compiles the package `sel4-sys` as a crate, never edits the downloaded source (it works on a copy), and never leaves a
//! prefix that looks whole and is not. Read next: `docs/kernel-build.md`, then [`Kernel::build`].
#![forbid(unsafe_code)]

mod compile;
mod config;
mod error;
mod generate;
mod headers;
mod kernel;
pub mod loader;
mod patch;
mod source;
mod stamp;
mod tools;

pub use config::{Build, Configuration, Setting};
pub use error::Error;
pub use kernel::{Kernel, Prefix, Progress, Silent};
pub use patch::Patch;

use std::fmt;
use std::str::FromStr;

/// The architectures that the kernel is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arch {
    /// The PC (platform `pc99`).
    X86_64,
    /// QEMU's `virt` machine (our own platform, in `qemu-virt/`).
    Aarch64,
}

impl Arch {
    /// Every architecture.
    pub const ALL: [Arch; 2] = [Arch::X86_64, Arch::Aarch64];

    /// The name used in file names and on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Arch::X86_64 => "x86_64",
            Arch::Aarch64 => "aarch64",
        }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Arch {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Arch::ALL
            .into_iter()
            .find(|arch| arch.name() == text)
            .ok_or_else(|| Error::UnknownArch(text.to_owned()))
    }
}

/// Which of the two configurations of an architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// Assertions, messages, debug system calls.
    Debug,
    /// What runs in earnest.
    Release,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Profile; 2] = [Profile::Debug, Profile::Release];

    /// The name used in file names.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Debug => "debug",
            Profile::Release => "release",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
