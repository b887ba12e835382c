//! The two rings of calls that a component and the proxy share: submissions there, completions back. What is promised stands in `docs/async.md`.
//!
//! | submission: word | what |
//! |---|---|
//! | 0 | token: the client's name for the call, given back with the completion |
//! | 1 | target: the number that `register` gave |
//! | 2 | deadline: ticks of the machine's counter; 0 for the default |
//! | 3 | label |
//! | then | the message's words, at most 120 |
//!
//! | completion: word | what |
//! |---|---|
//! | 0 | token |
//! | 1 | label: a reply's, or an outcome's, as in a message |
//! | then | the message's words |
//!
//! Neither side trusts the other: a record of another form is answered, or passed over, and nothing else happens.

use core::fmt;
use core::marker::PhantomData;

use isthmus_interface::abi::limits::MESSAGE_WORDS;
use shared_memory::{
    AttachError, Consumer, Corrupt, Producer, Record, ReserveError, SharedMemory, Wait, Wake,
};

/// Calls that one client may have out at once.
pub const CALLS: usize = 256;
/// Capabilities that one client may have registered at once.
pub const TARGETS: usize = 16;

const WORD: usize = 8;
/// Words in front of a submission's message.
const SUBMISSION_HEAD: usize = 4;
/// Words in front of a completion's.
const COMPLETION_HEAD: usize = 2;
/// Bytes of the longest record.
const MAX_RECORD: usize = (SUBMISSION_HEAD + MESSAGE_WORDS) * WORD;

/// A message's words.
pub type Words = heapless::Vec<u64, MESSAGE_WORDS>;

/// A call that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The client's name for it.
    pub token: u64,
    /// What is called: the number that `register` gave.
    pub target: u64,
    /// Ticks of the machine's counter; 0 for the default.
    pub deadline: u64,
    /// The message's label.
    pub label: u64,
    /// The message's words.
    pub words: Words,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The client's name for it.
    pub token: u64,
    /// A reply's label, or an outcome's.
    pub label: u64,
    /// The message's words.
    pub words: Words,
}

/// What a ring brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken<T> {
    /// A record.
    Record(T),
    /// A record that cannot be read, of a call with this token.
    Malformed(u64),
    /// A record that cannot be read at all, or a ring that was written over: what was in it is lost.
    Rubbish,
}

/// The memory does not hold two rings with a record each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooSmall;

impl fmt::Display for TooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the channel is too small for two rings of calls: 16KiB at least")
    }
}

impl core::error::Error for TooSmall {}

impl From<AttachError> for TooSmall {
    fn from(AttachError::TooSmall: AttachError) -> Self {
        Self
    }
}

/// There is no room in the ring for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// The submissions' half of a channel, and the completions'.
fn halves<'m>(memory: SharedMemory<'m>) -> Result<(SharedMemory<'m>, SharedMemory<'m>), TooSmall> {
    let half = memory.len() / 2 / WORD * WORD;
    memory.split_at(half).map_err(|_| TooSmall)
}

/// Who makes the calls: writes submissions, and reads completions.
#[derive(Debug)]
pub enum Client {}

/// Who carries them.
#[derive(Debug)]
pub enum Proxy {}

/// The client's end.
pub type ClientEnd<'m> = End<'m, Client>;

/// The proxy's end.
pub type ProxyEnd<'m> = End<'m, Proxy>;

/// One end of the rings: it writes the one and reads the other.
pub struct End<'m, Role> {
    outgoing: Producer<'m>,
    incoming: Consumer<'m>,
    /// Whether the other side must be woken.
    wake: Wake,
    role: PhantomData<Role>,
}

impl<'m, Role> End<'m, Role> {
    fn over(outgoing: SharedMemory<'m>, incoming: SharedMemory<'m>) -> Result<Self, TooSmall> {
        let outgoing = Producer::attach(outgoing.words())?;
        let incoming = Consumer::attach(incoming.words())?;
        if outgoing.max_record() < MAX_RECORD {
            return Err(TooSmall);
        }
        Ok(Self {
            outgoing,
            incoming,
            wake: Wake::NotNeeded,
            role: PhantomData,
        })
    }

    fn put(&mut self, head: &[u64], words: &[u64]) -> Result<(), Full> {
        let mut reservation = match self.outgoing.reserve((head.len() + words.len()) * WORD) {
            Ok(reservation) => reservation,
            // A ring whose indices were written over stays full: its owner harms only itself.
            Err(ReserveError::Full | ReserveError::TooLong | ReserveError::Corrupt) => {
                return Err(Full);
            }
        };
        for word in head.iter().chain(words) {
            // Just reserved.
            let _ = reservation.append(&word.to_le_bytes());
        }
        self.wake = self.wake.or(reservation.commit());
        Ok(())
    }

