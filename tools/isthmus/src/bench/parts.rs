//! Whose code a block of instructions is: which program's, and which part of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use addr2line::Loader;
use anyhow::{Context, Result, anyhow};
use object::{Object, ObjectSegment, ObjectSymbol, SegmentFlags, SymbolKind};
use qemu_trace::Block;

/// Parts of what runs for a remote call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// seL4.
    Kernel,
    /// Sealing and opening, within netipc's proxy.
    Cipher,
    /// The protocol's state machine and its frames, within the proxy.
    Protocol,
    /// The rest of the proxy: tables, workers, the runtime.
    Proxy,
    /// The network card's driver, within the proxy.
    Driver,
    /// Ethernet, IP and UDP, within the proxy.
    Ip,
    /// The caller and the server.
    Programs,
    /// All other components.
    Others,
    /// The thread that keeps the processor awake: not work.
    Waiting,
}

impl Part {
    /// Those that are work.
    pub const WORK: [Self; 8] = [
        Self::Kernel,
        Self::Cipher,
        Self::Protocol,
        Self::Proxy,
        Self::Driver,
        Self::Ip,
        Self::Programs,
        Self::Others,
    ];

    /// As in a figure's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Cipher => "cipher",
            Self::Protocol => "protocol",
            Self::Proxy => "proxy",
            Self::Driver => "driver",
            Self::Ip => "ip",
            Self::Programs => "programs",
            Self::Others => "others",
            Self::Waiting => "waiting",
        }
    }

    /// The part of the proxy that a crate is; `None` for crates that belong to whoever calls them.
    fn of_crate(name: &str) -> Option<Self> {
        Some(match name {
            "chacha20" | "poly1305" | "universal_hash" | "cipher" | "netipc_crypto" => Self::Cipher,
            "netipc_protocol" | "netipc_wire" | "netipc_view" => Self::Protocol,
            "virtio_drivers" | "virtio_net" | "network_port" => Self::Driver,
            "network_logic" | "smoltcp" => Self::Ip,
            "netipc_proxy" | "netipc_proxy_logic" | "isthmus_runtime" | "sel4" | "isthmus_abi" => {
                Self::Proxy
            }
            _ => return None,
        })
    }
}

/// The crate that a function's demangled name begins with: `<a::B<c::D> as e::F>::g` is of `a`.
fn crate_of(function: &str) -> &str {
    let name = function.trim_start_matches(['<', '&', '*', '(', '[']);
    let name = name.strip_prefix("mut ").unwrap_or(name);
    let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    name.get(..end.unwrap_or(name.len())).unwrap_or_default()
}

/// A program of the machines, as far as its code goes.
struct Program {
    name: String,
    /// Executable segments: where each begins, and its bytes.
    code: Vec<(u64, Vec<u8>)>,
    lines: Loader,
}

impl Program {
    fn read(path: &Path) -> Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let elf = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let file = object::File::parse(&elf[..])?;
        let executable = |flags| matches!(flags, SegmentFlags::Elf { p_flags, .. } if p_flags.0 & object::elf::PF_X.0 != 0);
        let mut code = Vec::new();
        for segment in file
            .segments()
            .filter(|segment| executable(segment.flags()))
        {
            code.push((segment.address(), segment.data()?.to_vec()));
        }
        let lines = Loader::new(path)
            .map_err(|error| anyhow!("{}: no line tables: {error}", path.display()))?;
        Ok(Self {
            name: name.into_owned(),
            code,
            lines,
        })
    }

    fn has(&self, block: &Block) -> bool {
        self.code.iter().any(|(start, code)| {
            let at = block.start.checked_sub(*start);
            let rest = at.and_then(|at| code.get(usize::try_from(at).ok()?..));
            rest.is_some_and(|rest| rest.starts_with(&block.code))
        })
    }

    /// Names of the functions that an instruction is of, the innermost of those that were inlined first.
    fn functions(&self, address: u64) -> Vec<String> {
        let mut names = Vec::new();
        let Ok(mut frames) = self.lines.find_frames(address) else {
            return names;
        };
        while let Ok(Some(frame)) = frames.next() {
            if let Some(name) = frame
                .function
                .as_ref()
                .and_then(|name| name.demangle().ok())
            {
                names.push(name.into_owned());
            }
        }
        names
    }

    fn part(&self, functions: &[String]) -> Part {
        if functions.iter().any(|name| name.contains("linger::")) {
            return Part::Waiting;
        }
        match &*self.name {
            "netipc-proxy" => functions
                .iter()
                .find_map(|name| Part::of_crate(crate_of(name)))
                .unwrap_or(Part::Proxy),
            "bench" | "bench-server" => Part::Programs,
            _ => Part::Others,
        }
    }
}

