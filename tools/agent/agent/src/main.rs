//! The agent of a host test on a machine: makes the calls that are typed into the machine's serial line, and says what came of them.
//!
//! It can do what its description lets it do, and nothing of that by itself: `isthmus_testkit` adds it to a system under test, where it looks names up and calls what
//! it finds; what else it `uses`, the test can call as well. Capabilities stay in its slots until the test has them forgotten. The lines are `agent-protocol`'s. Read
//! next: `isthmus_testkit::Agent`.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use agent_protocol::{
    Answer, Line, Message, READY, REQUEST_BYTES, Request, RequestId, WORDS_IN_LINE, Way,
};
use console_interface::{ConsoleClient, ConsoleError};
use heapless::{String, Vec};
use isthmus_runtime::abi::limits::MESSAGE_WORDS;
use isthmus_runtime::abi::startup::Missing;
use isthmus_runtime::interface::{CallError, Outgoing, Transport};
use isthmus_runtime::{Kernel, Never, Slot, Startup, say, slots};
use naming_interface::{NamingClient, Path, resolve};

isthmus_runtime::entry!(main);

fn main(startup: &'static Startup) -> Result<Never, CallError<ConsoleError>> {
    let Ok(console) = startup.endpoint(ConsoleClient::<Kernel>::INTERFACE) else {
        say!("the agent hears nothing: add `uses = [\"console\"]` to its description");
        isthmus_runtime::exit(isthmus_runtime::ExitCode::FAILURE)
    };
    let console = ConsoleClient::new(Kernel, console);
    let mut line = Typed::new();
    say!("{READY}");
    loop {
        for byte in console.read()? {
            if let Some(text) = line.push(byte) {
                obey(startup, text);
            }
        }
    }
}

/// A line that is being typed.
struct Typed {
    text: String<REQUEST_BYTES>,
    ended: bool,
}

impl Typed {
    const fn new() -> Self {
        Self {
            text: String::new(),
            ended: false,
        }
    }

    /// Adds a byte; answers the line if that was its end. Of one that is too long only the end is left, which means nothing.
    fn push(&mut self, byte: u8) -> Option<&str> {
        if self.ended {
            self.text.clear();
            self.ended = false;
        }
        self.ended = byte == b'\n';
        if self.ended {
            return Some(&self.text);
        }
        if self.text.push(byte.into()).is_err() {
            self.text.clear();
        }
        None
    }
}

/// Does what a line asks for. What is no request is somebody else's.
fn obey(startup: &'static Startup, line: &str) {
    let Ok((id, request)) = Request::read(line) else {
        return;
    };
    match request {
        Request::Find(path) => find(startup, id, path),
        Request::Granted(interface) => match startup.endpoint(interface) {
            Ok(slot) => tell(id, &Answer::Found(slot)),
            Err(_) => tell(
                id,
                &Answer::Refused("the agent's description does not say `uses` of it"),
            ),
        },
        Request::Forget(slot) => {
            slots::free(slot);
            tell(id, &Answer::Done);
        }
        Request::Message(message) => send(id, &message),
    }
}

fn tell(id: RequestId, answer: &Answer<'_>) {
    say!("{}", Line(id, answer));
}

/// Says why something cannot be done, as far as that fits a line.
fn refuse(id: RequestId, why: &dyn core::fmt::Display) {
    use core::fmt::Write;

    const WHY_BYTES: usize = 160;
    let mut text = String::<WHY_BYTES>::new();
    let _ = write!(text, "{why}");
    tell(id, &Answer::Refused(&text));
}

fn find(startup: &'static Startup, id: RequestId, path: &str) {
    let naming: Result<Slot, Missing<'_>> = startup.endpoint(NamingClient::<Kernel>::INTERFACE);
    let naming = match naming {
        Ok(naming) => naming,
        Err(missing) => return refuse(id, &missing),
    };
    let path = match Path::new(path) {
        Ok(path) => path,
        Err(bad) => return refuse(id, &bad),
    };
    match resolve(&Kernel, naming, &path) {
        Ok(found) => tell(id, &Answer::Found(found.into_slot())),
        Err(error) => refuse(id, &error),
    }
}

fn send(id: RequestId, message: &Message) {
    let outgoing = Outgoing {
        label: message.label,
        words: &message.words,
        capability: message.capability,
    };
    if message.way == Way::Send {
        Kernel.send(message.to, outgoing);
        return tell(id, &Answer::Done);
    }
    let mut buffer = [0; MESSAGE_WORDS];
    let incoming = Kernel.call(message.to, outgoing, &mut buffer);
    for words in incoming.words.chunks(WORDS_IN_LINE) {
        tell(
            id,
            &Answer::Words(Vec::from_slice(words).unwrap_or_default()),
        );
    }
    let answer = Answer::Answered {
        label: incoming.label,
        length: incoming.words.len(),
        capability: incoming.capability.map(|capability| capability.into_slot()),
    };
    tell(id, &answer);
}
