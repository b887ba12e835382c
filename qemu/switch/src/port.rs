//! How a machine is attached: QEMU's `stream` or `dgram` network devices over unix sockets, and the queue of what it has not taken yet.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use rustix::event::epoll::EventFlags;

use crate::fabric::Delivery;
use crate::framing::{LENGTH_BYTES, MAX_FRAME, StreamDecoder, length_prefix};

/// Where the machine of a port is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// `-netdev stream,server=off`: the switch listens here, so it must be there before the machine. The faster one, and it loses nothing.
    Stream {
        /// The socket that the switch makes.
        listen: PathBuf,
    },
    /// `-netdev dgram`: either side may start first.
    Dgram {
        /// The socket that the switch makes; QEMU calls it `remote`.
        local: PathBuf,
        /// The socket that QEMU makes and calls `local`.
        remote: PathBuf,
    },
}

impl Attachment {
    /// The socket that the switch makes.
    #[must_use]
    pub fn own_socket(&self) -> &Path {
        match self {
            Self::Stream { listen } => listen,
            Self::Dgram { local, .. } => local,
        }
    }
}

impl fmt::Display for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream { listen } => write!(f, "stream:{}", listen.display()),
            Self::Dgram { local, remote } => {
                write!(f, "dgram:{},{}", local.display(), remote.display())
            }
        }
    }
}

impl FromStr for Attachment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(("dgram", paths)) = text.split_once(':')
            && let Some((local, remote)) = paths.split_once(',')
        {
            return Ok(Self::Dgram {
                local: local.into(),
                remote: remote.into(),
            });
        }
        match text.split_once(':') {
            Some(("stream", path)) if !path.is_empty() => Ok(Self::Stream {
                listen: path.into(),
            }),
            _ => Err(format!(
                "`{text}` is no port: write stream:PATH or dgram:LOCAL,REMOTE"
            )),
        }
    }
}

/// Where frames come from.
#[derive(Debug)]
pub(crate) enum Input {
    Stream {
        listener: UnixListener,
        machine: Option<(Arc<UnixStream>, StreamDecoder)>,
    },
    Dgram {
        socket: UnixDatagram,
        buffer: Vec<u8>,
    },
}

/// What a round of reading came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Intake {
    /// There may be more later.
    Open,
    /// The machine is gone, or speaks something else.
    Closed,
}

/// At most so many reads before the other ports have their turn.
const READS_PER_TURN: usize = 8;

impl Input {
    /// Makes the switch's socket.
    pub(crate) fn open(attachment: &Attachment) -> io::Result<Self> {
        remove_stale_socket(attachment)?;
        match attachment {
            Attachment::Stream { listen } => {
                let listener = UnixListener::bind(listen)?;
                listener.set_nonblocking(true)?;
                Ok(Self::Stream {
                    listener,
                    machine: None,
                })
            }
            Attachment::Dgram { local, .. } => {
                let socket = UnixDatagram::bind(local)?;
                socket.set_nonblocking(true)?;
                Ok(Self::Dgram {
                    socket,
                    buffer: vec![0; MAX_FRAME],
                })
            }
        }
    }

    /// Reads what has arrived and gives each frame to `take`.
    pub(crate) fn read(&mut self, mut take: impl FnMut(&[u8])) -> Intake {
        for _ in 0..READS_PER_TURN {
            let read = match self {
                Self::Stream { machine: None, .. } => return Intake::Closed,
                Self::Stream {
                    machine: Some((socket, decoder)),
                    ..
                } => read_stream(socket, decoder, &mut take),
                Self::Dgram { socket, buffer } => socket.recv(buffer).map(|length| {
                    take(&buffer[..length]);
                    length.max(1)
                }),
            };
            match read {
                Ok(0) => return Intake::Closed,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Intake::Open,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Intake::Closed,
            }
        }
        Intake::Open
    }
}

/// One read, and all the frames that it completed.
fn read_stream(
    socket: &UnixStream,
    decoder: &mut StreamDecoder,
    take: &mut impl FnMut(&[u8]),
) -> io::Result<usize> {
    let mut socket = socket;
    let count = decoder.read_from(&mut socket)?;
    loop {
        match decoder.next_frame() {
            Ok(Some(frame)) => take(frame),
            Ok(None) => return Ok(count),
            Err(error) => return Err(io::Error::new(ErrorKind::InvalidData, error)),
        }
    }
}

/// A socket that nobody answers on any more is in the way of a new one; one that somebody answers on is somebody's.
fn remove_stale_socket(attachment: &Attachment) -> io::Result<()> {
    let path = attachment.own_socket();
    let answered = match attachment {
        Attachment::Stream { .. } => UnixStream::connect(path).map(drop),
        Attachment::Dgram { .. } => UnixDatagram::unbound().and_then(|socket| socket.connect(path)),
    };
    match answered {
        Ok(()) => Err(io::Error::new(
            ErrorKind::AddrInUse,
            "another program listens there",
        )),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        Err(_) => Ok(()), // nothing there, or an error that making the socket will repeat
    }
}

