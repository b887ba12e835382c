//! The switch as a program, for machines that are started by hand. See `docs/switch.md`.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Weak};
use std::time::Duration;

use clap::Parser;
use qemu_switch::commands::GRAMMAR;
use qemu_switch::{Attachment, Bandwidth, Config, Delay, Faults, Rate, Script, Switch};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Joins QEMU machines by a virtual Ethernet switch. Start it before the machines; it ends at Ctrl-C and says what it saw.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "\
Example:
  qemu-switch --port stream:/tmp/1.sock --port stream:/tmp/2.sock --drop 5 --pcap wire.pcap
  qemu-system-x86_64 ... -netdev stream,id=n0,server=off,addr.type=unix,addr.path=/tmp/1.sock"
)]
struct Options {
    /// A machine's port: stream:PATH (the switch listens at PATH), or dgram:LOCAL,REMOTE. Once for each machine.
    #[arg(long = "port", value_name = "PORT", required = true)]
    ports: Vec<Attachment>,
    /// Where all chance comes from: the same seed and the same frames suffer the same faults.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Frames that are lost, in percent.
    #[arg(long, value_name = "PERCENT", default_value = "0")]
    drop: Rate,
    /// Frames that arrive twice, in percent.
    #[arg(long, value_name = "PERCENT", default_value = "0")]
    duplicate: Rate,
    /// Frames that are overtaken, in percent.
    #[arg(long, value_name = "PERCENT", default_value = "0")]
    reorder: Rate,
    /// Frames in which a bit is turned, in percent.
    #[arg(long, value_name = "PERCENT", default_value = "0")]
    corrupt: Rate,
    /// Every frame travels at least so long, in microseconds.
    #[arg(long, value_name = "US", default_value_t = 0)]
    delay: u64,
    /// And up to so much longer, by chance, in microseconds.
    #[arg(long, value_name = "US", default_value_t = 0)]
    jitter: u64,
    /// How much passes on each direction in a second: 10Mbit/s, 500kbit/s, off.
    #[arg(long, value_name = "RATE", default_value = "off")]
    bandwidth: Bandwidth,
    /// What is to happen to the network, and when, in lines like `2s cut 1-2`.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Record each frame that enters, for Wireshark.
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
}

impl Options {
    fn script(&self) -> Result<Script, Box<dyn std::error::Error>> {
        let Some(file) = &self.script else {
            return Ok(Script::default());
        };
        let name = file.display();
        let text = std::fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?;
        Ok(text.parse().map_err(|error| format!("{name}, {error}"))?)
    }

    fn config(self) -> Config {
        let least = Duration::from_micros(self.delay);
        let delay = Delay {
            least,
            most: least + Duration::from_micros(self.jitter),
        };
        let Self {
            drop,
            duplicate,
            reorder,
            corrupt,
            bandwidth,
            ..
        } = self;
        let faults = Faults {
            drop,
            duplicate,
            reorder,
            corrupt,
            delay,
            bandwidth,
            ..Faults::NONE
        };
        Config {
            ports: self.ports,
            seed: self.seed,
            faults,
            pcap: self.pcap,
        }
    }
}

fn run(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    // Before the sockets are made, so that no signal leaves them behind.
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let script = options.script()?;
    let switch = Arc::new(Switch::start(options.config())?);
    switch.play(script)?;
    eprintln!("switching until Ctrl-C; `help` lists what may be typed");
    let typed = Arc::downgrade(&switch);
    // It waits for a line for ever, so it ends with the program.
    std::thread::spawn(move || obey(&typed));
    signals.forever().next();
    eprintln!("{}", switch.counters());
    // Somebody is in the middle of a command: dropping it ends it too.
    Arc::into_inner(switch).map_or(Ok(()), |switch| Ok(switch.stop()?))
}

/// Does what is typed.
fn obey(switch: &Weak<Switch>) {
    for line in std::io::stdin().lines().map_while(Result::ok) {
        let Some(switch) = switch.upgrade() else {
            return;
        };
        match line.trim() {
            "" => {}
            "help" => eprintln!("{GRAMMAR}\nshow: what became of the frames so far"),
            "show" => eprintln!("{}", switch.counters()),
            line => {
                let told = line.parse().and_then(|command| switch.apply(&command));
                if let Err(error) = told {
                    eprintln!("{error}");
                }
            }
        }
    }
}

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("qemu-switch: {error}");
            ExitCode::FAILURE
        }
    }
}
