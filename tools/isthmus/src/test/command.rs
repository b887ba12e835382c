//! The command itself, as its user has it: images that plain QEMU boots, machines that a Ctrl-C ends, errors that say what to do.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use isthmus_testkit::{Arch, Isolated, Signal};
use tempfile::TempDir;

use crate::setup::ensure_machines;
use crate::test::{Context, Tally};

/// A build from nothing, on a busy host; it only bounds a hang.
const LIMIT: Duration = Duration::from_secs(900);
/// From Ctrl-C to the end: nothing is waited for.
const END_LIMIT: Duration = Duration::from_secs(30);
/// What the root task says last.
const STARTED: &str = "all components started";

type Check = fn(&Context) -> Result<()>;

const CHECKS: &[(&str, Check)] = &[
    ("errors", |_| errors()),
    ("build/x86_64", |_| built(Arch::X86_64)),
    ("build/aarch64", |_| built(Arch::Aarch64)),
    ("up", |_| up()),
    ("system", |_| system()),
    ("header", |_| header()),
    ("cluster", |_| cluster()),
];

/// One unit for each check.
pub(crate) fn checks(_: &Context) -> Result<Vec<String>> {
    Ok(CHECKS.iter().map(|(name, _)| (*name).to_owned()).collect())
}

/// Runs some of them.
pub(crate) fn run(context: &Context, names: &[String]) -> Result<Tally> {
    ensure_machines(context.ui, &Arch::ALL)?;
    let mut tally = Tally::default();
    for (name, check) in CHECKS {
        if names.iter().any(|wanted| wanted == name) {
            let result = context
                .ui
                .step(&format!("command/{name}"), |_| check(context));
            tally.add(Tally::of(&result.with_context(|| (*name).to_owned())));
        }
    }
    Ok(tally)
}

/// This command, with arguments; its temporary folder is `scratch`.
fn isthmus(arguments: &[&str], scratch: &Path) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments).env("TMPDIR", scratch);
    Ok(command)
}

/// A process whose lines are read.
struct Told {
    process: Isolated,
    lines: Receiver<String>,
    heard: Vec<String>,
}

impl Told {
    fn start(command: Command) -> Result<Self> {
        let mut process = Isolated::spawn(command, |command| {
            command.stdin(Stdio::null());
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
        })?;
        let (sender, lines) = channel();
        let child = process.child();
        let pipes: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|pipe| Box::new(pipe) as _),
            child.stderr.take().map(|pipe| Box::new(pipe) as _),
        ];
        for pipe in pipes.into_iter().flatten() {
            let sender = sender.clone();
            // Each ends with its pipe.
            std::thread::spawn(move || {
                for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                    let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
                }
            });
        }
        Ok(Self {
            process,
            lines,
            heard: Vec::new(),
        })
    }

    /// Reads until `text` was said `times` times.
    fn wait_for(&mut self, text: &str, times: usize) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        let said = |heard: &[String]| heard.iter().filter(|line| line.contains(text)).count();
        while said(&self.heard) < times {
            match self
                .lines
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(line) => self.heard.push(line),
                Err(RecvTimeoutError::Timeout) => {
                    bail!("`{text}` was not said in time:\n{}", self.transcript())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("it ended before it said `{text}`:\n{}", self.transcript())
                }
            }
        }
        Ok(())
    }

    /// Reads to the end.
    fn finish(&mut self, limit: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            match self
                .lines
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(line) => self.heard.push(line),
                Err(RecvTimeoutError::Timeout) => {
                    bail!("it did not end in time:\n{}", self.transcript())
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(self.process.wait()?),
            }
        }
    }

    fn transcript(&self) -> String {
        self.heard.join("\n")
    }
}

