//! `./isthmus`: the one command of this repository. It installs what is missing, builds kernel, programs and images, starts machines, tells their
//! story, tests and measures.
//!
//! It holds no knowledge of its own about the kernel (`microkernel-config`), images (`isthmus-image`), machines (`isthmus-testkit`): it puts them
//! in order, says what takes long, and turns errors into what to do. Read next: `options.rs`, then `build.rs`.

#![forbid(unsafe_code)]

mod bench;
mod build;
mod caps;
mod capture;
mod cluster;
mod demo;
mod header;
mod new;
mod options;
mod system;
mod test;
mod up;

use std::process::ExitCode;

use clap::Parser;
use isthmus_build::{programs, run, setup, ui, workspace};

use crate::options::{Options, Task};
use crate::ui::Ui;

/// How a command ended that did not fail.
pub enum Ending {
    /// As it should.
    Well,
    /// It ran, and what it ran was found wanting: a test failed, an answer was wrong. All has been said.
    Wanting,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let ui = Ui::new();
    let result = match options.task {
        Task::Demo(options) => demo::demo(&ui, &options),
        Task::Build(options) => build::command(&ui, &options),
        Task::New(options) => new::new(&ui, &options),
        Task::Up(options) => up::up(&ui, &options),
        Task::System(options) => system::command(&ui, &options),
        Task::Caps(options) => caps::caps(&ui, &options),
        Task::Header(options) => header::header(&ui, &options),
        Task::Cluster(options) => cluster::command(&ui, &options),
        Task::Capture(options) => capture::command(&ui, &options),
        Task::Test(options) => test::test(&ui, &options),
        Task::Bench(options) => bench::bench(&ui, &options),
        Task::Sim { arguments } => test::simulate(&arguments),
        Task::Fuzz { arguments } => test::fuzz(&arguments),
        Task::Setup => setup::everything(&ui).map(|()| Ending::Well),
    };
    match result {
        Ok(Ending::Well) => ExitCode::SUCCESS,
        Ok(Ending::Wanting) => ExitCode::FAILURE,
        Err(error) => {
            ui.error(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
