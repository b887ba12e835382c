//! What the root task says: on the serial line itself until the components run, then through a log ring like everybody's, and on the line
//! itself again when the console server has died.

use core::cell::RefCell;
use core::fmt::{self, Write};

use console_logic::{Entry, Source};
use isthmus_abi::log::{Kind, TEXT_BYTES};
use sel4::cap;
use shared_memory::{Producer, Wake};

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
    Ring {
        ring: Producer<'static>,
        console: cap::Notification,
    },
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

/// From now on lines go through `ring`, and `console` is signalled.
pub fn hand_over(ring: Producer<'static>, console: cap::Notification) {
    CONSOLE.0.borrow_mut().sink = Sink::Ring { ring, console };
}

/// The console server has died: the line is ours again.
pub fn take_back() {
    CONSOLE.0.borrow_mut().sink = Sink::Line;
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
                let _ = write!(Text(port), "isthmus: {arguments}\n");
            }
        }
        Sink::Ring { ring, console } => {
            let mut line = Bounded::default();
            let _ = write!(line, "isthmus: {arguments}");
            push(ring, *console, &line.bytes[..line.length]);
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
fn push(ring: &mut Producer<'static>, console: cap::Notification, text: &[u8]) {
    let Ok(mut record) = ring.reserve(1 + text.len()) else {
        return;
    };
    if record.append(&[Kind::Text.code()]).is_ok()
        && record.append(text).is_ok()
        && record.commit() == Wake::Needed
    {
        console.signal();
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
