//! The switch on its sockets: one thread that waits, reads, asks the [`Fabric`], and writes.
//!
//! It waits in one place only, `epoll`. What has arrived on a port is read at once and written at once, many frames with one system
//! call. The fabric stands behind a mutex: the thread holds it while it handles what has arrived, a test while it cuts a link.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use rustix::event::{EventfdFlags, Timespec, epoll, eventfd};

use crate::address::PortId;
use crate::fabric::{Counters, Delivery, Fabric, LinkState, Sighting, Verdict};
use crate::faults::Faults;
use crate::framing::StreamDecoder;
use crate::pcap::PcapWriter;
use crate::port::{Attachment, Flushed, Input, Intake, Output, Watch};

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
struct Shared {
    state: Mutex<State>,
    /// Makes the thread look at `State::orders`.
    wake: OwnedFd,
}

#[derive(Debug)]
struct State {
    fabric: Fabric,
    orders: VecDeque<Order>,
    plugged: Vec<bool>,
}

/// What the thread is to do, beyond what the state of the fabric says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    ReleaseHeld,
    Stop,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
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

/// The capture file.
struct Capture {
    path: PathBuf,
    writer: PcapWriter<BufWriter<File>>,
    unflushed: bool,
}

impl Capture {
    fn create(path: PathBuf) -> Result<Self, SwitchError> {
        match File::create(&path).and_then(|file| PcapWriter::new(BufWriter::new(file))) {
            Ok(writer) => Ok(Self {
                path,
                writer,
                unflushed: true,
            }),
            Err(error) => Err(SwitchError::Capture { path, error }),
        }
    }

    fn check(&self, result: io::Result<()>) -> Result<(), SwitchError> {
        result.map_err(|error| SwitchError::Capture {
            path: self.path.clone(),
            error,
        })
    }

    fn flush(&mut self) -> Result<(), SwitchError> {
        self.unflushed = false;
        let result = self.writer.flush();
        self.check(result)
    }
}

/// What an event of `epoll` is about, packed into its 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    /// The owner has given an order.
    Wake,
    /// A machine has come.
    Listener(usize),
    /// A machine's socket is readable or writable.
    Machine(usize),
}

impl Token {
    const KIND_BITS: u32 = 2;

    fn pack(self) -> epoll::EventData {
        let (kind, port) = match self {
            Self::Wake => (0, 0),
            Self::Listener(port) => (1, port),
            Self::Machine(port) => (2, port),
        };
        epoll::EventData::new_u64((port as u64) << Self::KIND_BITS | kind)
    }

    fn unpack(data: epoll::EventData) -> Self {
        let port = (data.u64() >> Self::KIND_BITS) as usize;
        match data.u64() & ((1 << Self::KIND_BITS) - 1) {
            0 => Self::Wake,
            1 => Self::Listener(port),
            _ => Self::Machine(port),
        }
    }
}

/// The thread's own things.
struct Worker {
    shared: Arc<Shared>,
    epoll: OwnedFd,
    inputs: Vec<Input>,
    outputs: Vec<Output>,
    /// What `epoll` was last told about each output.
    watches: Vec<Watch>,
    capture: Option<Capture>,
    started: Instant,
    started_at: Duration,
}

/// A capture is put on the disk when nothing has happened for so long.
const CAPTURE_FLUSH_AFTER: Duration = Duration::from_millis(100);

