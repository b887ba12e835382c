//! Typed calls from a host test to components, through an agent on a machine.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use agent_protocol::{Answer, MARK, Message, READY, Request, RequestId, Way};
use isthmus_interface::abi::limits::{MESSAGE_WORDS, REGISTER_WORDS};
use isthmus_interface::abi::{Label, NotExecuted, Outcome, Slot, Unknown};
use isthmus_interface::{Cap, Incoming, Outgoing, ShortAnswer, Transport};

use crate::failure::Failure;
use crate::machine::Machine;
use crate::pattern::says;

/// What the agent is called in a description.
pub(crate) const AGENT: &str = "agent";

/// What an agent uses if it is there: for calls by a path, and for what is done to components.
const USES: [&str; 2] = ["naming", "scheduler"];

/// The agent as a component, for a description that has none: it uses what a test calls by a path, and whatever else is named.
pub(crate) fn component(uses: &[&str]) -> String {
    let optional = USES
        .iter()
        .map(|interface| format!("{{ interface = {interface:?}, optional = true }}"));
    let list: Vec<String> = ["console"]
        .iter()
        .chain(uses)
        .map(|interface| format!("{interface:?}"))
        .chain(optional)
        .collect();
    format!(
        "\n\n[[component]]\nname = \"{AGENT}\"\nprogram = \"test-agent\"\nstack = \"64KiB\"\nuses = [{}]\nslots = 1024\n",
        list.join(", ")
    )
}

/// The agent on a machine: what carries a host test's typed calls.
///
/// Give it to any client: it is a [`Transport`]. A call is made by the agent, on its machine, exactly as a component there would; so the server may be on that machine or on
/// another. A capability that a reply brings lies with the agent, and can be called, or sent along, through it.
///
/// Every call ends: if the machine does not answer within the agent's patience, with `Unknown(DeadlinePassed)`, or `Unknown(PeerLost)` if the machine has ended.
///
/// ```no_run
/// # use isthmus_testkit::{Arch, Cluster, Failure};
/// # mod hello_interface {
/// #     use isthmus_interface::{error_codes, interface};
/// #     error_codes! {
/// #         /// Why not.
/// #         pub enum HelloError {
/// #             /// No.
/// #             No = 1, "no";
/// #         }
/// #     }
/// #     /// Greets.
/// #     #[interface(name = "hello")]
/// #     pub trait Hello {
/// #         /// Greets.
/// #         #[method(0)]
/// #         fn greet(&mut self, guest: u64) -> Result<u64, HelloError>;
/// #     }
/// # }
/// # use hello_interface::{Hello, HelloClient};
/// # fn main() -> Result<(), Failure> {
/// let cluster = Cluster::build_with_agents("system.toml", &[Arch::X86_64, Arch::Aarch64])?.start()?;
/// // As a component on machine 2 calls it; the server is wherever the name leads.
/// let agent = cluster.machine(2).agent()?;
/// let hello = HelloClient::new(&agent, agent.find::<dyn Hello>("hello")?);
/// assert_eq!(hello.greet(7), Ok(1));
/// # Ok(())
/// # }
/// ```
pub struct Agent<'m> {
    machine: &'m Machine,
    patience: Duration,
    next: &'m AtomicU32,
    /// One request after the other.
    turn: &'m Mutex<()>,
}

/// What a machine keeps of its agent.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    next: AtomicU32,
    turn: Mutex<()>,
}

/// What came of a call.
struct Answered {
    label: Label,
    capability: Option<Slot>,
    words: Vec<u64>,
}

impl Answered {
    fn outcome(outcome: Outcome) -> Self {
        let (label, word) = outcome.encode();
        Self {
            label,
            capability: None,
            words: vec![word],
        }
    }
}

impl fmt::Debug for Agent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent")
            .field("node", &self.machine.node())
            .finish_non_exhaustive()
    }
}

impl<'m> Agent<'m> {
    /// A remote call ends within seconds; on a busy host the whole machine may stand still for some.
    pub const PATIENCE: Duration = Duration::from_secs(30);

    /// Waits for the agent of `machine`.
    pub(crate) fn of(machine: &'m Machine, turns: &'m Turns) -> Result<Self, Failure> {
        machine.wait_for(&says(AGENT, READY), Machine::BOOT_LIMIT)?;
        Ok(Self {
            machine,
            patience: Self::PATIENCE,
            next: &turns.next,
            turn: &turns.turn,
        })
    }

