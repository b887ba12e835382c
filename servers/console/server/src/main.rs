//! The console server: owns the serial line, and drains every component's log rings to it, one line for each record.
//!
//! It serves nobody and blocks on nobody: producers drop what does not fit. It never interprets a record beyond its kind, and believes
//! nothing that a ring says about its owner. The format is `console-logic`'s; the promises are in `docs/logs.md`.
#![no_std]
#![no_main]

extern crate alloc;

mod port;

use alloc::vec::Vec;
use core::fmt::{self, Write};
use core::ptr::NonNull;

use console_logic::{Entry, Source, encode, encode_record};
use isthmus_abi::layout::LOG_STRIDE;
use isthmus_abi::log::RECORD_BYTES;
use isthmus_abi::startup::{Region, RegionKind};
use isthmus_runtime::{Startup, service};
use shared_memory::{Consumer, SharedMemory, Wait};

isthmus_runtime::entry!(main);

/// Records taken from one ring before the next ring has its turn.
const TURN: usize = 16;
/// Bytes of a line: more than the longest that the encoder writes.
const LINE_BYTES: usize = 1024;

/// One thread's log.
struct Log {
    source: Source<'static>,
    ring: Consumer<'static>,
}

fn main(startup: &'static Startup) -> ! {
    // Without a line nobody can be told: the supervisor says that this component ended.
    let Ok(port) = port::open(startup) else {
        isthmus_runtime::exit()
    };
    let mut line = Line {
        port,
        text: heapless::String::new(),
    };
    let mut logs = logs(startup);
    loop {
        let mut busy = false;
        for log in &mut logs {
            busy |= log.drain(&mut line);
        }
        if !busy && all_sleep(&mut logs) {
            // Whatever woke us, the rings say what there is to do.
            let _ = service::wait();
        }
    }
}

/// Every ring in sight.
fn logs(startup: &'static Startup) -> Vec<Log> {
    let regions = startup.regions.iter().filter(|r| r.kind == RegionKind::Log);
    regions.flat_map(rings).collect()
}

/// The rings of one component, a thread's each.
fn rings(region: &'static Region) -> impl Iterator<Item = Log> {
    let count = region.bytes / LOG_STRIDE;
    (0..count).filter_map(move |thread| {
        let start = NonNull::new((region.address + thread * LOG_STRIDE) as *mut u8)?;
        // SAFETY: the root task maps the region read-write for this component; this program reads it through this value only.
        // (For its own rings the runtime is the producer, through its own `SharedMemory`.)
        let memory = unsafe { SharedMemory::from_raw(start, LOG_STRIDE as usize) }.ok()?;
        let source = Source {
            component: region.name.as_str(),
            thread: thread as u8,
        };
        let ring = Consumer::attach(memory.words()).ok()?;
        Some(Log { source, ring })
    })
}

/// Whether no ring has anything; from then on each producer signals.
fn all_sleep(logs: &mut [Log]) -> bool {
    // Every ring is armed, also behind one that has something: `all` must not stop early.
    logs.iter_mut().fold(true, |sleep, log| {
        (log.ring.prepare_to_wait() == Wait::Sleep) & sleep
    })
}

impl Log {
    /// Writes out a turn's worth of records; answers whether there were any.
    fn drain(&mut self, line: &mut Line) -> bool {
        for taken in 0..TURN {
            match self.ring.next() {
                Ok(None) => return taken > 0,
                Ok(Some(mut record)) => {
                    let mut bytes = [0; RECORD_BYTES];
                    let length = record.read(&mut bytes);
                    // Producers never wait for room, so nobody needs to be woken.
                    let _ = record.release();
                    // A line that fails has nowhere to be reported.
                    let _ = encode_record(line, self.source, &bytes[..length]);
                }
                Err(_) => {
                    let _ = self.ring.discard();
                    let _ = encode(line, self.source, Entry::Lost(1));
                    return true;
                }
            }
        }
        true
    }
}

/// The serial line as a writer of text, a line at a time: a look at the port's state is a system call.
struct Line {
    port: port::Port,
    text: heapless::String<LINE_BYTES>,
}

impl Line {
    fn flush(&mut self) -> fmt::Result {
        let sent = embedded_io::Write::write_all(&mut self.port, self.text.as_bytes());
        self.text.clear();
        sent.map_err(|_| fmt::Error)
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.text.len() + text.len() > LINE_BYTES {
            self.flush()?;
        }
        self.text.push_str(text).map_err(|_| fmt::Error)?;
        if text.ends_with('\n') {
            self.flush()
        } else {
            Ok(())
        }
    }
}