/// What a user may get wrong, and what the answer must name.
fn errors() -> Result<()> {
    let scratch = TempDir::new()?;
    let broken = scratch.path().join("broken.toml");
    std::fs::write(
        &broken,
        "[system]\nname = \"broken\"\n\n[[component]]\nname = \"a\"\nprogram = \"a\"\npriorty = 3\n",
    )?;
    let unknown = scratch.path().join("unknown.toml");
    std::fs::write(
        &unknown,
        "[system]\nname = \"unknown\"\n\n[[component]]\nname = \"a\"\nprogram = \"no-such-program\"\n",
    )?;
    let (broken, unknown) = (broken.to_string_lossy(), unknown.to_string_lossy());
    let out = scratch.path().join("out");
    let out = out.to_string_lossy();
    for (arguments, named) in [
        (
            &["up", "--system", "no-such-file.toml"][..],
            "no-such-file.toml",
        ),
        (&["build", "--out", &*out, "--system", &*broken][..], "7:1"),
        (
            &["build", "--out", &*out, "--system", &*unknown][..],
            "no-such-program",
        ),
        (&["build", "--out", &*broken][..], "--out takes a folder"),
        (&["test", "no-such-test"][..], "--list"),
        (&["bench", "no_such_figure"][..], "no_such_figure"),
        (&["header", "no-such"][..], "no-such-interface"),
        (&["demo", "--nodes", "0"][..], "1..=8"),
    ] {
        let mut told = Told::start(isthmus(arguments, scratch.path())?)?;
        let status = told.finish(LIMIT)?;
        let text = told.transcript();
        ensure!(
            !status.success(),
            "`{}` succeeded:\n{text}",
            arguments.join(" ")
        );
        ensure!(
            text.contains(named),
            "`{}` does not name `{named}`:\n{text}",
            arguments.join(" ")
        );
        ensure!(
            !text.contains("panicked"),
            "`{}` panicked:\n{text}",
            arguments.join(" ")
        );
    }
    Ok(())
}

/// The image boots with plain QEMU, by the script beside it.
fn built(arch: Arch) -> Result<()> {
    let scratch = TempDir::new()?;
    let out = scratch.path().join("image");
    let folder = out.to_string_lossy();
    let arguments = [
        "build",
        "--release",
        "--arch",
        arch.name(),
        "--system",
        "tests/machines/systems/timer.toml",
        "--out",
        &*folder,
    ];
    let mut build = Told::start(isthmus(&arguments, scratch.path())?)?;
    let status = build.finish(LIMIT)?;
    ensure!(
        status.success(),
        "the build failed:\n{}",
        build.transcript()
    );

    let mut script = Command::new("sh");
    script.arg(out.join("run.sh"));
    let mut machine = Told::start(script)?;
    machine.wait_for(STARTED, 1)?;
    machine.process.kill();
    Ok(())
}

/// Two machines run until Ctrl-C, and leave no process, no socket and no folder.
fn up() -> Result<()> {
    let scratch = TempDir::new()?;
    let pcap = scratch.path().join("frames.pcap");
    let arguments = ["up", "--arch", "mixed", "--pcap", &pcap.to_string_lossy()];
    let mut up = Told::start(isthmus(&arguments, scratch.path())?)?;
    up.wait_for(STARTED, 2)?;
    ensure!(
        !mentioning(scratch.path())?.is_empty(),
        "no process has its sockets in the folder for them: this check sees nothing"
    );
    up.process.signal(Signal::INT);
    let status = up.finish(END_LIMIT)?;
    ensure!(!status.success(), "interrupted, it said that all was well");
    let left: Vec<_> = std::fs::read_dir(scratch.path())?
        .filter_map(|entry| Some(entry.ok()?.file_name()))
        .collect();
    ensure!(left == ["frames.pcap"], "left behind: {left:?}");
    let processes = mentioning(scratch.path())?;
    ensure!(processes.is_empty(), "still running: {processes:?}");
    Ok(())
}

