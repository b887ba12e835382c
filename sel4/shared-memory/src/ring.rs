//! Rings of records with one producer and one consumer, each of which distrusts the other.
//!
//! ```text
//! producer: reserve -> append.. -> commit -> Wake?      consumer: next -> read.. -> release -> Wake?
//! ```
//!
//! Before a side sleeps it calls `prepare_to_wait` and sleeps only if the answer is [`Wait::Sleep`]; when the other side's `commit` or
//! `release` answers [`Wake::Needed`], that side's owner signals. `docs/rings.md` has the layout and the argument.
use core::fmt;

use crate::atomic::{AtomicU64, Ordering, fence};

/// Bytes in a word.
const WORD: usize = size_of::<u64>();
/// Index of the word that counts words produced.
const TAIL: usize = 0;
/// Index of the ticket of a producer that waits for room.
const STARVED: usize = 1;
/// Index of the word that counts words consumed; on a cache line of its own.
const HEAD: usize = 8;
/// Index of the ticket of a consumer that waits for a record.
const ASLEEP: usize = 9;
/// Index of the first data word.
const DATA: usize = 16;
/// The fewest data words that a ring works with: a header and one word of content.
const MIN_DATA: usize = 2;

/// Whether the other side sleeps and must be signalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a sleeping peer that is not signalled sleeps on"]
pub enum Wake {
    /// It sleeps: signal it.
    Needed,
    /// It is awake, or somebody has signalled it already.
    NotNeeded,
}

impl Wake {
    /// `Needed` if either is: for a batch that ends in one signal.
    pub fn or(self, other: Self) -> Self {
        if self == Self::Needed { self } else { other }
    }
}

/// Whether the caller of `prepare_to_wait` may sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "sleeping in spite of `Ready` loses a wake-up"]
pub enum Wait {
    /// There is nothing to do, and the other side now knows that it must signal.
    Sleep,
    /// There is something to do after all.
    Ready,
}

/// Why a side cannot be attached to a piece of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachError {
    /// The memory holds no control words and at least two data words.
    TooSmall,
}

/// The peer's index or a record's length is impossible: the peer is broken or hostile. The ring stays usable in the sense that every call is
/// safe, but it carries nothing until [`Consumer::discard`] or a new region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt;

/// Why there is no room for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReserveError {
    /// Not now: the consumer has not made room yet.
    Full,
    /// Never: the record is longer than [`Producer::max_record`].
    TooLong,
    /// The consumer's index is impossible.
    Corrupt,
}

impl fmt::Display for AttachError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the shared memory is too small for a ring")
    }
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the ring's other side wrote an impossible index or length")
    }
}

impl fmt::Display for ReserveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the ring is full"),
            Self::TooLong => f.write_str("the record is longer than the ring takes"),
            Self::Corrupt => Corrupt.fmt(f),
        }
    }
}

impl core::error::Error for AttachError {}
impl core::error::Error for Corrupt {}
impl core::error::Error for ReserveError {}

/// What both sides know: where the words are.
#[derive(Clone, Copy)]
struct Ring<'m> {
    control: &'m [AtomicU64],
    data: &'m [AtomicU64],
}

impl<'m> Ring<'m> {
    /// Uses the largest power of two of data words that fits.
    fn new(words: &'m [AtomicU64]) -> Result<Self, AttachError> {
        let (control, data) = words.split_at_checked(DATA).ok_or(AttachError::TooSmall)?;
        if data.len() < MIN_DATA {
            return Err(AttachError::TooSmall);
        }
        let capacity = 1 << data.len().ilog2();
        Ok(Self {
            control,
            data: &data[..capacity],
        })
    }

    fn capacity(self) -> u64 {
        self.data.len() as u64
    }

    /// The data word with the free-running index `at`.
    fn word(self, at: u64) -> &'m AtomicU64 {
        &self.data[at as usize & (self.data.len() - 1)]
    }

    /// `count` words from the free-running index `at` on, as two slices because they may wrap. `count` must not exceed the capacity.
    fn span(self, at: u64, count: usize) -> (&'m [AtomicU64], &'m [AtomicU64]) {
        let start = at as usize & (self.data.len() - 1);
        let first = count.min(self.data.len() - start);
        (
            &self.data[start..start + first],
            &self.data[..count - first],
        )
    }

    /// The words in use between `head` and `tail`, if that is possible.
    fn in_use(self, head: u64, tail: u64) -> Result<u64, Corrupt> {
        let used = tail.wrapping_sub(head);
        if used <= self.capacity() {
            Ok(used)
        } else {
            Err(Corrupt)
        }
    }
}

