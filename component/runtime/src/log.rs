//! The log: `defmt` frames and plain lines, through this thread's ring, to the console server.
//!
//! Never blocks. What does not fit is dropped and counted, and the count goes out as soon as there is room. See `docs/logs.md`.

use core::cell::RefCell;
use core::fmt::{self, Write};
use core::ptr::NonNull;

use isthmus_abi::layout;
use isthmus_abi::log::{FRAME_BYTES, Kind, TEXT_BYTES};
use isthmus_abi::startup::{LOGS, Startup};
use sel4::cap;
use shared_memory::{Producer, SharedMemory, Wake};

/// Writes one line of plain text to the console, in the manner of `println!`.
///
/// For a program's own story. What an engineer wants to know goes through `defmt`, which costs a tenth of it.
#[macro_export]
macro_rules! say {
    ($($argument:tt)*) => {
        $crate::log::say(::core::format_args!($($argument)*))
    };
}

struct Log {
    ring: Option<Producer<'static>>,
    console: Option<cap::Notification>,
    lost: u64,
    encoder: defmt::Encoder,
    frame: Frame,
}

struct Frame {
    bytes: [u8; FRAME_BYTES],
    length: usize,
    state: FrameState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FrameState {
    /// Bytes are collected.
    Fits,
    /// It is longer than the buffer.
    TooLong,
}

#[thread_local]
static LOG: RefCell<Log> = RefCell::new(Log {
    ring: None,
    console: None,
    lost: 0,
    encoder: defmt::Encoder::new(),
    frame: Frame {
        bytes: [0; FRAME_BYTES],
        length: 0,
        state: FrameState::Fits,
    },
});

/// Gives the calling thread its ring.
pub(crate) fn attach(startup: &'static Startup, thread: usize) {
    let Some(start) = NonNull::new(layout::log_ring(thread) as *mut u8) else {
        return;
    };
    // SAFETY: the root task maps a ring for each thread of the plan there, read-write, and this program touches it only here.
    let memory = unsafe { SharedMemory::from_raw(start, layout::LOG_BYTES as usize) };
    let ring = memory.ok().and_then(|m| Producer::attach(m.words()).ok());
    // Nothing to signal, or nobody to read it: the ring just fills up.
    let console = startup.channel_signal(LOGS).ok().map(crate::slots::cap);
    let mut log = LOG.borrow_mut();
    log.ring = ring;
    log.console = console;
}

/// Writes one line of text. See [`say!`](crate::say).
pub fn say(arguments: fmt::Arguments<'_>) {
    // Borrowed already only if a Display of the arguments says something itself: that line is lost.
    if let Ok(mut log) = LOG.try_borrow_mut() {
        let mut line = Line {
            log: &mut log,
            bytes: [0; TEXT_BYTES],
            length: 0,
        };
        // The writer below does not fail; a Display that does has written what it could.
        let _ = line.write_fmt(arguments);
        line.flush();
    }
}

/// Collects text and sends it line by line.
struct Line<'l> {
    log: &'l mut Log,
    bytes: [u8; TEXT_BYTES],
    length: usize,
}

impl Line<'_> {
    fn flush(&mut self) {
        self.log.push(Kind::Text, &self.bytes[..self.length]);
        self.length = 0;
    }
}

impl Write for Line<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if character == '\n' {
                self.flush();
                continue;
            }
            if self.length + character.len_utf8() > TEXT_BYTES {
                self.flush();
            }
            let encoded = character.encode_utf8(&mut self.bytes[self.length..]);
            self.length += encoded.len();
        }
        Ok(())
    }
}

impl Log {
    fn push(&mut self, kind: Kind, payload: &[u8]) {
        if self.lost > 0 && self.try_push(Kind::Lost, &self.lost.to_le_bytes()) {
            self.lost = 0;
        }
        if self.lost > 0 || !self.try_push(kind, payload) {
            self.lost += 1;
        }
    }

    /// Whether the record went into the ring.
    fn try_push(&mut self, kind: Kind, payload: &[u8]) -> bool {
        let Some(ring) = &mut self.ring else {
            return false;
        };
        let Ok(mut record) = ring.reserve(1 + payload.len()) else {
            return false;
        };
        if record.append(&[kind.code()]).is_err() || record.append(payload).is_err() {
            return false; // never: both were reserved
        }
        if record.commit() == Wake::Needed
            && let Some(console) = self.console
        {
            console.signal();
        }
        true
    }

    fn frame_bytes(&mut self, bytes: &[u8]) {
        let frame = &mut self.frame;
        match frame
            .bytes
            .get_mut(frame.length..frame.length + bytes.len())
        {
            Some(room) => {
                room.copy_from_slice(bytes);
                frame.length += bytes.len();
            }
            None => frame.state = FrameState::TooLong,
        }
    }

    /// Runs `work` on the encoder, collecting what it writes.
    fn encode(&mut self, work: impl FnOnce(&mut defmt::Encoder, &mut dyn FnMut(&[u8]))) {
        let mut encoder = core::mem::replace(&mut self.encoder, defmt::Encoder::new());
        work(&mut encoder, &mut |bytes| self.frame_bytes(bytes));
        self.encoder = encoder;
    }

    fn end_frame(&mut self) {
        self.encode(|encoder, write| encoder.end_frame(write));
        match self.frame.state {
            FrameState::TooLong => self.lost += 1,
            FrameState::Fits => {
                let bytes = self.frame.bytes;
                // The line on the console is the frame: its closing zero says nothing.
                let frame = bytes[..self.frame.length]
                    .strip_suffix(&[0])
                    .unwrap_or(&bytes[..self.frame.length]);
                self.push(Kind::Defmt, frame);
            }
        }
    }
}

#[defmt::global_logger]
struct Logger;

// SAFETY: `defmt` writes between `acquire` and `release` of the same thread only; all state is that thread's own, so
// frames of different threads cannot mix, and none waits for another.
unsafe impl defmt::Logger for Logger {
    fn acquire() {
        let mut log = LOG.borrow_mut();
        log.frame.length = 0;
        log.frame.state = FrameState::Fits;
        log.encode(|encoder, write| encoder.start_frame(write));
    }

    unsafe fn flush() {}

    unsafe fn release() {
        LOG.borrow_mut().end_frame();
    }

    unsafe fn write(bytes: &[u8]) {
        LOG.borrow_mut()
            .encode(|encoder, write| encoder.write(bytes, write));
    }
}

defmt::timestamp!("{=u64:us}", crate::time::now().micros());