/// Bytes of a page.
const PAGE: u64 = 4096;

/// Instructions that were executed, by part and by function.
#[derive(Debug, Default)]
pub struct Counts {
    /// By part.
    pub parts: BTreeMap<Part, u64>,
    /// Blocks of each part that ran at all: what the emulator has to find again after each change of address space.
    pub blocks: BTreeMap<Part, u64>,
    /// Pages that they are in, by part.
    pub pages: BTreeMap<Part, BTreeSet<u64>>,
    /// By part, program and function (the innermost that is its own crate's).
    pub functions: BTreeMap<(Part, String, String), u64>,
    /// How often each block of the programs ran.
    runs: Vec<u64>,
}

impl Counts {
    /// Whether a block of a component ran exactly so often: what each round trip runs once. If none did, the log is not whole.
    pub fn some_ran(&self, times: u64) -> bool {
        self.runs.contains(&times)
    }
}

/// The programs of a system, and its kernel's functions.
pub struct Programs {
    programs: Vec<Program>,
    /// Where each begins, in order.
    kernel: BTreeMap<u64, String>,
}

/// The functions of a kernel, and its assembler's labels.
fn functions_of(kernel: &Path) -> Result<BTreeMap<u64, String>> {
    let elf = fs::read(kernel).with_context(|| format!("{} cannot be read", kernel.display()))?;
    let file = object::File::parse(&elf[..])?;
    let code = |symbol: &object::Symbol<'_, '_>| {
        matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Unknown)
            && symbol.is_definition()
            && symbol.address() >> 63 == 1
    };
    let named =
        |symbol: object::Symbol<'_, '_>| Some((symbol.address(), symbol.name().ok()?.to_owned()));
    Ok(file.symbols().filter(code).filter_map(named).collect())
}

impl Programs {
    /// Those in a folder.
    ///
    /// # Errors
    /// If one cannot be read, or has no line tables.
    pub fn read(folder: &Path, kernel: Option<&Path>) -> Result<Self> {
        let mut programs = Vec::new();
        let files =
            fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
        for file in files {
            programs.push(Program::read(&file?.path())?);
        }
        let kernel = kernel.map(functions_of).transpose()?.unwrap_or_default();
        Ok(Self { programs, kernel })
    }

    /// Whose instructions those are that ran.
    pub fn count(&self, runs: Vec<(Block, u64)>) -> Counts {
        let mut counts = Counts::default();
        for (block, runs) in runs {
            // The kernel is in the upper half of every address space.
            if block.start >> 63 == 1 {
                let instructions = runs * block.instructions.len() as u64;
                *counts.parts.entry(Part::Kernel).or_default() += instructions;
                *counts.blocks.entry(Part::Kernel).or_default() += 1;
                let pages = counts.pages.entry(Part::Kernel).or_default();
                pages.insert(block.start / PAGE);
                let function = self.kernel.range(..=block.start).next_back();
                let function = function.map_or("?", |(_, name)| name).to_owned();
                let key = (Part::Kernel, "seL4".to_owned(), function);
                *counts.functions.entry(key).or_default() += instructions;
                continue;
            }
            counts.runs.push(runs);
            // Programs begin at one address, and their first instructions are alike; what is the same in two is counted for the first.
            let Some(program) = self.programs.iter().find(|program| program.has(&block)) else {
                *counts.parts.entry(Part::Others).or_default() +=
                    runs * block.instructions.len() as u64;
                continue;
            };
            let mut whole = None;
            for address in &block.instructions {
                let functions = program.functions(*address);
                let part = program.part(&functions);
                whole.get_or_insert(part);
                *counts.parts.entry(part).or_default() += runs;
                let own = functions
                    .iter()
                    .find(|name| !matches!(crate_of(name), "core" | "alloc"));
                let name = own.cloned().unwrap_or_else(|| "?".to_owned());
                let key = (part, program.name.clone(), name);
                *counts.functions.entry(key).or_default() += runs;
            }
            if let Some(part) = whole {
                *counts.blocks.entry(part).or_default() += 1;
                let pages = counts.pages.entry(part).or_default();
                pages.insert(block.start / PAGE);
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_of_the_crate_that_they_begin_with() {
        for (function, name) in [
            ("netipc_wire::frame::emit", "netipc_wire"),
            (
                "<netipc_protocol::Endpoint<netipc_crypto::Protection>>::seal",
                "netipc_protocol",
            ),
            (
                "<&mut chacha20::Core<R> as cipher::Stream>::call",
                "chacha20",
            ),
            ("memcpy", "memcpy"),
            ("", ""),
        ] {
            assert_eq!(crate_of(function), name, "{function}");
        }
    }
}
