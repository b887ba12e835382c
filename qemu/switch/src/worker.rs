//! The switch's thread: it waits in one place only, `epoll`; reads what has come, asks the fabric, writes what leaves.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rustix::event::{Timespec, epoll};

use crate::address::PortId;
use crate::capture::Capture;
use crate::fabric::Delivery;
use crate::framing::StreamDecoder;
use crate::port::{Flushed, Input, Intake, Output, Watch};
use crate::shell::{Order, Shared, SwitchError};

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
pub(crate) struct Worker {
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
    pub(crate) fn new(
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

    pub(crate) fn run(mut self) -> Result<(), SwitchError> {
        let mut events = Vec::with_capacity(64);
        loop {
            let due = {
                let state = self.shared.lock();
                let (frames, script) = (state.fabric.next_due(), state.script.next_due());
                frames.into_iter().chain(script).min()
            };
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
        while let Some(command) = state.script.take_due(now) {
            // It was checked when the script came.
            let _ = state.fabric.apply(&command);
        }
        state.fabric.poll(now, &mut outlet(&mut self.outputs));
        while let Some(order) = state.orders.pop_front() {
            match order {
                Order::ReleaseHeld => state
                    .fabric
                    .release_held(now, &mut outlet(&mut self.outputs)),
                Order::Play(script) => state.script.append(now, script),
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