/// Descriptions are checked and drawn, without building anything.
fn system() -> Result<()> {
    let scratch = TempDir::new()?;
    let finish = |arguments: &[&str]| -> Result<(ExitStatus, String)> {
        let mut told = Told::start(isthmus(arguments, scratch.path())?)?;
        Ok((told.finish(END_LIMIT)?, told.transcript()))
    };
    let demo = "systems/demo.toml";
    let (status, text) = finish(&["system", "check", demo])?;
    ensure!(status.success() && text.contains("kv-server"), "{text}");

    let drawing = scratch.path().join("demo.svg");
    let (status, text) = finish(&["system", "graph", demo, "--out", &drawing.to_string_lossy()])?;
    ensure!(status.success(), "{text}");
    ensure!(std::fs::read_to_string(&drawing)?.starts_with("<svg"));

    // What the system's own netipc would be if it waited for naming, and a number out of range: two mistakes of which the first is said first.
    let good = std::fs::read_to_string(isthmus_build::workspace::root().join(demo))?;
    let upward = good.replace("{ interface = \"naming\", by = \"worker\" }", "\"naming\"");
    ensure!(upward != good, "the demonstration has changed");
    let bad = scratch.path().join("bad.toml");
    let bad_name = bad.to_string_lossy();
    std::fs::write(&bad, &upward)?;
    for command in ["check", "graph"] {
        let (status, text) = finish(&["system", command, &bad_name])?;
        ensure!(!status.success(), "an upward call passed: {text}");
        ensure!(
            text.contains("bad.toml:") && text.contains("calls up and waits"),
            "{text}"
        );
        ensure!(text.contains("by = \"worker\""), "no remedy: {text}");
    }
    std::fs::write(&bad, upward.replace("priority = 160", "priority = 1600"))?;
    let (status, text) = finish(&["system", "check", &bad_name])?;
    ensure!(
        !status.success() && text.contains("from 1 to 249"),
        "{text}"
    );

    let (status, text) = finish(&["caps", "2", "--nodes", "2", "--plan"])?;
    ensure!(status.success() && text.contains("demo.toml:"), "{text}");
    ensure!(
        text.contains("kv-client") && !text.contains("kv-server "),
        "{text}"
    );
    Ok(())
}

/// Headers of interfaces are C.
fn header() -> Result<()> {
    let scratch = TempDir::new()?;
    let folder = scratch.path().to_string_lossy();
    let arguments = ["header", "kv", "scheduler::process", "--out", &*folder];
    let mut told = Told::start(isthmus(&arguments, scratch.path())?)?;
    let status = told.finish(LIMIT)?;
    ensure!(status.success(), "{}", told.transcript());
    let source = scratch.path().join("both.c");
    std::fs::write(
        &source,
        "#include \"kv.h\"\n#include \"process.h\"\n\
         enum isthmus_status count(uint64_t kv, uint64_t id, uint64_t *count, uint64_t *reason) {\n\
         \treturn kv_count(kv, id, count, reason);\n}\n",
    )?;
    let mut compiler = Command::new("gcc");
    compiler.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]);
    compiler.arg(&source);
    let mut compiled = Told::start(compiler)?;
    let status = compiled.finish(LIMIT)?;
    ensure!(status.success(), "{}", compiled.transcript());
    Ok(())
}

/// A cluster file says what runs where: here the client on the first machine, and the server on the second.
fn cluster() -> Result<()> {
    let scratch = TempDir::new()?;
    let demo = isthmus_build::workspace::root().join("systems/demo.toml");
    std::fs::copy(demo, scratch.path().join("demo.toml"))?;
    let file = scratch.path().join("pair.toml");
    std::fs::write(
        &file,
        "[cluster]\nname = \"pair\"\nsystem = \"demo.toml\"\n[[machine]]\nname = \"front\"\nmemory = \"192MiB\"\narguments = \"calls=5\"\n\
         [[machine]]\nname = \"back\"\narch = \"aarch64\"\nlabels = [\"disk\"]\n\
         [on]\nkv-server = [\"disk\"]\nkv-client = [\"front\"]\n",
    )?;
    let mut up = Told::start(isthmus(
        &["up", "--cluster", &file.to_string_lossy()],
        scratch.path(),
    )?)?;
    up.wait_for("demo: ok 5 calls", 1)?;
    up.process.signal(Signal::INT);
    up.finish(END_LIMIT)?;
    let said = |node: &str, text: &str| {
        let from = format!(" {node} | ");
        up.heard
            .iter()
            .any(|line| line.contains(&from) && line.contains(text))
    };
    ensure!(
        said("1", "kv-client: priority") && said("2", "kv-server: priority"),
        "{}",
        up.transcript()
    );
    ensure!(
        !said("1", "kv-server: priority") && !said("2", "kv-client: priority"),
        "{}",
        up.transcript()
    );
    Ok(())
}

/// The processes that have `folder` in their command line.
fn mentioning(folder: &Path) -> Result<Vec<String>> {
    let folder = folder.to_string_lossy();
    let processes = std::fs::read_dir("/proc")?.filter_map(|entry| {
        let line = std::fs::read(entry.ok()?.path().join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        // This command's own child, which got the capture's name, is the one that was asked to end.
        line.contains(&*folder).then_some(line)
    });
    Ok(processes
        .filter(|line| line.contains("qemu-system"))
        .collect())
}