    /// Waits no longer than this for an answer.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Looks `path` up until it leads to something, as long as the agent has patience.
    ///
    /// # Errors
    /// What the last look-up said, with all consoles.
    pub fn find<K: ?Sized>(&self, path: &str) -> Result<Cap<K>, Failure> {
        let end = Instant::now() + self.patience;
        loop {
            match self.found(&Request::Find(path))? {
                Ok(slot) => return Ok(slot.into()),
                Err(why) if Instant::now() >= end => {
                    return Err(self.machine.failure(format!("`{path}`: {why}")));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// The server of an interface that the agent `uses` itself (`Cluster::build_with_agents_that_use`).
    ///
    /// # Errors
    /// If its description does not say so.
    pub fn granted<K: ?Sized>(&self, interface: &str) -> Result<Cap<K>, Failure> {
        let found = self.found(&Request::Granted(interface))?;
        found
            .map(Cap::from)
            .map_err(|why| self.machine.failure(format!("`{interface}`: {why}")))
    }

    /// Deletes a capability that the agent has been given. Others stay until its machine ends.
    ///
    /// # Errors
    /// If the agent does not answer.
    pub fn forget<K: ?Sized>(&self, capability: Cap<K>) -> Result<(), Failure> {
        self.found(&Request::Forget(capability.slot())).map(drop)
    }

    fn found(&self, request: &Request<'_>) -> Result<Result<Slot, String>, Failure> {
        let lines = self.ask(request)?;
        match lines.last().map(|line| Answer::read(line)) {
            Some(Ok((_, Answer::Found(slot)))) => Ok(Ok(slot)),
            Some(Ok((_, Answer::Done))) => Ok(Ok(Slot(0))),
            Some(Ok((_, Answer::Refused(why)))) => Ok(Err(why.to_owned())),
            _ => Err(self.machine.failure("the agent's answer cannot be read")),
        }
    }

    /// Sends a request, and waits for the lines of its answer.
    fn ask(&self, request: &Request<'_>) -> Result<Vec<String>, Failure> {
        let _turn = self
            .turn
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let id = RequestId(self.next.fetch_add(1, Ordering::Relaxed));
        let mut line = String::new();
        // A string takes everything.
        let _ = request.write(id, &mut line);
        self.machine.input(line.as_bytes())?;
        let belongs =
            |text: &str| text.starts_with(MARK) && Answer::read(text).is_ok_and(|(of, _)| of == id);
        let is_last =
            |text: &str| belongs(text) && !matches!(Answer::read(text), Ok((_, Answer::Words(_))));
        self.machine
            .wait_for_line("the agent's answer", self.patience, |said| {
                said.component() == Some(AGENT) && said.words().is_some_and(is_last)
            })?;
        let lines = self.machine.lines();
        let of_agent = lines
            .iter()
            .filter(|line| line.said.component() == Some(AGENT));
        let texts = of_agent.filter_map(|line| line.said.words());
        Ok(texts
            .filter(|text| belongs(text))
            .map(str::to_owned)
            .collect())
    }

    fn message(&self, way: Way, to: Slot, outgoing: &Outgoing<'_>) -> Answered {
        let words = match heapless_words(outgoing.words) {
            Some(words) => words,
            None => return Answered::outcome(NotExecuted::TooLong.into()),
        };
        let request = Request::Message(Message {
            way,
            to,
            label: outgoing.label,
            capability: outgoing.capability,
            words,
        });
        match self.ask(&request) {
            Ok(lines) => {
                assemble(&lines).unwrap_or_else(|| Answered::outcome(Unknown::ReplyLost.into()))
            }
            Err(_) if !self.machine.is_running() => Answered::outcome(Unknown::PeerLost.into()),
            Err(_) => Answered::outcome(Unknown::DeadlinePassed.into()),
        }
    }
}

fn heapless_words(words: &[u64]) -> Option<agent_protocol::Words> {
    (words.len() <= MESSAGE_WORDS).then(|| words.iter().copied().collect())
}

/// The answer that came in `lines`, if all of it came.
fn assemble(lines: &[String]) -> Option<Answered> {
    let mut all = Vec::new();
    for line in lines {
        match Answer::read(line).ok()?.1 {
            Answer::Words(words) => all.extend(words),
            Answer::Answered {
                label,
                capability,
                length,
            } => {
                return (all.len() == length).then_some(Answered {
                    label,
                    capability,
                    words: all,
                });
            }
            _ => return None,
        }
    }
    None
}

impl Transport for Agent<'_> {
    fn call<'a>(
        &self,
        to: Slot,
        request: Outgoing<'_>,
        buffer: &'a mut [u64; MESSAGE_WORDS],
    ) -> Incoming<'a> {
        let answered = self.message(Way::Call, to, &request);
        let length = answered.words.len().min(MESSAGE_WORDS);
        buffer[..length].copy_from_slice(&answered.words[..length]);
        Incoming {
            label: answered.label,
            words: &buffer[..length],
            capability: answered.capability.map(Into::into),
        }
    }

    fn call_short(
        &self,
        to: Slot,
        label: Label,
        words: [u64; REGISTER_WORDS],
        length: usize,
    ) -> ShortAnswer {
        let request = Outgoing {
            label,
            words: &words[..length],
            capability: None,
        };
        let answered = self.message(Way::Call, to, &request);
        if let Some(unwanted) = answered.capability {
            // Nobody can be told that it failed.
            let _ = self.forget::<()>(unwanted.into());
        }
        ShortAnswer {
            label: answered.label,
            words: std::array::from_fn(|i| answered.words.get(i).copied().unwrap_or(0)),
            length: answered.words.len(),
        }
    }

    fn send(&self, to: Slot, message: Outgoing<'_>) {
        let _ = self.message(Way::Send, to, &message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(answers: &[Answer<'_>]) -> Vec<String> {
        let line = |answer| agent_protocol::Line(RequestId(3), answer).to_string();
        answers.iter().map(line).collect()
    }

    fn answered(length: usize) -> Answer<'static> {
        Answer::Answered {
            label: Label::REPLY,
            capability: Some(Slot(9)),
            length,
        }
    }

    #[test]
    fn an_answer_is_put_together_and_a_lost_line_is_noticed() {
        let words = |words: &[u64]| Answer::Words(words.iter().copied().collect());
        let whole = lines(&[words(&[1, 2]), words(&[3]), answered(3)]);
        let answer = assemble(&whole).expect("all is there");
        assert_eq!(
            (answer.words, answer.capability),
            (vec![1, 2, 3], Some(Slot(9)))
        );
        assert!(assemble(&lines(&[words(&[3]), answered(3)])).is_none());
        assert!(assemble(&whole[..2]).is_none());
    }

    #[test]
    fn the_agent_is_a_component_as_descriptions_have_them() {
        let text = component(&["counter"]);
        assert!(
            text.contains(r#"uses = ["console", "counter", {"#),
            "{text}"
        );
    }
}
