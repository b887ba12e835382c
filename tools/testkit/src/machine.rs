//! One machine of a cluster.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{ChildStdin, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use isthmus_process::Isolated;
use qemu_machines::{Arch, Machine as Definition, SEED_BYTES};
use rustix::process::Signal;

use crate::agent::{Agent, Turns};
use crate::component::Component;
use crate::console::{ConsoleLine, Said};
use crate::failure::Failure;
use crate::keys;
use crate::logs::{LogDecoder, Programs};
use crate::monitor;
use crate::pattern::Pattern;
use crate::transcript::{Transcript, Waited};
use crate::words::{Word, understand};

/// A machine: a QEMU process that can be killed and started again.
#[derive(Debug)]
pub struct Machine {
    definition: Definition,
    /// Where QEMU takes commands.
    monitor: Option<PathBuf>,
    programs: Arc<Programs>,
    transcript: Arc<Transcript>,
    running: Arc<Mutex<Running>>,
    /// How often it was started.
    boot: AtomicU32,
    agent: Turns,
}

/// What belongs to one boot.
#[derive(Debug, Default)]
struct Running {
    process: Option<Isolated>,
    input: Option<ChildStdin>,
    started: Option<Instant>,
    /// Readers of the two pipes that have not come to their end.
    open_pipes: usize,
}

/// Kills or stops a machine from anywhere, for example from an observer of the switch.
#[derive(Clone, Debug)]
pub struct Killer {
    node: u8,
    running: Arc<Mutex<Running>>,
}

impl Killer {
    /// Kills the machine now; nothing if it is not running. As when the power goes: nothing is written any more.
    pub fn kill(&self) {
        if let Some(process) = &mut lock(&self.running).process {
            process.kill();
        }
    }

    /// Stops it in mid-instruction, as [`Machine::pause`] does, which has the word about it in the transcript.
    pub fn pause(&self) {
        if let Some(process) = &mut lock(&self.running).process {
            process.signal(Signal::STOP);
        }
    }

    /// The machine that it kills, from 1.
    #[must_use]
    pub fn node(&self) -> u8 {
        self.node
    }
}