impl Worker {
    fn new(
        shared: Arc<Shared>,
        inputs: Vec<Input>,
        outputs: Vec<Output>,
        capture: Option<Capture>,
    ) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(
            &epoll,
            &shared.wake,
            Token::Wake.pack(),
            epoll::EventFlags::IN,
        )?;
        for (port, input) in inputs.iter().enumerate() {
            match input {
                Input::Stream { listener, .. } => epoll::add(
                    &epoll,
                    listener,
                    Token::Listener(port).pack(),
                    epoll::EventFlags::IN,
                )?,
                Input::Dgram { socket, .. } => epoll::add(
                    &epoll,
                    socket,
                    Token::Machine(port).pack(),
                    epoll::EventFlags::IN,
                )?,
            }
        }
        let started_at = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        for (port, output) in outputs.iter().enumerate() {
            if let Some(socket) = output.socket() {
                epoll::add(
                    &epoll,
                    socket,
                    Token::Machine(port).pack(),
                    output.interest(Watch::Input),
                )?;
            }
        }
        let watches = vec![Watch::Input; outputs.len()];
        Ok(Self {
            shared,
            epoll,
            inputs,
            outputs,
            watches,
            capture,
            started: Instant::now(),
            started_at,
        })
    }

    fn run(mut self) -> Result<(), SwitchError> {
        let mut events = Vec::with_capacity(64);
        loop {
            let due = self.shared.lock().fabric.next_due();
            let timeout = due.map(|due| due.saturating_sub(self.started.elapsed()));
            let unflushed = self
                .capture
                .as_ref()
                .is_some_and(|capture| capture.unflushed);
            let timeout = timeout
                .into_iter()
                .chain(unflushed.then_some(CAPTURE_FLUSH_AFTER))
                .min();
            events.clear();
            match epoll::wait(
                &self.epoll,
                rustix::buffer::spare_capacity(&mut events),
                timeout.map(timespec).as_ref(),
            ) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(SwitchError::System(error.into())),
            }
            if events.is_empty()
                && let Some(capture) = &mut self.capture
            {
                capture.flush()?;
            }
            for event in &events {
                self.handle(Token::unpack(event.data))?;
            }
            if self.poll_fabric()? == Some(Order::Stop) {
                return self.capture.as_mut().map_or(Ok(()), Capture::flush);
            }
            self.flush_all()?;
        }
    }

    fn handle(&mut self, token: Token) -> Result<(), SwitchError> {
        match token {
            Token::Wake => {
                let mut count = [0; 8];
                // Nothing there means that another event has taken it.
                let _ = rustix::io::read(&self.shared.wake, &mut count);
                Ok(())
            }
            Token::Listener(port) => Ok(self.accept(port)?),
            Token::Machine(port) => {
                if self.read(port)? == Intake::Closed {
                    self.unplug(port);
                }
                self.flush_all()
            }
        }
    }

    /// A machine has come: it takes the place of one that was there.
    fn accept(&mut self, port: usize) -> io::Result<()> {
        let Input::Stream { listener, machine } = &mut self.inputs[port] else {
            return Ok(());
        };
        let Ok((socket, _)) = listener.accept() else {
            return Ok(());
        }; // gone again
        socket.set_nonblocking(true)?;
        if let Some((old, _)) = machine.take() {
            epoll::delete(&self.epoll, &old)?;
        }
        let socket = Arc::new(socket);
        epoll::add(
            &self.epoll,
            &socket,
            Token::Machine(port).pack(),
            epoll::EventFlags::IN,
        )?;
        *machine = Some((Arc::clone(&socket), StreamDecoder::new()));
        self.watches[port] = Watch::Input;
        self.outputs[port].plug(socket);
        self.shared.lock().plugged[port] = true;
        Ok(())
    }

    fn unplug(&mut self, port: usize) {
        if let Input::Stream { machine, .. } = &mut self.inputs[port]
            && let Some((socket, _)) = machine.take()
        {
            // It fails only for a descriptor that is not there, and then it is what we want.
            let _ = epoll::delete(&self.epoll, &socket);
            self.outputs[port].unplug();
            self.shared.lock().plugged[port] = false;
        }
    }

    /// Reads a port and gives what came to the fabric.
    fn read(&mut self, port: usize) -> Result<Intake, SwitchError> {
        let Self {
            shared,
            inputs,
            outputs,
            capture,
            started,
            started_at,
            ..
        } = self;
        let now = started.elapsed();
        // A port's number fits: `Switch::start` has counted them.
        let from = PortId(port as u8);
        let mut state = shared.lock();
        let mut recorded = Ok(());
        let intake = inputs[port].read(|frame| {
            if let Some(capture) = capture {
                capture.unflushed = true;
                let result = capture.writer.frame(*started_at + now, frame);
                recorded = std::mem::replace(&mut recorded, Ok(())).and(capture.check(result));
            }
            state.fabric.receive(now, from, frame, &mut outlet(outputs));
        });
        recorded.map(|()| intake)
    }

    /// Sends what is due, and does what the owner has ordered.
    fn poll_fabric(&mut self) -> Result<Option<Order>, SwitchError> {
        let now = self.started.elapsed();
        let mut state = self.shared.lock();
        state.fabric.poll(now, &mut outlet(&mut self.outputs));
        while let Some(order) = state.orders.pop_front() {
            match order {
                Order::ReleaseHeld => state
                    .fabric
                    .release_held(now, &mut outlet(&mut self.outputs)),
                Order::Stop => return Ok(Some(Order::Stop)),
            }
        }
        Ok(None)
    }

    /// Writes to the machines what waits for them, and asks to be told when a full one takes more.
    fn flush_all(&mut self) -> Result<(), SwitchError> {
        for (port, output) in self
            .outputs
            .iter_mut()
            .enumerate()
            .filter(|(_, output)| !output.is_empty())
        {
            let wanted = match output.flush() {
                Flushed::All => Watch::Input,
                Flushed::Blocked => Watch::InputAndRoom,
                Flushed::Closed => continue, // reading will find the same, and unplug
            };
            if wanted == self.watches[port] {
                continue;
            }
            self.watches[port] = wanted;
            if let Some(socket) = output.socket() {
                epoll::modify(
                    &self.epoll,
                    socket,
                    Token::Machine(port).pack(),
                    output.interest(wanted),
                )
                .map_err(io::Error::from)?;
            }
        }
        Ok(())
    }
}

/// The way from the fabric to the machines' queues.
fn outlet(outputs: &mut [Output]) -> impl FnMut(PortId, &[u8]) -> Delivery {
    |to, frame| {
        outputs
            .get_mut(to.index())
            .map_or(Delivery::Unplugged, |output| output.push(frame))
    }
}

fn timespec(duration: Duration) -> Timespec {
    // The fabric's delays are short, so the conversion never fails; waking at once would only be a wasted round.
    Timespec::try_from(duration).unwrap_or_default()
}