/// Where frames go.
#[derive(Debug)]
enum Drain {
    /// No machine.
    Nobody,
    Stream(Arc<UnixStream>),
    /// A second socket, for sending only: it is connected, so that the kernel says when the machine takes frames again, and a connected
    /// socket would refuse the frames of a machine that was started anew.
    Dgram {
        socket: UnixDatagram,
        remote: PathBuf,
    },
}

/// Whether a datagram failed because nobody is there.
fn is_nobody(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::ConnectionRefused | ErrorKind::NotConnected
    )
}

/// Frames on their way to one machine.
#[derive(Debug)]
pub(crate) struct Output {
    drain: Drain,
    /// Frames with their length in front, from `head` on.
    queue: Vec<u8>,
    head: usize,
}

/// Whether everything has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flushed {
    All,
    /// The machine must take some first.
    Blocked,
    /// The machine is gone.
    Closed,
}

/// What the switch wants to be told about a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watch {
    /// That frames have come.
    Input,
    /// Also that it takes frames again.
    InputAndRoom,
}

impl Output {
    /// What waits for a machine that takes nothing; a real switch's buffer is of this size too.
    const MAX_QUEUE_BYTES: usize = 4 * 1024 * 1024;

    pub(crate) fn new(attachment: &Attachment) -> io::Result<Self> {
        let drain = match attachment {
            Attachment::Stream { .. } => Drain::Nobody,
            Attachment::Dgram { remote, .. } => {
                let socket = UnixDatagram::unbound()?;
                socket.set_nonblocking(true)?;
                Drain::Dgram {
                    socket,
                    remote: remote.clone(),
                }
            }
        };
        Ok(Self {
            drain,
            queue: Vec::new(),
            head: 0,
        })
    }

    /// A machine has come to a stream port.
    pub(crate) fn plug(&mut self, socket: Arc<UnixStream>) {
        self.drain = Drain::Stream(socket);
        self.forget();
    }

    /// The machine of a stream port is gone.
    pub(crate) fn unplug(&mut self) {
        if let Drain::Stream(_) = self.drain {
            self.drain = Drain::Nobody;
        }
        self.forget();
    }

    fn forget(&mut self) {
        self.queue.clear();
        self.head = 0;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// What `epoll` is to watch, if there is a machine.
    pub(crate) fn socket(&self) -> Option<BorrowedFd<'_>> {
        match &self.drain {
            Drain::Nobody => None,
            Drain::Stream(socket) => Some(socket.as_fd()),
            Drain::Dgram { socket, .. } => Some(socket.as_fd()),
        }
    }

    /// What to watch it for. A stream's socket brings frames too; a datagram's is for sending only.
    pub(crate) fn interest(&self, watch: Watch) -> EventFlags {
        let input = match self.drain {
            Drain::Dgram { .. } => EventFlags::empty(),
            Drain::Nobody | Drain::Stream(_) => EventFlags::IN,
        };
        match watch {
            Watch::Input => input,
            Watch::InputAndRoom => input | EventFlags::OUT,
        }
    }

    /// Adds a frame; it leaves with the next [`Self::flush`].
    pub(crate) fn push(&mut self, frame: &[u8]) -> Delivery {
        if let Drain::Nobody = self.drain {
            return Delivery::Unplugged;
        }
        let full =
            self.queue.len() - self.head + LENGTH_BYTES + frame.len() > Self::MAX_QUEUE_BYTES;
        let (Some(prefix), false) = (length_prefix(frame), full) else {
            return Delivery::Full;
        };
        if self.queue.len() > Self::MAX_QUEUE_BYTES {
            self.queue.drain(..self.head);
            self.head = 0;
        }
        self.queue.extend_from_slice(&prefix);
        self.queue.extend_from_slice(frame);
        Delivery::Taken
    }

    /// Sends as much as the machine takes.
    pub(crate) fn flush(&mut self) -> Flushed {
        while self.head < self.queue.len() {
            match self.write_some() {
                Ok(count) => self.head += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Flushed::Blocked,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    self.forget();
                    return Flushed::Closed;
                }
            }
        }
        self.forget();
        Flushed::All
    }

    /// Returns how many bytes of the queue are done with.
    fn write_some(&mut self) -> io::Result<usize> {
        let waiting = &self.queue[self.head..];
        match &mut self.drain {
            Drain::Nobody => Ok(waiting.len()),
            Drain::Stream(socket) => (&**socket).write(waiting),
            Drain::Dgram { socket, remote } => {
                let Some((prefix, rest)) = waiting.split_first_chunk::<LENGTH_BYTES>() else {
                    return Ok(waiting.len()); // never: `push` puts whole frames
                };
                let length = (u32::from_be_bytes(*prefix) as usize).min(rest.len());
                let sent = match socket.send(&rest[..length]) {
                    Err(error) if is_nobody(&error) => socket
                        .connect(remote)
                        .and_then(|()| socket.send(&rest[..length])),
                    other => other,
                };
                match sent {
                    // Not there yet, or not any more: a datagram to nobody is lost, as on any cable.
                    Err(error) if is_nobody(&error) => {}
                    other => drop(other?),
                }
                Ok(LENGTH_BYTES + length)
            }
        }
    }
}