/// This side's announcement that it sleeps: a number that only it writes, odd while it asks for a signal. A new odd number is a new request.
struct Ticket<'m> {
    shared: &'m AtomicU64,
    value: u64,
}

impl<'m> Ticket<'m> {
    fn attach(shared: &'m AtomicU64) -> Self {
        Self {
            shared,
            value: shared.load(Ordering::Relaxed),
        }
    }

    /// Asks for a signal; the caller looks again afterwards. The fence puts the request before that look; the other side's, in
    /// [`Peer::wake`], puts its index before its look at the request.
    fn ask(&mut self) {
        self.set(self.value.wrapping_add(1) | 1);
        fence(Ordering::SeqCst);
    }

    /// Takes the request back.
    fn withdraw(&mut self) {
        self.set(self.value.wrapping_add(1) & !1);
    }

    fn set(&mut self, value: u64) {
        self.value = value;
        self.shared.store(value, Ordering::Relaxed);
    }
}

/// The other side's ticket, and which one was answered last.
struct Peer<'m> {
    ticket: &'m AtomicU64,
    answered: u64,
}

impl<'m> Peer<'m> {
    fn attach(ticket: &'m AtomicU64) -> Self {
        Self {
            ticket,
            answered: 0,
        }
    }

    /// After this side has published its index: whether the other side asks for a signal that it was not given yet.
    fn wake(&mut self) -> Wake {
        fence(Ordering::SeqCst);
        let ticket = self.ticket.load(Ordering::Relaxed);
        if ticket & 1 == 0 || ticket == self.answered {
            return Wake::NotNeeded;
        }
        self.answered = ticket;
        Wake::Needed
    }
}

/// Words that a record of `bytes` bytes takes, with its header.
const fn words_for(bytes: usize) -> u64 {
    1 + bytes.div_ceil(WORD) as u64
}

/// Bytes of shared memory for a ring with at least `records` records of `bytes` bytes in it at once.
#[must_use]
pub const fn bytes_for(records: usize, bytes: usize) -> usize {
    let words = words_for(bytes) as usize * records;
    (DATA
        + if words < MIN_DATA {
            MIN_DATA
        } else {
            words.next_power_of_two()
        })
        * WORD
}

/// The side that writes records.
pub struct Producer<'m> {
    ring: Ring<'m>,
    /// Words produced; the shared copy is never read back.
    tail: u64,
    /// The consumer's index when last looked at: always at most `capacity` behind `tail`.
    head: u64,
    starved: Ticket<'m>,
    consumer: Peer<'m>,
}

impl<'m> Producer<'m> {
    /// Attaches to a ring: to a fresh, zeroed one, or where a producer before this one left it.
    ///
    /// # Errors
    /// [`AttachError::TooSmall`].
    pub fn attach(words: &'m [AtomicU64]) -> Result<Self, AttachError> {
        let ring = Ring::new(words)?;
        let tail = ring.control[TAIL].load(Ordering::Relaxed);
        Ok(Self {
            ring,
            tail,
            head: tail.wrapping_sub(ring.capacity()),
            starved: Ticket::attach(&ring.control[STARVED]),
            consumer: Peer::attach(&ring.control[ASLEEP]),
        })
    }

    /// The longest record in bytes.
    #[must_use]
    pub fn max_record(&self) -> usize {
        (self.ring.data.len() - 1) * WORD
    }

    /// Makes room for a record of up to `bytes` bytes.
    ///
    /// # Errors
    /// [`ReserveError`]; the ring is unchanged.
    pub fn reserve(&mut self, bytes: usize) -> Result<Reservation<'_, 'm>, ReserveError> {
        if bytes > self.max_record() {
            return Err(ReserveError::TooLong);
        }
        if !self
            .has_room(bytes)
            .map_err(|Corrupt| ReserveError::Corrupt)?
        {
            return Err(ReserveError::Full);
        }
        Ok(Reservation {
            limit: bytes,
            written: 0,
            partial: 0,
            producer: self,
        })
    }