    /// The next record: its first `HEAD` words, and the rest.
    fn take<const HEAD: usize>(&mut self) -> Option<Taken<([u64; HEAD], Words)>> {
        let (taken, wake) = match self.incoming.next() {
            Ok(None) => return None,
            Ok(Some(mut record)) => (read(&mut record), record.release()),
            Err(Corrupt) => (Taken::Rubbish, self.incoming.discard()),
        };
        self.wake = self.wake.or(wake);
        Some(taken)
    }

    /// Throws away what is in the ring that it reads.
    pub fn discard(&mut self) {
        let wake = self.incoming.discard();
        self.wake = self.wake.or(wake);
    }

    /// Whether the other side must be signalled, for all that was done since this was asked.
    pub fn take_wake(&mut self) -> Wake {
        core::mem::replace(&mut self.wake, Wake::NotNeeded)
    }

    /// Before sleeping: asks to be signalled when there is something to read. Sleep only if the answer is [`Wait::Sleep`].
    pub fn prepare_to_wait(&mut self) -> Wait {
        self.incoming.prepare_to_wait()
    }

    /// After [`Full`]: asks to be signalled when there is room again.
    pub fn prepare_to_wait_for_room(&mut self) -> Wait {
        self.outgoing.prepare_to_wait(MAX_RECORD)
    }
}

fn read<const HEAD: usize>(record: &mut Record<'_, '_>) -> Taken<([u64; HEAD], Words)> {
    let length = record.len();
    let mut next = || {
        let mut bytes = [0; WORD];
        (record.read(&mut bytes) == WORD).then(|| u64::from_le_bytes(bytes))
    };
    let Some(token) = next() else {
        return Taken::Rubbish;
    };
    if !length.is_multiple_of(WORD) || length / WORD < HEAD || length / WORD > HEAD + MESSAGE_WORDS
    {
        return Taken::Malformed(token);
    }
    let mut head = [token; HEAD];
    for word in &mut head[1..] {
        *word = next().unwrap_or(0);
    }
    let mut words = Words::new();
    while let Some(word) = next() {
        // It was measured.
        let _ = words.push(word);
    }
    Taken::Record((head, words))
}

impl<'m> End<'m, Client> {
    /// Attaches to a channel's memory, which is zero or was attached to before.
    ///
    /// # Errors
    /// [`TooSmall`].
    pub fn attach(memory: SharedMemory<'m>) -> Result<Self, TooSmall> {
        let (submissions, completions) = halves(memory)?;
        Self::over(submissions, completions)
    }

    /// Asks for a call.
    ///
    /// # Errors
    /// [`Full`]; nothing changed.
    pub fn submit(
        &mut self,
        token: u64,
        target: u64,
        deadline: u64,
        label: u64,
        words: &[u64],
    ) -> Result<(), Full> {
        self.put(&[token, target, deadline, label], words)
    }

    /// The next completion.
    pub fn complete(&mut self) -> Option<Taken<Completion>> {
        Some(match self.take::<COMPLETION_HEAD>()? {
            Taken::Record(([token, label], words)) => Taken::Record(Completion {
                token,
                label,
                words,
            }),
            Taken::Malformed(token) => Taken::Malformed(token),
            Taken::Rubbish => Taken::Rubbish,
        })
    }
}

impl<'m> End<'m, Proxy> {
    /// Attaches to a channel's memory, which is zero or was attached to before.
    ///
    /// # Errors
    /// [`TooSmall`].
    pub fn attach(memory: SharedMemory<'m>) -> Result<Self, TooSmall> {
        let (submissions, completions) = halves(memory)?;
        Self::over(completions, submissions)
    }

    /// The next submission.
    pub fn receive(&mut self) -> Option<Taken<Submission>> {
        Some(match self.take::<SUBMISSION_HEAD>()? {
            Taken::Record(([token, target, deadline, label], words)) => Taken::Record(Submission {
                token,
                target,
                deadline,
                label,
                words,
            }),
            Taken::Malformed(token) => Taken::Malformed(token),
            Taken::Rubbish => Taken::Rubbish,
        })
    }

    /// Tells what became of a call.
    ///
    /// # Errors
    /// [`Full`]; nothing changed.
    pub fn complete(&mut self, token: u64, label: u64, words: &[u64]) -> Result<(), Full> {
        self.put(&[token, label], words)
    }
}
