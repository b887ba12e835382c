//! What the root task says: on the serial line itself until the components run, then through a log ring like everybody's, and on the line
//! itself again when the console server has died.

use core::cell::RefCell;
use core::fmt::{self, Write};

use console_logic::{Entry, Source};
use isthmus_abi::log::{Kind, RECORD_BYTES, TEXT_BYTES};
use sel4::cap;
use shared_memory::{Consumer, Producer, SharedMemory, Wake};

#[cfg(target_arch = "aarch64")]
type Port = uart::Pl011;
#[cfg(target_arch = "x86_64")]
type Port = uart::Ns16550<cap::IOPort>;

/// Where lines go.
enum Sink {
    /// Nowhere yet.
    Nowhere,
    /// To the serial line.
    Line,
    /// To the log ring that the console server drains.
    Ring(Ring),
}

/// The root task's log ring.
pub struct Ring {
    /// Where lines go in.
    pub producer: Producer<'static>,
    /// The same memory: when the console server has died, what it left is read from here.
    pub memory: SharedMemory<'static>,
    /// The console server, to be woken.
    pub console: cap::Notification,
}

struct Console {
    port: Option<Port>,
    sink: Sink,
}

struct Global(RefCell<Console>);

// SAFETY: the root task's code runs in one thread; see `main`.
unsafe impl Sync for Global {}

static CONSOLE: Global = Global(RefCell::new(Console {
    port: None,
    sink: Sink::Nowhere,
}));

/// Writes a line of the root task's.
#[macro_export]
macro_rules! say {
    ($($argument:tt)*) => {
        $crate::console::say(::core::format_args!($($argument)*))
    };
}

/// Opens the serial line.
pub fn open(port: Port) {
    let mut console = CONSOLE.0.borrow_mut();
    console.port = Some(port);
    console.sink = Sink::Line;
}

/// From now on lines go through `ring`.
pub fn hand_over(ring: Ring) {
    CONSOLE.0.borrow_mut().sink = Sink::Ring(ring);
}

/// The console server has died: the line is ours again. First comes what it has left in the ring.
pub fn take_back() {
    let console = &mut *CONSOLE.0.borrow_mut();
    let sink = core::mem::replace(&mut console.sink, Sink::Line);
    if let (Sink::Ring(ring), Some(port)) = (sink, &mut console.port) {
        // What cannot be read is lost: the server that died may have spoiled it.
        let _ = write_rest(&ring, port);
    }
}

fn write_rest(ring: &Ring, port: &mut Port) -> Option<()> {
    let mut consumer = Consumer::attach(ring.memory.words()).ok()?;
    while let Some(mut record) = consumer.next().ok()? {
        let mut bytes = [0; RECORD_BYTES];
        let length = record.read(&mut bytes);
        let _ = record.release();
        let text = bytes
            .get(1..length)
            .and_then(|text| str::from_utf8(text).ok())?;
        writeln!(Text(port), "{text}").ok()?;
    }
    Some(())
}

/// Writes a line. See [`say!`].
pub fn say(arguments: fmt::Arguments<'_>) {
    // Borrowed already only if writing a line panicked: the panic's own line is lost.
    let Ok(mut console) = CONSOLE.0.try_borrow_mut() else {
        return;
    };
    let console = &mut *console;
    match &mut console.sink {
        Sink::Nowhere => sel4::debug_println!("isthmus: {arguments}"),
        Sink::Line => {
            if let Some(port) = &mut console.port {
                // What the port refuses cannot be told anywhere.
                let _ = writeln!(Text(port), "isthmus: {arguments}");
            }
        }
        Sink::Ring(ring) => {
            let mut line = Bounded::default();
            let _ = write!(line, "isthmus: {arguments}");
            push(ring, &line.bytes[..line.length]);
        }
    }
}

/// Writes the entry that announces a component's program. Only before the hand-over.
pub fn announce(component: &str, build_id: &[u8]) {
    let console = &mut *CONSOLE.0.borrow_mut();
    if let (Sink::Line, Some(port)) = (&console.sink, &mut console.port) {
        let source = Source {
            component,
            thread: 0,
        };
        let _ = console_logic::encode(&mut Text(port), source, Entry::Announce { build_id });
    }
}

/// A full ring loses the line: the supervisor waits for nobody.
fn push(ring: &mut Ring, text: &[u8]) {
    let Ok(mut record) = ring.producer.reserve(1 + text.len()) else {
        return;
    };
    if record.append(&[Kind::Text.code()]).is_ok()
        && record.append(text).is_ok()
        && record.commit() == Wake::Needed
    {
        ring.console.signal();
    }
}

/// A serial port as a writer of text.
struct Text<'p>(&'p mut Port);

impl Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        embedded_io::Write::write_all(self.0, text.as_bytes()).map_err(|_| fmt::Error)
    }
}

/// A line cut off at the length of a record.
struct Bounded {
    bytes: [u8; TEXT_BYTES],
    length: usize,
}

impl Default for Bounded {
    fn default() -> Self {
        Self {
            bytes: [0; TEXT_BYTES],
            length: 0,
        }
    }
}

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let count = text.len().min(TEXT_BYTES - self.length);
        self.bytes[self.length..self.length + count].copy_from_slice(&text.as_bytes()[..count]);
        self.length += count;
        Ok(())
    }
}