    /// Whether a record of `bytes` bytes fits now. Looks at the consumer's index only if what it saw last does not suffice.
    fn has_room(&mut self, bytes: usize) -> Result<bool, Corrupt> {
        let needed = words_for(bytes);
        let capacity = self.ring.capacity();
        if capacity - self.ring.in_use(self.head, self.tail)? >= needed {
            return Ok(true);
        }
        let head = self.ring.control[HEAD].load(Ordering::Acquire);
        let used = self.ring.in_use(head, self.tail)?;
        self.head = head;
        Ok(capacity - used >= needed)
    }

    /// Asks for a signal when there may be room for a record of `bytes` bytes. [`Wait::Ready`]: there is room already, or the ring is
    /// corrupt, which [`reserve`](Self::reserve) then says.
    pub fn prepare_to_wait(&mut self, bytes: usize) -> Wait {
        self.starved.ask();
        if self.has_room(bytes) == Ok(false) {
            return Wait::Sleep;
        }
        self.starved.withdraw();
        Wait::Ready
    }
}

/// Room for one record. Dropped without [`commit`](Self::commit), it publishes nothing.
pub struct Reservation<'p, 'm> {
    producer: &'p mut Producer<'m>,
    limit: usize,
    written: usize,
    /// The bytes of the last word that is not complete yet.
    partial: u64,
}

impl Reservation<'_, '_> {
    /// Appends `bytes` to the record.
    ///
    /// # Errors
    /// [`ReserveError::TooLong`] if they exceed what was reserved; nothing was appended.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), ReserveError> {
        if bytes.len() > self.limit - self.written {
            return Err(ReserveError::TooLong);
        }
        let within = self.written % WORD;
        let (lead, rest) = bytes.split_at(if within == 0 {
            0
        } else {
            bytes.len().min(WORD - within)
        });
        self.append_partial(lead);
        let mut chunks = rest.chunks_exact(WORD);
        let (first, second) = self.producer.ring.span(self.position(), chunks.len());
        for (word, chunk) in first.iter().chain(second).zip(&mut chunks) {
            let mut bytes = [0; WORD];
            bytes.copy_from_slice(chunk);
            word.store(u64::from_le_bytes(bytes), Ordering::Relaxed);
        }
        self.written += rest.len() - chunks.remainder().len();
        self.append_partial(chunks.remainder());
        Ok(())
    }

    /// Appends fewer bytes than complete more than one word.
    fn append_partial(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.partial |= u64::from(*byte) << (self.written % WORD * 8);
            if (self.written + 1).is_multiple_of(WORD) {
                self.flush();
            }
            self.written += 1;
        }
    }

    /// The free-running index of the word that the next byte goes to.
    fn position(&self) -> u64 {
        self.producer
            .tail
            .wrapping_add(1 + (self.written / WORD) as u64)
    }

    fn flush(&mut self) {
        self.producer
            .ring
            .word(self.position())
            .store(self.partial, Ordering::Relaxed);
        self.partial = 0;
    }

    /// Publishes the record with the bytes that were appended.
    pub fn commit(mut self) -> Wake {
        if !self.written.is_multiple_of(WORD) {
            self.flush();
        }
        let producer = self.producer;
        producer
            .ring
            .word(producer.tail)
            .store(self.written as u64, Ordering::Relaxed);
        producer.tail = producer.tail.wrapping_add(words_for(self.written));
        producer.ring.control[TAIL].store(producer.tail, Ordering::Release);
        producer.consumer.wake()
    }
}

/// The side that reads records.
pub struct Consumer<'m> {
    ring: Ring<'m>,
    /// Words consumed; the shared copy is never read back.
    head: u64,
    /// The producer's index when last looked at: always at most `capacity` ahead of `head`.
    tail: u64,
    asleep: Ticket<'m>,
    producer: Peer<'m>,
}