fn lock(running: &Mutex<Running>) -> MutexGuard<'_, Running> {
    // A panic elsewhere leaves a process that can still be killed.
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Machine {
    /// A machine on a busy host takes seconds to boot; one that takes so long does not come.
    pub const BOOT_LIMIT: Duration = Duration::from_secs(60);

    pub(crate) fn new(
        definition: Definition,
        monitor: Option<PathBuf>,
        programs: Arc<Programs>,
        transcript: Arc<Transcript>,
    ) -> Self {
        Self {
            definition,
            monitor,
            programs,
            transcript,
            running: Arc::default(),
            boot: AtomicU32::new(0),
            agent: Turns::default(),
        }
    }

    /// From 1.
    #[must_use]
    pub fn node(&self) -> u8 {
        self.definition.node.id()
    }

    /// Its architecture.
    #[must_use]
    pub fn arch(&self) -> Arch {
        self.definition.image.arch()
    }

    /// What QEMU was told.
    #[must_use]
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// The machine with a seed of this boot's own: its programs must not draw the numbers of the last one.
    fn definition_of_this_boot(&self) -> Result<Definition, Failure> {
        Ok(Definition {
            seed: Some(keys::draw::<SEED_BYTES>()?),
            ..self.definition.clone()
        })
    }

    /// Starts it.
    ///
    /// # Errors
    /// If QEMU is not installed, or the machine is running.
    pub fn start(&self) -> Result<(), Failure> {
        let mut running = lock(&self.running);
        if running
            .process
            .as_mut()
            .is_some_and(|process| process.try_wait().is_none())
        {
            return Err(self.failure(format!("machine {} is running already", self.node())));
        }
        let boot = self.boot.fetch_add(1, Ordering::Relaxed) + 1;
        let line = self.definition_of_this_boot()?.command_line();
        self.transcript
            .push(self.node(), boot, Said::Harness(format!("started: {line}")));
        let spawned = Isolated::spawn(line.command(), |command| {
            command
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
        });
        let mut process = spawned.map_err(|error| self.not_started(&error))?;
        let child = process.child();
        let input = child.stdin.take();
        let output = child
            .stdout
            .take()
            .ok_or_else(|| self.failure("QEMU has no standard output"))?;
        let errors = child
            .stderr
            .take()
            .ok_or_else(|| self.failure("QEMU has no standard error"))?;
        let mut decoder = LogDecoder::new(Arc::clone(&self.programs));
        self.listen(boot, output, move |line| decoder.line(line));
        self.listen(boot, errors, |line| vec![Said::Emulator(line.to_owned())]);
        *running = Running {
            process: Some(process),
            input,
            started: Some(Instant::now()),
            open_pipes: 2,
        };
        Ok(())
    }

    fn not_started(&self, error: &std::io::Error) -> Failure {
        let program = self.arch().emulator();
        if error.kind() == std::io::ErrorKind::NotFound {
            let package = match self.arch() {
                Arch::X86_64 => "qemu-system-x86",
                Arch::Aarch64 => "qemu-system-arm",
            };
            Failure::new(format!(
                "{program} is not installed: `apt-get install {package}` brings it"
            ))
        } else {
            Failure::new(format!("{program} cannot be started: {error}"))
        }
    }

    /// Reads a pipe to its end, in a thread of its own.
    fn listen(
        &self,
        boot: u32,
        pipe: impl Read + Send + 'static,
        mut decode: impl FnMut(&str) -> Vec<Said> + Send + 'static,
    ) {
        let node = self.node();
        let transcript = Arc::clone(&self.transcript);
        let running = Arc::clone(&self.running);
        std::thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            // The emulator's end of the pipe only fails by ending.
            while pipe
                .read_until(b'\n', &mut line)
                .is_ok_and(|count| count > 0)
            {
                let text = String::from_utf8_lossy(&line);
                let text = text.trim_end_matches(['\r', '\n']);
                if !text.is_empty() {
                    decode(text)
                        .into_iter()
                        .for_each(|said| transcript.push(node, boot, said));
                }
                line.clear();
            }
            let ended = {
                let mut running = lock(&running);
                running.open_pipes -= 1;
                (running.open_pipes == 0).then(|| {
                    running
                        .process
                        .as_mut()
                        .and_then(|process| process.wait().ok())
                })
            };
            match ended.flatten() {
                Some(status) => {
                    transcript.push(node, boot, Said::Harness(format!("ended: {status}")))
                }
                None => transcript.nudge(),
            }
        });
    }

    /// Whether it is running, or paused.
    #[must_use]
    pub fn is_running(&self) -> bool {
        lock(&self.running).open_pipes > 0
    }

    /// Kills it, as when the power goes, and waits until everything that it had said has been heard.
    pub fn kill(&self) {
        self.killer().kill();
        // The pipes end with the process; the readers then have a line or two left.
        self.transcript
            .wait(Duration::from_secs(10), |_| false, || !self.is_running());
    }

    /// Something that kills it, to be handed to an observer.
    #[must_use]
    pub fn killer(&self) -> Killer {
        Killer {
            node: self.node(),
            running: Arc::clone(&self.running),
        }
    }

    /// Kills it if it runs, and starts it again.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn restart(&self) -> Result<(), Failure> {
        self.kill();
        self.start()
    }

    /// Stops it in mid-instruction, until [`Self::resume`]. Time goes on without it.
    pub fn pause(&self) {
        self.signal(Signal::STOP, "paused");
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal(Signal::CONT, "resumed");
    }

    fn signal(&self, signal: Signal, what: &str) {
        if let Some(process) = &mut lock(&self.running).process {
            process.signal(signal);
        }
        self.transcript
            .push(self.node(), self.boots(), Said::Harness(what.to_owned()));
    }

    /// Types into its console.
    ///
    /// # Errors
    /// If it is not running.
    pub fn input(&self, bytes: &[u8]) -> Result<(), Failure> {
        let written = match &mut lock(&self.running).input {
            Some(input) => input.write_all(bytes).and_then(|()| input.flush()),
            None => Err(std::io::ErrorKind::NotConnected.into()),
        };
        written.map_err(|error| {
            self.failure(format!("machine {} takes no input: {error}", self.node()))
        })
    }

    /// Has QEMU obey a command of its monitor (`log`, `logfile`, `info ...`), and gives what it answers. The cluster must have been started
    /// [`monitored`](crate::ClusterBuilder::monitored).
    ///
    /// # Errors
    /// If it has no monitor, does not run, or does not answer within ten seconds.
    pub fn monitor(&self, command: &str) -> Result<String, Failure> {
        let Some(socket) = &self.monitor else {
            return Err(self.failure(format!(
                "machine {} was started without a monitor",
                self.node()
            )));
        };
        monitor::obey(socket, command).map_err(|error| {
            let node = self.node();
            self.failure(format!(
                "machine {node}: QEMU does not obey `{command}`: {error}"
            ))
        })
    }

    /// How often it has been started.
    #[must_use]
    pub fn boots(&self) -> u32 {
        self.boot.load(Ordering::Relaxed)
    }

    /// When it was last started.
    #[must_use]
    pub fn started(&self) -> Option<Instant> {
        lock(&self.running).started
    }

    /// How much of the host's processors it has used since it was last started; `None` if it does not run or the host does not say.
    #[must_use]
    pub fn processor_time(&self) -> Option<Duration> {
        let id = lock(&self.running).process.as_mut()?.child().id();
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        processor_time(&stat, rustix::param::clock_ticks_per_second())
    }

    /// What it has said since it was last started.
    #[must_use]
    pub fn lines(&self) -> Vec<ConsoleLine> {
        let (node, boot) = (self.node(), self.boots());
        self.transcript
            .lines(|line| line.node == node && line.boot == boot)
    }

    /// Waits until it says something that fits, or has since it was last started.
    ///
    /// # Errors
    /// When `timeout` is over or the machine has ended, with all consoles.
    pub fn wait_for(&self, pattern: &Pattern, timeout: Duration) -> Result<ConsoleLine, Failure> {
        self.wait_for_line(&pattern.to_string(), timeout, |said| pattern.matches(said))
    }

    /// Waits until it says something that `wanted` picks; `what` says in words what that is.
    ///
    /// # Errors
    /// When `timeout` is over or the machine has ended, with all consoles.
    pub fn wait_for_line(
        &self,
        what: &str,
        timeout: Duration,
        wanted: impl Fn(&Said) -> bool,
    ) -> Result<ConsoleLine, Failure> {
        let (node, boot) = (self.node(), self.boots());
        let fits =
            |line: &ConsoleLine| line.node == node && line.boot == boot && wanted(&line.said);
        match self.transcript.wait(timeout, fits, || !self.is_running()) {
            Waited::Found(line) => Ok(line),
            Waited::TimedOut => Err(self.failure(format!(
                "machine {node} ({}): waited {:.1} s for {what}, in vain",
                self.arch(),
                timeout.as_secs_f64()
            ))),
            Waited::Hopeless => Err(self.failure(format!(
                "machine {node} ({}) has ended; waited for {what}",
                self.arch()
            ))),
        }
    }

    /// Waits until its root task has started all components.
    ///
    /// # Errors
    /// When that takes longer than [`Self::BOOT_LIMIT`], or the root task says that it cannot.
    pub fn wait_until_up(&self) -> Result<ConsoleLine, Failure> {
        let wanted = |said: &_| {
            matches!(
                understand(said),
                Some(Word::AllStarted | Word::CannotStart(_))
            )
        };
        let line = self.wait_for_line(
            "its root task to start all components",
            Self::BOOT_LIMIT,
            wanted,
        )?;
        match understand(&line.said) {
            Some(Word::CannotStart(reason)) => {
                Err(self.failure(format!("machine {} cannot start: {reason}", self.node())))
            }
            _ => Ok(line),
        }
    }

    /// Waits until a component on it judges the demonstration, and returns its summary.
    ///
    /// # Errors
    /// When that takes longer than `timeout`, the answers were wrong, or a component died.
    pub fn wait_until_right(&self, timeout: Duration) -> Result<String, Failure> {
        let wanted = |said: &_| {
            matches!(
                understand(said),
                Some(Word::Right(_) | Word::Wrong(_) | Word::Died(_))
            )
        };
        let line = self.wait_for_line("a component to judge the answers", timeout, wanted)?;
        match understand(&line.said) {
            Some(Word::Right(summary)) => Ok(summary),
            Some(Word::Wrong(reason)) => {
                Err(self.failure(format!("the answers were wrong: {reason}")))
            }
            Some(Word::Died(who)) => Err(self.failure(format!("a component died: {who}"))),
            _ => Err(self.failure("a line was found that nobody had looked for")),
        }
    }

    /// What makes calls on it for this test, in a system that was built with agents ([`Cluster::build_with_agents`](crate::Cluster::build_with_agents)). To be asked for again after a
    /// restart.
    ///
    /// # Errors
    /// If there is none, or it does not begin to listen within [`Self::BOOT_LIMIT`].
    pub fn agent(&self) -> Result<Agent<'_>, Failure> {
        Agent::of(self, &self.agent)
    }

    /// A component that its scheduler has started, or could: to be killed, stopped, started again. The system must have been built with agents.
    ///
    /// # Errors
    /// If there is no such component, no agent, or no scheduler.
    pub fn component(&self, name: &str) -> Result<Component<'_>, Failure> {
        Component::of(self, name)
    }

    /// A failure that carries what all machines said.
    pub fn failure(&self, what: impl Into<String>) -> Failure {
        Failure::new(what).with_transcript(self.transcript.text())
    }
}

/// The user's and the system's time from a line of `/proc/PID/stat`, fields 14 and 15 (proc_pid_stat(5)). The second field, in brackets, may hold anything.
fn processor_time(stat: &str, ticks_per_second: u64) -> Option<Duration> {
    const USER_AFTER_NAME: usize = 14 - 3;
    let (_, rest) = stat.rsplit_once(')')?;
    let mut times = rest.split_whitespace().skip(USER_AFTER_NAME);
    let user: u64 = times.next()?.parse().ok()?;
    let system: u64 = times.next()?.parse().ok()?;
    Some(Duration::from_millis(
        (user + system) * 1000 / ticks_per_second.max(1),
    ))
}

impl Drop for Machine {
    fn drop(&mut self) {
        // The threads that read its pipes hold the process too, and end with it.
        self.killer().kill();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_times_are_counted_whatever_the_program_is_called() {
        let stat = "7 (a) 1 (b) S 1 7 7 0 -1 4194560 1 2 3 4 250 50 0 0 20 0 3 0 9 1 2";
        assert_eq!(processor_time(stat, 100), Some(Duration::from_secs(3)));
        assert_eq!(processor_time("7 (a) S 1", 100), None);
    }
}
