//! The console server: owns the serial line, drains every component's log rings to it, one line for each record, and hands what is typed to the one
//! who reads it.
//!
//! It blocks on nobody: producers drop what does not fit. It never interprets a record beyond its kind, believes nothing
//! that a ring says about its owner, and keeps nothing of logs in memory: where it stands in a ring stands in the ring. The format is
//! `console-logic`'s, the calls `console-interface`'s; the promises are in `docs/logs.md`.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod keyboard;

use core::fmt::{self, Write};

use console_interface::console;
use console_logic::{Entry, Source, encode, encode_record};
use isthmus_abi::log::RECORD_BYTES;
use isthmus_runtime::calls::{Occasion, serve};
use isthmus_runtime::devices::{NoDevice, SerialPort, serial_port};
use isthmus_runtime::grants::{LogRing, log_rings};
use isthmus_runtime::interface::Disposition;
use isthmus_runtime::{Never, Service, Startup, service};
use shared_memory::{Consumer, Wait};

use crate::keyboard::Keyboard;

isthmus_runtime::entry!(main);

/// Records taken from one ring before the next ring has its turn.
const TURN: usize = 16;
/// Bytes of a line: more than the longest that the encoder writes.
const LINE_BYTES: usize = 1024;

fn main(startup: &'static Startup) -> Result<Never, NoDevice> {
    let console = startup.console().map_err(NoDevice::Missing)?;
    let mut line = Line {
        port: serial_port()?,
        text: heapless::String::new(),
    };
    let Some(service) = Service::get() else {
        loop {
            settle(&mut line);
            // Whatever woke us, the rings say what there is to do.
            let _ = service::wait();
        }
    };
    let mut keyboard = Keyboard::new(console.interrupt(), &mut line.port);
    settle(&mut line);
    serve(service, |occasion| {
        let disposition = match occasion {
            Occasion::Message(request, answer) => console::dispatch(&mut keyboard, request, answer),
            Occasion::Events(_) => Disposition::Nothing,
        };
        keyboard.turn(&mut line.port);
        settle(&mut line);
        disposition
    })
}

/// Writes out whatever there is, until every producer will signal when there is more.
fn settle(line: &mut Line) {
    loop {
        // Every ring has its turn, also behind one that has something.
        let busy = log_rings().fold(false, |busy, log| busy | drain(&log, line));
        if !busy && all_sleep() {
            return;
        }
    }
}

/// Whether no ring has anything; from then on each producer signals.
fn all_sleep() -> bool {
    let sleeps = |log: LogRing| match consumer(&log) {
        Some(mut ring) => ring.prepare_to_wait() == Wait::Sleep,
        None => true,
    };
    // Every ring is armed, also behind one that has something.
    log_rings().fold(true, |all, log| sleeps(log) & all)
}

fn consumer(log: &LogRing) -> Option<Consumer<'static>> {
    Consumer::attach(log.memory.words()).ok()
}

/// Writes out a turn's worth of records; answers whether there were any.
fn drain(log: &LogRing, line: &mut Line) -> bool {
    let source = Source {
        component: log.component.as_str(),
        thread: log.thread,
    };
    let Some(mut ring) = consumer(log) else {
        return false;
    };
    for taken in 0..TURN {
        match ring.next() {
            Ok(None) => return taken > 0,
            Ok(Some(mut record)) => {
                let mut bytes = [0; RECORD_BYTES];
                let length = record.read(&mut bytes);
                // Producers never wait for room, so nobody needs to be woken.
                let _ = record.release();
                // A line that fails has nowhere to be reported.
                let _ = encode_record(line, source, &bytes[..length]);
            }
            Err(_) => {
                let _ = ring.discard();
                let _ = encode(line, source, Entry::Lost(1));
                return true;
            }
        }
    }
    true
}

/// The serial line as a writer of text, a line at a time: a look at the port's state is a system call.
struct Line {
    port: SerialPort,
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
