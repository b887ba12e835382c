//! The directory that `microkernel-config` installs a configured kernel into, as far as the bindings need it.

use std::path::Path;

use crate::Error;
use crate::config::Config;

/// A file's text under the name that errors use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The file's path below the prefix.
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// All inputs of the generator.
#[derive(Clone, Debug)]
pub struct Prefix {
    /// `config.json`.
    pub config: Config,
    /// libsel4's headers, each after those that it refers to.
    pub headers: Vec<Named>,
    /// The `.bf` files that user space shares with the kernel.
    pub bitfields: Vec<Named>,
    /// Interface XML in the order of the labels.
    pub interfaces: Vec<Named>,
    /// `syscall.xml`.
    pub syscalls: String,
}

/// Headers with constants and structures, in the order of their dependence.
pub const HEADERS: &[&str] = &[
    "include/sel4/errors.h",
    "include/sel4/constants.h",
    "include/sel4/types.h",
    "include/sel4/objecttype.h",
    "include/sel4/sel4_arch/objecttype.h",
    "include/sel4/arch/objecttype.h",
    "include/sel4/sel4_arch/constants.h",
    "include/sel4/arch/constants.h",
    "include/sel4/arch/types.h",
    "include/sel4/sel4_arch/types.h",
    "include/sel4/sel4_arch/mapping.h",
    "include/sel4/shared_types.h",
    "include/sel4/bootinfo_types.h",
];

/// Bit-field files.
pub const BITFIELDS: &[&str] = &[
    "bitfields/shared_types.bf",
    "bitfields/types.bf",
    "bitfields/sel4_arch_types.bf",
];

/// Interface files in the order of the labels.
pub const INTERFACES: &[&str] = &[
    "interfaces/sel4.xml",
    "interfaces/sel4_arch.xml",
    "interfaces/arch.xml",
];

/// System calls.
pub const SYSCALLS: &str = "interfaces/syscall.xml";

impl Prefix {
    /// Reads a prefix.
    ///
    /// # Errors
    /// When a file is missing or malformed.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let read = |name: &str| {
            let path = path.join(name);
            std::fs::read_to_string(&path).map_err(|source| Error::Read { path, source })
        };
        if !path.join("config.json").is_file() {
            return Err(Error::NotAPrefix {
                path: path.to_owned(),
                missing: "there is no config.json".into(),
            });
        }
        let all = |names: &[&str]| {
            names
                .iter()
                .map(|name| {
                    Ok(Named {
                        name: (*name).to_owned(),
                        text: read(name)?,
                    })
                })
                .collect::<Result<Vec<_>, Error>>()
        };
        Ok(Prefix {
            config: Config::parse(&read("config.json")?)?,
            headers: all(HEADERS)?,
            bitfields: all(BITFIELDS)?,
            interfaces: all(INTERFACES)?,
            syscalls: read(SYSCALLS)?,
        })
    }

    /// Every file that [`Prefix::read`] reads, below the prefix: what a build must watch.
    pub fn files() -> impl Iterator<Item = &'static str> {
        ["config.json", SYSCALLS].into_iter().chain(
            [HEADERS, BITFIELDS, INTERFACES]
                .into_iter()
                .flatten()
                .copied(),
        )
    }
}
