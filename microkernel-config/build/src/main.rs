//! Builds one kernel from the command line. `isthmus` calls the library instead; this is for working on the kernel itself.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use microkernel_config::{Arch, Kernel, Profile, Progress};

/// Build the seL4 kernel into a prefix.
#[derive(Parser)]
struct Arguments {
    /// x86_64 or aarch64; without it, both.
    #[arg(long)]
    arch: Option<Arch>,
    /// The release kernel instead of the debug kernel.
    #[arg(long)]
    release: bool,
    /// Where the prefix goes, in a folder <arch>-<profile>.
    #[arg(long, default_value = "target/sel4")]
    out: PathBuf,
    /// Leave a patch out (its name without .patch), to see its test fail.
    #[arg(long, value_name = "NAME")]
    without_patch: Vec<String>,
}

struct Print;

impl Progress for Print {
    fn step(&mut self, text: &str) {
        eprintln!("{text}");
    }

    fn note(&mut self, text: &str) {
        eprintln!("{text}");
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let profile = if arguments.release {
        Profile::Release
    } else {
        Profile::Debug
    };
    let archs = arguments.arch.map_or(Arch::ALL.to_vec(), |arch| vec![arch]);
    for arch in archs {
        let kernel = arguments
            .without_patch
            .iter()
            .fold(Kernel::new(arch, profile), |kernel, name| {
                kernel.without_patch(name)
            });
        match kernel.build(&arguments.out, &mut Print) {
            Ok(prefix) => println!("{}", prefix.path().display()),
            Err(error) => {
                eprintln!("error: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
