//! The switch on its sockets: one thread that waits, reads, asks the [`Fabric`], and writes.
//!
//! It waits in one place only, `epoll`. What has arrived on a port is read at once and written at once, many frames with one system
//! call. The fabric stands behind a mutex: the thread holds it while it handles what has arrived, a test while it cuts a link.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rustix::event::{EventfdFlags, eventfd};

use crate::address::PortId;
use crate::capture::Capture;
use crate::commands::{Command, CommandError};
use crate::counters::Counters;
use crate::fabric::{Fabric, LinkState, Sighting, Verdict};
use crate::faults::Faults;
use crate::port::{Attachment, Input, Output};
use crate::script::Script;
use crate::worker::Worker;

/// What a switch is made of.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// One for each machine.
    pub ports: Vec<Attachment>,
    /// Where all chance comes from.
    pub seed: u64,
    /// What each link does at first.
    pub faults: Faults,
    /// Where each frame that enters is recorded.
    pub pcap: Option<PathBuf>,
}

/// Why there is no switch.
#[derive(Debug, thiserror::Error)]
pub enum SwitchError {
    /// More ports than a [`PortId`] can count.
    #[error("a switch has at most 255 ports, {0} were asked for")]
    TooManyPorts(usize),
    /// A port's socket cannot be made.
    #[error("the switch cannot listen at {path}: {error}")]
    Socket {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The capture file cannot be written.
    #[error("the capture {path} cannot be written: {error}")]
    Capture {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The system gave no file descriptor or no thread.
    #[error("the switch cannot start: {0}")]
    System(#[from] io::Error),
    /// The switch's thread is gone because the observer panicked.
    #[error("the switch stopped because its observer panicked")]
    ObserverPanicked,
}

/// What the thread and its owner share.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Makes the thread look at `State::orders`.
    pub(crate) wake: OwnedFd,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) fabric: Fabric,
    pub(crate) orders: VecDeque<Order>,
    /// What is to happen, by the time since the switch started.
    pub(crate) script: Script,
    pub(crate) plugged: Vec<bool>,
}

/// What the thread is to do, beyond what the state of the fabric says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    ReleaseHeld,
    /// A script begins now.
    Play(Script),
    Stop,
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // The counters and the sockets' paths are sound after a panic of the observer; `Switch::stop` reports it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn order(&self, order: Order) {
        self.lock().orders.push_back(order);
        // Fails only if the counter is at its maximum, and then the thread is awake already.
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }
}

/// A running switch. It ends, and its sockets with it, when dropped.
#[derive(Debug)]
pub struct Switch {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Result<(), SwitchError>>>,
    sockets: Vec<PathBuf>,
}

