//! What a host test and the agent on a machine say to each other: lines of text, over the machine's serial line.
//!
//! A host test makes a typed call; `isthmus-testkit` writes a [`Request`] as a line that is typed into the machine's console; the component `test-agent`
//! there makes the call, and says what came of it in one or more [`Answer`] lines. Numbers are hexadecimal. Lines are short enough for a log record, so an
//! answer's words come in several; the last line says how many there should have been, because a log line can be lost.
//!
//! It knows no kernel and no machine. Read next: `tools/agent/agent`, and `isthmus_testkit::Agent`.
#![no_std]
#![forbid(unsafe_code)]

use core::fmt::{self, Write};

use heapless::Vec;
use isthmus_abi::limits::MESSAGE_WORDS;
use isthmus_abi::{Label, Slot};

/// What the agent's lines begin with.
pub const MARK: &str = "agent: ";
/// Words of an answer in one line: a line of the log has 240 bytes.
pub const WORDS_IN_LINE: usize = 12;
/// Bytes of the longest request, its end included: mark, number, slot, label, capability, and all words of a message.
pub const REQUEST_BYTES: usize = 96 + 17 * MESSAGE_WORDS;

/// The words of a message.
pub type Words = Vec<u64, MESSAGE_WORDS>;

/// Which request an answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(pub u32);

/// Whether a message is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It is.
    Call,
    /// It is not.
    Send,
}

/// A message that the agent is to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Whether it waits for an answer.
    pub way: Way,
    /// The agent's slot with the capability to call.
    pub to: Slot,
    /// The message's label.
    pub label: Label,
    /// The agent's slot with a capability to send along.
    pub capability: Option<Slot>,
    /// Its words.
    pub words: Words,
}

/// What the host asks for.
#[expect(
    clippy::large_enum_variant,
    reason = "the agent has no heap to box a message in, and one request at a time"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// Looks a path up.
    Find(&'a str),
    /// The capability to the server of an interface that the agent uses.
    Granted(&'a str),
    /// Sends a message.
    Message(Message),
    /// Deletes a capability.
    Forget(Slot),
}

/// A line of the agent's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// The capability that was asked for is in this slot of the agent's.
    Found(Slot),
    /// Some more words of an answer.
    Words(Vec<u64, WORDS_IN_LINE>),
    /// The answer, of which the words have come before.
    Answered {
        /// Its label.
        label: Label,
        /// The agent's slot with the capability that came along.
        capability: Option<Slot>,
        /// How many words there were.
        length: usize,
    },
    /// It is done.
    Done,
    /// It cannot be done.
    Refused(&'a str),
}

/// A line that is none of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Garbled;

impl fmt::Display for Garbled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the line cannot be read")
    }
}

impl core::error::Error for Garbled {}

impl<'a> Request<'a> {
    /// Writes the line, with its end.
    ///
    /// # Errors
    /// `out`'s own.
    pub fn write(&self, id: RequestId, out: &mut impl Write) -> fmt::Result {
        let id = id.0;
        match self {
            Self::Find(path) => write!(out, "{MARK}{id:x} find {path}")?,
            Self::Granted(interface) => write!(out, "{MARK}{id:x} granted {interface}")?,
            Self::Forget(slot) => write!(out, "{MARK}{id:x} forget {:x}", slot.0)?,
            Self::Message(message) => {
                let way = match message.way {
                    Way::Call => "call",
                    Way::Send => "send",
                };
                let (to, label) = (message.to.0, message.label.bits());
                write!(out, "{MARK}{id:x} {way} {to:x} {label:x} ")?;
                write_slot(message.capability, out)?;
                write_words(&message.words, out)?;
            }
        }
        out.write_char('\n')
    }

    /// Reads a line without its end.
    ///
    /// # Errors
    /// [`Garbled`]
    pub fn read(line: &'a str) -> Result<(RequestId, Self), Garbled> {
        let (id, what, rest) = parts(line)?;
        let request = match what {
            "find" if !rest.is_empty() => Self::Find(rest),
            "granted" if !rest.is_empty() => Self::Granted(rest),
            "forget" => Self::Forget(slot(rest)?),
            "call" => Self::Message(message(Way::Call, rest)?),
            "send" => Self::Message(message(Way::Send, rest)?),
            _ => return Err(Garbled),
        };
        Ok((id, request))
    }
}

