//! What can be typed after `./isthmus`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use isthmus_testkit::Arch;

/// Isthmus: several seL4 machines, one system.
///
/// Every command builds what it needs first, and installs missing Debian packages (as root, or by sudo). Ctrl-C ends everything.
#[derive(Debug, Parser)]
#[command(
    name = "isthmus",
    bin_name = "./isthmus",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
pub struct Options {
    #[command(subcommand)]
    pub task: Task,
}

#[derive(Debug, Subcommand)]
pub enum Task {
    /// Boot machines; a client on one calls a server on another, by name.
    Demo(Demo),
    /// Write a component in a workspace of your own: an interface, a server, a client, a system, tests.
    New(New),
    /// Make images that plain QEMU boots, and print the command to do so.
    Build(Build),
    /// Start machines and keep them running, with every console.
    Up(Up),
    /// Check a system description or a cluster file, or draw who may call whom.
    #[command(subcommand)]
    System(System),
    /// Say who holds which capability on a machine, and which line of the description gave it; the machine itself is asked.
    Caps(Caps),
    /// Print the C header of an interface of the workspace that you stand in.
    Header(Header),
    /// Make and change the keys by which the machines of a cluster know each other.
    #[command(subcommand)]
    Cluster(Cluster),
    /// Make an encrypted capture readable.
    #[command(subcommand)]
    Capture(Capture),
    /// Check formatting, lints, documents, host tests and machine tests; in a workspace of your own, run its tests.
    Test(Test),
    /// Measure calls, the wire and booting.
    Bench(Bench),
    /// Simulate clusters from seeds, and replay one; `sim --help` lists the simulator's own options.
    #[command(disable_help_flag = true)]
    Sim {
        /// For the simulator.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Throw mutated frames at netipc's parsers and machines; `fuzz --help` lists the fuzzer's own options.
    #[command(disable_help_flag = true)]
    Fuzz {
        /// For the fuzzer.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Install the Debian packages that all commands together need.
    Setup,
}

/// Which processors the machines have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Machines {
    /// PCs.
    #[value(name = "x86_64")]
    X86_64,
    /// QEMU's Arm boards.
    #[value(name = "aarch64")]
    Aarch64,
    /// By turns one of each.
    Mixed,
}

impl Machines {
    /// The architecture of each of `count` machines.
    pub fn archs(self, count: usize) -> Vec<Arch> {
        let turn: &[Arch] = match self {
            Self::X86_64 => &[Arch::X86_64],
            Self::Aarch64 => &[Arch::Aarch64],
            Self::Mixed => &[Arch::X86_64, Arch::Aarch64],
        };
        turn.iter().copied().cycle().take(count).collect()
    }
}

/// How many machines, at most: see `isthmus_abi::limits` for the system's own limit.
const MAX_NODES: i64 = 8;

#[derive(Debug, Args)]
pub struct Demo {
    /// The machines' processors.
    #[arg(long, value_enum, default_value = "x86_64")]
    pub arch: Machines,
    /// How many machines. The server runs on the first, the client on the last: with 1 they are neighbours.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=MAX_NODES))]
    pub nodes: u8,
    /// Also show every line of every console.
    #[arg(long, short)]
    pub verbose: bool,
}

#[derive(Debug, Args)]
pub struct New {
    /// What the component is called: a lower-case letter, then lower-case letters, digits and `-`.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The folder to write it into; if not given, one of its name where you stand.
    #[arg(long, value_name = "DIR")]
    pub path: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Build {
    /// The machine's processor; `mixed` makes both images, each in a folder of its own.
    #[arg(long, value_enum, default_value = "x86_64")]
    pub arch: Machines,
    /// With the release kernel instead of the one that checks itself and prints.
    #[arg(long)]
    pub release: bool,
    /// A cluster file: the machines, and what each runs.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["arch", "system"])]
    pub cluster: Option<PathBuf>,
    /// The system's description; if not given, `system.toml` of the workspace that you stand in, or the demonstration's.
    #[arg(long, value_name = "FILE")]
    pub system: Option<PathBuf>,
    /// Where the files go.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

#[derive(Debug, Args)]
pub struct Up {
    /// The machines' processors.
    #[arg(long, value_enum, default_value = "x86_64")]
    pub arch: Machines,
    /// How many machines.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=MAX_NODES))]
    pub nodes: u8,
    /// A cluster file: the machines, and what each runs.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["arch", "nodes", "system"])]
    pub cluster: Option<PathBuf>,
    /// The system's description; if not given, `system.toml` of the workspace that you stand in, or the demonstration's.
    #[arg(long, value_name = "FILE")]
    pub system: Option<PathBuf>,
    /// Record every frame, for Wireshark.
    #[arg(long, value_name = "FILE")]
    pub pcap: Option<PathBuf>,
    /// Have the machines say the keys of their sessions, so that a capture can be read: for tests.
    #[arg(long, conflicts_with = "keys")]
    pub key_log: bool,
    /// The folder of a cluster's keys (`isthmus cluster new`); if not given, the machines get new ones.
    #[arg(long, value_name = "DIR")]
    pub keys: Option<PathBuf>,
    /// What is to happen to the network, and when: lines like `2s cut 1-2`, `3s loss all 5%` (`docs/switch.md`).
    #[arg(long, value_name = "FILE")]
    pub net: Option<PathBuf>,
    /// With the kernel that checks itself and prints, instead of the release kernel.
    #[arg(long)]
    pub debug: bool,
    /// Have machine N wait for gdb, at port 1234, before its first instruction.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=MAX_NODES))]
    pub gdb: Option<u8>,
}

#[derive(Debug, Subcommand)]
pub enum System {
    /// Say every mistake with line, column and remedy, or what the system is made of.
    Check {
        /// A system description, or a cluster file.
        file: PathBuf,
    },
    /// Draw who may call whom, as SVG: calls, events, channels, by layer.
    Graph {
        /// A system description.
        file: PathBuf,
        /// Where the drawing goes, instead of the standard output.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// Who votes on the view of a cluster (docs/view.md).
#[derive(Debug, Args)]
pub struct Voting {
    /// The machines that vote, as in `1,2,3`; if not given, none, and there is no view.
    #[arg(long, value_name = "N,...", value_delimiter = ',')]
    pub voters: Vec<u8>,
    /// Those of them that own nothing, and break ties.
    #[arg(long, value_name = "N,...", value_delimiter = ',', requires = "voters")]
    pub witness: Vec<u8>,
}

#[derive(Debug, Subcommand)]
pub enum Cluster {
    /// New keys for the machines of a cluster, a file each, which only you can read.
    New {
        /// A new folder.
        folder: PathBuf,
        /// How many machines.
        #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=MAX_NODES))]
        machines: u8,
        #[command(flatten)]
        voting: Voting,
    },
    /// Name the machines that vote on the view of the cluster, instead of those before. It counts from the next start of the machines on: stop all before you start one.
    Voters {
        /// A cluster's folder.
        folder: PathBuf,
        #[command(flatten)]
        voting: Voting,
    },
    /// Say which machines there are, with their public keys, and who votes.
    Show {
        /// A cluster's folder.
        folder: PathBuf,
    },
    /// Keys for one more machine.
    Add {
        /// A cluster's folder.
        folder: PathBuf,
    },
    /// Forget a machine whose keys are in nobody else's hands.
    Remove {
        /// A cluster's folder.
        folder: PathBuf,
        /// Its number, from 1.
        machine: u8,
    },
    /// Forget a machine whose keys were stolen: it knows the cluster's secret, so the others get another.
    Expel {
        /// A cluster's folder.
        folder: PathBuf,
        /// Its number, from 1.
        machine: u8,
    },
    /// Send the present keys to the machines that run, at their addresses 10.73.0.N: this host must have one of that network. Each passes on what others lack.
    Push {
        /// A cluster's folder.
        folder: PathBuf,
        /// Send everybody's to this machine only.
        #[arg(long, value_name = "N")]
        via: Option<u8>,
    },
    /// Another secret for the cluster, or another key pair for one of its machines.
    Rotate {
        /// A cluster's folder.
        folder: PathBuf,
        /// The machine whose key pair is replaced, instead of the cluster's secret.
        #[arg(long, value_name = "N")]
        machine: Option<u8>,
    },
}

#[derive(Debug, Subcommand)]
pub enum Capture {
    /// Copy a capture, with those frames of netipc opened whose keys were said.
    Decrypt {
        /// What `--pcap` has written.
        file: PathBuf,
        /// What machines have said that were started with `--key-log`: `up`'s output, or a test's transcript.
        #[arg(long, value_name = "FILE", required = true)]
        keys: Vec<PathBuf>,
        /// Where the copy goes.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

#[derive(Debug, Args)]
pub struct Caps {
    /// The machine's number, from 1.
    #[arg(value_parser = clap::value_parser!(u8).range(1..=MAX_NODES))]
    pub node: u8,
    /// The system's description; by default this checkout's demonstration, or `system.toml` of your own workspace.
    #[arg(long, value_name = "FILE")]
    pub system: Option<PathBuf>,
    /// How many machines the cluster has.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=MAX_NODES))]
    pub nodes: u8,
    /// The machine's processor.
    #[arg(long, value_enum, default_value = "x86_64")]
    pub arch: BenchArch,
    /// Only what the description says: start no machine.
    #[arg(long)]
    pub plan: bool,
}

#[derive(Debug, Args)]
pub struct Header {
    /// Which: its package's name, with or without `-interface`; `PACKAGE::MODULE` where a package has several.
    #[arg(value_name = "INTERFACE", required = true)]
    pub interfaces: Vec<String>,
    /// Write MODULE.h into this folder, instead of to the standard output.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Test {
    /// Without machines: formatting, lints, documents, host tests.
    #[arg(long)]
    pub quick: bool,
    /// Everything that there is: each scenario on both architectures, and mixed where machines call each other; the simulator and the fuzzer ten times as long. Hours.
    #[arg(long, conflicts_with = "quick")]
    pub long: bool,
    /// Only what has this in its name.
    pub filter: Option<String>,
    /// Only say what there is.
    #[arg(long)]
    pub list: bool,
}

#[derive(Debug, Args)]
pub struct Bench {
    /// Which figures, by the names in docs/benchmarks.md (an unknown name lists them); all if none is named.
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// The machines' processors; both, one after the other, if not given.
    #[arg(long, value_enum)]
    pub arch: Option<BenchArch>,
    /// An array of {"name","arch","unit","p50","p99","n"} instead of a table.
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BenchArch {
    #[value(name = "x86_64")]
    X86_64,
    #[value(name = "aarch64")]
    Aarch64,
}

impl From<BenchArch> for Arch {
    fn from(arch: BenchArch) -> Self {
        match arch {
            BenchArch::X86_64 => Self::X86_64,
            BenchArch::Aarch64 => Self::Aarch64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_options_are_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn mixed_machines_take_turns() {
        assert_eq!(
            Machines::Mixed.archs(3),
            [Arch::X86_64, Arch::Aarch64, Arch::X86_64]
        );
        assert_eq!(Machines::Aarch64.archs(2), [Arch::Aarch64; 2]);
    }
}