impl Switch {
    /// Makes the sockets and starts to switch. When this returns, machines may be started.
    ///
    /// # Errors
    /// [`SwitchError`], with nothing left behind.
    pub fn start(config: Config) -> Result<Self, SwitchError> {
        let count = u8::try_from(config.ports.len())
            .map_err(|_| SwitchError::TooManyPorts(config.ports.len()))?;
        let mut sockets = SocketFiles(Vec::new());
        let mut inputs = Vec::new();
        let mut outputs = Vec::new();
        for port in &config.ports {
            let path = port.own_socket().to_owned();
            inputs.push(Input::open(port).map_err(|error| SwitchError::Socket {
                path: path.clone(),
                error,
            })?);
            sockets.0.push(path);
            outputs.push(Output::new(port)?);
        }
        let capture = config.pcap.map(Capture::create).transpose()?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                fabric: Fabric::new(count, config.seed, config.faults),
                orders: VecDeque::new(),
                script: Script::default(),
                plugged: vec![false; config.ports.len()],
            }),
            wake: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
                .map_err(io::Error::from)?,
        });
        let worker = Worker::new(Arc::clone(&shared), inputs, outputs, capture)?;
        let thread = std::thread::Builder::new()
            .name("switch".into())
            .spawn(move || worker.run())?;
        Ok(Self {
            shared,
            thread: Some(thread),
            sockets: std::mem::take(&mut sockets.0),
        })
    }

    /// Cuts the link between two ports, both ways.
    pub fn cut(&self, a: PortId, b: PortId) {
        self.set_both(a, b, LinkState::Cut);
    }

    /// Mends the link between two ports, both ways.
    pub fn mend(&self, a: PortId, b: PortId) {
        self.set_both(a, b, LinkState::Whole);
    }

    fn set_both(&self, a: PortId, b: PortId, state: LinkState) {
        let mut shared = self.shared.lock();
        shared.fabric.set_link(a, b, state);
        shared.fabric.set_link(b, a, state);
    }

    /// Cuts or mends one direction.
    pub fn set_link(&self, from: PortId, to: PortId, state: LinkState) {
        self.shared.lock().fabric.set_link(from, to, state);
    }

    /// Changes the faults of one direction.
    pub fn set_faults(&self, from: PortId, to: PortId, faults: Faults) {
        self.shared.lock().fabric.set_faults(from, to, faults);
    }

    /// Changes the faults of all links.
    pub fn set_all_faults(&self, faults: Faults) {
        self.shared.lock().fabric.set_all_faults(faults);
    }

    /// Does what a command says, at once.
    ///
    /// # Errors
    /// If it names a machine that is not there.
    pub fn apply(&self, command: &Command) -> Result<(), CommandError> {
        self.shared.lock().fabric.apply(command)
    }

    /// Does what a script says, beginning now. What an earlier script has left to do stays.
    ///
    /// # Errors
    /// If it names a machine that is not there; nothing of it is done then.
    pub fn play(&self, script: Script) -> Result<(), CommandError> {
        script.check(self.shared.lock().plugged.len() as u8)?;
        self.shared.order(Order::Play(script));
        Ok(())
    }

    /// Has `observer` asked about each frame from now on. It runs in the switch's thread: it must not wait, nor call this switch.
    pub fn observe(&self, observer: impl FnMut(&Sighting<'_>) -> Verdict + Send + 'static) {
        self.shared
            .lock()
            .fabric
            .set_observer(Some(Box::new(observer)));
    }

    /// Asks nobody any more.
    pub fn stop_observing(&self) {
        self.shared.lock().fabric.set_observer(None);
    }

    /// How many frames the observer holds.
    #[must_use]
    pub fn held(&self) -> usize {
        self.shared.lock().fabric.held()
    }

    /// Sends the held frames on.
    pub fn release_held(&self) {
        self.shared.order(Order::ReleaseHeld);
    }

    /// Loses the held frames.
    pub fn discard_held(&self) {
        self.shared.lock().fabric.discard_held();
    }

    /// What became of the frames so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.lock().fabric.counters()
    }

    /// Whether a machine is at a stream port. A datagram port cannot know.
    #[must_use]
    pub fn is_plugged(&self, port: PortId) -> bool {
        self.shared
            .lock()
            .plugged
            .get(port.index())
            .copied()
            .unwrap_or(false)
    }

    /// Ends the switch and says how it went.
    ///
    /// # Errors
    /// What ended its thread early, if something did.
    pub fn stop(mut self) -> Result<(), SwitchError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), SwitchError> {
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        self.shared.order(Order::Stop);
        let result = thread.join().unwrap_or(Err(SwitchError::ObserverPanicked));
        drop(SocketFiles(std::mem::take(&mut self.sockets)));
        result
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        // Whoever wants to know calls `stop`.
        let _ = self.end();
    }
}

/// Socket files that are removed when dropped.
struct SocketFiles(Vec<PathBuf>);

impl Drop for SocketFiles {
    fn drop(&mut self) {
        for path in &self.0 {
            // Somebody may have removed it already.
            let _ = std::fs::remove_file(path);
        }
    }
}
