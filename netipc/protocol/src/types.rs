//! What goes in and out of an [`Endpoint`](crate::Endpoint).

use core::fmt;
use core::time::Duration;

use crate::bulk::{Lending, Loan, TransferEnd};
use isthmus_abi::Outcome;
use isthmus_abi::{NotExecuted, Unknown};
use netipc_wire::{Malformed, NodeId, Sequence, SessionId, Way};

/// The caller's own name for a call, given back with its outcome. The proxy puts the slot of the saved reply here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// The proxy's own name for what an export stands for, given back with each request to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Object(pub u64);

/// A call that was accepted, for [`cancel`](crate::Endpoint::cancel).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallId {
    pub(crate) node: NodeId,
    pub(crate) slot: u16,
    pub(crate) serial: u64,
}

/// A capability of a peer. Dies with its session: a call to it then is `NotExecuted(SessionEnded)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImportId {
    pub(crate) node: NodeId,
    pub(crate) row: u16,
    pub(crate) session: SessionId,
    /// Which use of the row.
    pub(crate) serial: u64,
}

impl ImportId {
    /// The machine that it leads to.
    #[must_use]
    pub const fn node(self) -> NodeId {
        self.node
    }

    /// The session that it belongs to.
    #[must_use]
    pub const fn session(self) -> SessionId {
        self.session
    }

    /// The row of the table of imports from this machine: below [`limits::CAPABILITIES`](crate::limits::CAPABILITIES),
    /// and no two living imports from a machine have the same.
    #[must_use]
    pub const fn row(self) -> u16 {
        self.row
    }
}

/// A capability that a peer may use. Dies with its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExportId {
    pub(crate) node: NodeId,
    pub(crate) session: SessionId,
    pub(crate) row: u16,
    pub(crate) generation: u64,
}

impl ExportId {
    /// The machine that may use it.
    #[must_use]
    pub const fn node(self) -> NodeId {
        self.node
    }

    /// The session that it belongs to.
    #[must_use]
    pub const fn session(self) -> SessionId {
        self.session
    }
}

/// A request of a peer that is here, for [`start`](crate::Endpoint::start) and [`finish`](crate::Endpoint::finish).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Execution {
    pub(crate) node: NodeId,
    pub(crate) session: SessionId,
    pub(crate) slot: u16,
    pub(crate) sequence: Sequence,
}

impl Execution {
    /// The machine that asks.
    #[must_use]
    pub const fn node(self) -> NodeId {
        self.node
    }

    /// The session in which it asks.
    #[must_use]
    pub const fn session(self) -> SessionId {
        self.session
    }

    /// The peer's slot: below [`limits::SLOTS`](crate::limits::SLOTS). A later request in the same slot says that this one is
    /// over.
    #[must_use]
    pub const fn slot(self) -> u16 {
        self.slot
    }
}

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// The export that every machine has from the start, its naming. Needs no session: a call opens one.
    Bootstrap(NodeId),
    /// A capability that came in a reply or request.
    Import(ImportId),
}

impl Target {
    /// The machine that it leads to.
    #[must_use]
    pub const fn node(self) -> NodeId {
        match self {
            Self::Bootstrap(node) => node,
            Self::Import(import) => import.node,
        }
    }
}

/// A capability that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Given {
    /// One of ours, exported to the machine that it is sent to.
    Export(ExportId),
    /// One of a peer. Sent to that machine it comes home; sent to another it is handed off, with the exporter's consent.
    Import(ImportId),
    /// Memory of this machine, lent for the call that it is given with. Not in a reply or one-way message.
    Loan(Lending),
}

impl From<ExportId> for Given {
    fn from(export: ExportId) -> Self {
        Self::Export(export)
    }
}

impl From<ImportId> for Given {
    fn from(import: ImportId) -> Self {
        Self::Import(import)
    }
}

/// A peer's question whether a third machine may have what it has, for [`grant`](crate::Endpoint::grant).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Asked {
    pub(crate) by: NodeId,
    pub(crate) asked_in: SessionId,
    pub(crate) number: u64,
}

impl Asked {
    /// The machine that asks.
    #[must_use]
    pub const fn by(self) -> NodeId {
        self.by
    }
}

/// A capability that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Received {
    /// Of a peer.
    Import(ImportId),
    /// Of this machine: it has come home.
    Home(Object),
    /// Memory of the caller's, lent for as long as the request is at work.
    Loan(Loan),
}

/// A message for an export of a peer.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Given back with the outcome.
    pub token: Token,
    /// What is called.
    pub target: Target,
    /// Whether an answer is waited for. A one-way message has no [`Event::Complete`].
    pub way: Way,
    /// The time after which the caller waits no longer; `None`: [`limits::BUDGET_DEFAULT`](crate::limits::BUDGET_DEFAULT).
    pub budget: Option<Duration>,
    /// The message's label.
    pub label: u64,
    /// The message's words, at most [`WORDS_MAX`](crate::WORDS_MAX).
    pub words: &'a [u64],
    /// A capability that goes with it.
    pub capability: Option<Given>,
}

/// A request of a peer, as a worker takes it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What is called: `None` for the bootstrap export.
    pub object: Option<Object>,
    /// Whether the peer waits for the answer. A one-way message is finished, too, when it was delivered.
    pub way: Way,
    /// What is left of the caller's time, for the calls that the work makes in turn.
    pub budget: Duration,
    /// The message's label.
    pub label: u64,
    /// The message's words.
    pub words: &'a [u64],
    /// A capability that came with it.
    pub capability: Option<Received>,
}