impl<'a> Answer<'a> {
    /// Writes the line, without its end.
    ///
    /// # Errors
    /// `out`'s own.
    pub fn write(&self, id: RequestId, out: &mut impl Write) -> fmt::Result {
        let id = id.0;
        match self {
            Self::Found(slot) => write!(out, "{MARK}{id:x} found {:x}", slot.0),
            Self::Words(words) => {
                write!(out, "{MARK}{id:x} words")?;
                write_words(words, out)
            }
            Self::Answered {
                label,
                capability,
                length,
            } => {
                write!(out, "{MARK}{id:x} answered {:x} ", label.bits())?;
                write_slot(*capability, out)?;
                write!(out, " {length:x}")
            }
            Self::Done => write!(out, "{MARK}{id:x} done"),
            Self::Refused(why) => write!(out, "{MARK}{id:x} refused {why}"),
        }
    }

    /// Reads a line.
    ///
    /// # Errors
    /// [`Garbled`]
    pub fn read(line: &'a str) -> Result<(RequestId, Self), Garbled> {
        let (id, what, rest) = parts(line)?;
        let answer = match what {
            "found" => Self::Found(slot(rest)?),
            "words" => Self::Words(words(rest)?),
            "answered" => {
                let mut words = rest.split_ascii_whitespace();
                let mut next = || words.next().ok_or(Garbled);
                Self::Answered {
                    label: Label::from_bits(number(next()?)?),
                    capability: optional_slot(next()?)?,
                    length: usize::try_from(number(next()?)?).map_err(|_| Garbled)?,
                }
            }
            "done" => Self::Done,
            "refused" => Self::Refused(rest),
            _ => return Err(Garbled),
        };
        Ok((id, answer))
    }
}

/// "agent: ID WHAT REST"
fn parts(line: &str) -> Result<(RequestId, &str, &str), Garbled> {
    let line = line.strip_prefix(MARK).ok_or(Garbled)?;
    let (id, line) = line.split_once(' ').ok_or(Garbled)?;
    let id = u32::from_str_radix(id, 16).map_err(|_| Garbled)?;
    let (what, rest) = line.split_once(' ').unwrap_or((line, ""));
    Ok((RequestId(id), what, rest))
}

fn number(text: &str) -> Result<u64, Garbled> {
    u64::from_str_radix(text, 16).map_err(|_| Garbled)
}

fn slot(text: &str) -> Result<Slot, Garbled> {
    u32::from_str_radix(text, 16).map(Slot).map_err(|_| Garbled)
}

fn optional_slot(text: &str) -> Result<Option<Slot>, Garbled> {
    match text {
        "-" => Ok(None),
        text => slot(text).map(Some),
    }
}

fn words<const N: usize>(text: &str) -> Result<Vec<u64, N>, Garbled> {
    let mut words = Vec::new();
    for word in text.split_ascii_whitespace() {
        words.push(number(word)?).map_err(|_| Garbled)?;
    }
    Ok(words)
}

/// "TO LABEL CAPABILITY WORD..."
fn message(way: Way, text: &str) -> Result<Message, Garbled> {
    let mut parts = text.splitn(4, ' ');
    let mut next = || parts.next().ok_or(Garbled);
    Ok(Message {
        way,
        to: slot(next()?)?,
        label: Label::from_bits(number(next()?)?),
        capability: optional_slot(next()?)?,
        words: words(parts.next().unwrap_or_default())?,
    })
}

fn write_slot(slot: Option<Slot>, out: &mut impl Write) -> fmt::Result {
    match slot {
        None => out.write_char('-'),
        Some(slot) => write!(out, "{:x}", slot.0),
    }
}

fn write_words(words: &[u64], out: &mut impl Write) -> fmt::Result {
    words.iter().try_for_each(|word| write!(out, " {word:x}"))
}

/// An answer as a line, for `say!`.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a>(pub RequestId, pub &'a Answer<'a>);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.1.write(self.0, f)
    }
}

/// What the agent says when it begins to listen.
pub const READY: &str = "agent: listening";