impl<'m> Consumer<'m> {
    /// Attaches to a ring: to a fresh, zeroed one, or where a consumer before this one left it.
    ///
    /// # Errors
    /// [`AttachError::TooSmall`].
    pub fn attach(words: &'m [AtomicU64]) -> Result<Self, AttachError> {
        let ring = Ring::new(words)?;
        let head = ring.control[HEAD].load(Ordering::Relaxed);
        Ok(Self {
            ring,
            head,
            tail: head,
            asleep: Ticket::attach(&ring.control[ASLEEP]),
            producer: Peer::attach(&ring.control[STARVED]),
        })
    }

    /// The oldest record that was not released, if there is one.
    ///
    /// # Errors
    /// [`Corrupt`] if the producer's index or the record's length is impossible.
    #[allow(clippy::should_implement_trait)] // It cannot be an iterator: a record borrows the consumer.
    pub fn next(&mut self) -> Result<Option<Record<'_, 'm>>, Corrupt> {
        if !self.look()? {
            return Ok(None);
        }
        let used = self.ring.in_use(self.head, self.tail)?;
        let length = self.ring.word(self.head).load(Ordering::Relaxed);
        if length > (used - 1) * WORD as u64 {
            return Err(Corrupt);
        }
        Ok(Some(Record {
            length: length as usize,
            read: 0,
            consumer: self,
        }))
    }

    /// Whether there is a record. Looks at the producer's index only if what it saw last is used up.
    fn look(&mut self) -> Result<bool, Corrupt> {
        if self.tail == self.head {
            let tail = self.ring.control[TAIL].load(Ordering::Acquire);
            self.ring.in_use(self.head, tail)?;
            self.tail = tail;
        }
        Ok(self.tail != self.head)
    }

    /// Asks for a signal when there is a record. [`Wait::Ready`]: there is one already, or the ring is corrupt, which
    /// [`next`](Self::next) then says.
    pub fn prepare_to_wait(&mut self) -> Wait {
        self.asleep.ask();
        if self.look() == Ok(false) {
            return Wait::Sleep;
        }
        self.asleep.withdraw();
        Wait::Ready
    }

    /// Throws away whatever the ring holds, and goes on from where the producer says it is: the way out of [`Corrupt`].
    pub fn discard(&mut self) -> Wake {
        self.tail = self.ring.control[TAIL].load(Ordering::Acquire);
        self.publish(self.tail)
    }

    fn publish(&mut self, head: u64) -> Wake {
        self.head = head;
        self.ring.control[HEAD].store(head, Ordering::Release);
        self.producer.wake()
    }
}

/// A record in the ring. Dropped without [`release`](Self::release), it stays the next one.
pub struct Record<'c, 'm> {
    consumer: &'c mut Consumer<'m>,
    length: usize,
    read: usize,
}

impl Record<'_, '_> {
    /// The record's length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether the record has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Copies the record's next bytes; answers how many: all of `into`, or what is left of the record.
    pub fn read(&mut self, into: &mut [u8]) -> usize {
        let count = into.len().min(self.length - self.read);
        let into = &mut into[..count];
        let within = self.read % WORD;
        let (lead, rest) = into.split_at_mut(if within == 0 {
            0
        } else {
            count.min(WORD - within)
        });
        self.read_partial(lead);
        let mut chunks = rest.chunks_exact_mut(WORD);
        let whole = chunks.len();
        let (first, second) = self.consumer.ring.span(self.position(), whole);
        for (word, chunk) in first.iter().chain(second).zip(&mut chunks) {
            chunk.copy_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
        }
        self.read += whole * WORD;
        self.read_partial(chunks.into_remainder());
        count
    }

    /// Copies bytes that lie within one word.
    fn read_partial(&mut self, into: &mut [u8]) {
        if into.is_empty() {
            return;
        }
        let word = self
            .consumer
            .ring
            .word(self.position())
            .load(Ordering::Relaxed)
            .to_le_bytes();
        let within = self.read % WORD;
        into.copy_from_slice(&word[within..within + into.len()]);
        self.read += into.len();
    }

    /// The free-running index of the word that the next byte is in.
    fn position(&self) -> u64 {
        self.consumer
            .head
            .wrapping_add(1 + (self.read / WORD) as u64)
    }

    /// Gives the record's room back to the producer.
    pub fn release(self) -> Wake {
        let head = self.consumer.head.wrapping_add(words_for(self.length));
        self.consumer.publish(head)
    }
}