/// What a worker's work has come to.
#[derive(Clone, Copy, Debug)]
pub enum Answer<'a> {
    /// The server's reply (for a one-way message: it was delivered; label, words and capability are not sent).
    Reply {
        /// The message's label.
        label: u64,
        /// The message's words, at most [`WORDS_MAX`](crate::WORDS_MAX).
        words: &'a [u64],
        /// A capability that goes with it.
        capability: Option<Given>,
    },
    /// It certainly did not run, and will not.
    NotExecuted(NotExecuted),
    /// It may have run, and there is no answer.
    Unknown(Unknown),
}

/// A server's reply, as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// The message's label.
    pub label: u64,
    /// The message's words.
    pub words: &'a [u64],
    /// A capability that came with it.
    pub capability: Option<Received>,
}

/// What this machine has to do, or to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A call has ended. Said exactly once for each accepted call.
    Complete {
        /// The caller's name for it.
        token: Token,
        /// The reply, or what became of the request.
        result: Result<Reply<'a>, Outcome>,
    },
    /// A request waits for a worker: [`start`](crate::Endpoint::start) it when there is one, or
    /// [`finish`](crate::Endpoint::finish) it with `NotExecuted`. Requests to one export come in the order in which they
    /// were called, and must be started so.
    Deliver {
        /// Which.
        execution: Execution,
        /// What is called: `None` for the bootstrap export.
        object: Option<Object>,
        /// Whether the peer waits for the answer.
        way: Way,
    },
    /// Nobody waits any more for a request that was started: its worker may be aborted; its answer will be discarded.
    Abandoned {
        /// Which.
        execution: Execution,
    },
    /// The peer has no more use for an export, or never got it: the capability can be given back.
    Released {
        /// The proxy's name for what it stood for.
        object: Object,
    },
    /// The exporter has revoked an import: calls to it end as `NotExecuted(Revoked)`. Every copy is to be taken away, and then
    /// it is to be [released](crate::Endpoint::release), which tells the exporter so.
    Revoked {
        /// Which.
        import: ImportId,
    },
    /// A revocation is complete: the peer has taken away every copy, or its session has ended. [`Released`](Self::Released) was
    /// said when it began.
    RevocationComplete {
        /// The proxy's name for what it stood for.
        object: Object,
    },
    /// A peer wants to hand an export of its on to a third machine: [`grant`](crate::Endpoint::grant) it, or not.
    Asked {
        /// The question.
        asked: Asked,
        /// The proxy's name for what the peer has.
        object: Object,
        /// Who would have it.
        to: NodeId,
    },
    /// A [transfer](crate::Endpoint::transfer) has ended: its memory is not used any more. Said exactly once for each that was begun.
    Transferred {
        /// The name that was given for it.
        token: Token,
        /// `Ok`: every byte is there.
        result: Result<(), TransferEnd>,
    },
    /// A session has begun.
    Up {
        /// With whom.
        node: NodeId,
        /// Which.
        session: SessionId,
    },
    /// A session has ended: every export to the node, import from it, and execution for it is void. Its calls are
    /// completed one by one, before this; what belongs to the next session comes after it.
    Down {
        /// With whom.
        node: NodeId,
        /// Which.
        session: SessionId,
        /// Why.
        reason: DownReason,
    },
    /// Two machines have one identity: a boot that a later one has replaced has proved that it still lives. It is not believed.
    Twin {
        /// Whose.
        node: NodeId,
        /// The boot that was replaced.
        boot: netipc_wire::BootId,
    },
}

/// Why a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DownReason {
    /// Something was awaited, and nothing was heard for [`limits::DEAD_AFTER`](crate::limits::DEAD_AFTER).
    PeerLost,
    /// The peer has opened a new session from another boot.
    PeerRestarted,
    /// The peer has opened a new session from the same boot: it had declared us dead.
    Replaced,
    /// The machine belongs to the cluster no more: [`expel`](crate::Endpoint::expel).
    Expelled,
}

/// A frame to send: the first `length` bytes of the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// To whom.
    pub to: NodeId,
    /// Bytes.
    pub length: usize,
}

/// What was asked for concerns a session, a request or an export that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stale;

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is over already")
    }
}

impl core::error::Error for Stale {}

/// Why a frame had no effect. All of it is harmless: what matters is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// From a machine that is no peer.
    Stranger,
    /// Not a frame.
    Malformed(Malformed),
    /// Damaged, or forged.
    Corrupt,
    /// It came before.
    Replayed,
    /// A handshake that there is no time for now.
    Busy,
    /// The peer's machine has been replaced by another that has its identity, and still speaks.
    Twin,
    /// Of another cluster, or for another machine.
    Misdirected,
    /// Of a session that is not open.
    UnknownSession,
    /// About a call, request or handshake that is over, or that never was.
    Stale,
    /// There is no room for what it would cause.
    NoRoom,
    /// No peer that follows the protocol sends it.
    Violation,
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stranger => f.write_str("from a machine that is no peer"),
            Self::Malformed(reason) => reason.fmt(f),
            Self::Corrupt => f.write_str("damaged, or forged"),
            Self::Replayed => f.write_str("it came before"),
            Self::Busy => f.write_str("a handshake that there is no time for"),
            Self::Twin => f.write_str("of a machine whose identity another has taken"),
            Self::Misdirected => f.write_str("of another cluster, or for another machine"),
            Self::UnknownSession => f.write_str("of a session that is not open"),
            Self::Stale => f.write_str("about something that is over"),
            Self::NoRoom => f.write_str("no room for what it would cause"),
            Self::Violation => f.write_str("against the protocol"),
        }
    }
}

impl core::error::Error for Dropped {}
