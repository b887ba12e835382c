//! The calls, and whether their answers are right.

use core::fmt;

use isthmus_runtime::abi::Outcome;
use isthmus_runtime::interface::CallError;
use isthmus_runtime::{Duration, say, time};
use kv_interface::{Key, KvError, RequestId, Totals, VALUE_BYTES, Value};

use crate::calls::{Calls, Numbered};
use crate::times::{Millis, Times};
use crate::{Failure, OnFailure, failure};

/// What the demonstration ends with.
pub(crate) struct Summary {
    calls: u32,
    failures: u32,
    spread: Option<[Duration; 3]>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} calls, every answer right, each request run once",
            self.calls
        )?;
        if self.failures > 0 {
            write!(f, "; {} without an answer, each told truly", self.failures)?;
        }
        if let Some([fastest, median, slowest]) = self.spread {
            write!(
                f,
                "; median {}, {} to {}",
                Millis(median),
                Millis(fastest),
                Millis(slowest)
            )?;
        }
        Ok(())
    }
}

fn key(text: &str) -> Key {
    Key::try_from(text).expect("the demonstration's keys are short")
}

/// Each kind of call once, with its time.
pub(crate) fn story(kv: &mut Calls) -> Result<(), Failure> {
    let name = key("greeting");
    let greeting: Value = Value::from_slice(b"hello over there").expect("it is short");
    let stored = timed("put greeting", || kv.put(&name, &greeting))?;
    let got = timed("get greeting", || kv.get(&name))?;
    right("the greeting", got == greeting)?;
    right("its number", stored >= 1)?;

    let long: Value = (0..VALUE_BYTES).map(|i| (i % 251) as u8).collect();
    let name = key("long");
    timed("put 800 bytes", || kv.put(&name, &long))?;
    let got = timed("get 800 bytes", || kv.get(&name))?;
    right("the 800 bytes", got == long)?;

    let count = timed("count", || kv.count())?;
    right("the count", count >= 2)?;
    match kv.get(&key("nothing")) {
        (_, Err(CallError::Interface(KvError::NoSuchKey))) => {
            say!("demo: get nothing -> {}", KvError::NoSuchKey);
            Ok(())
        }
        (_, Err(error)) => Err(failure!("get nothing: {error}")),
        (_, Ok(_)) => Err(failure!("something was got that was never put")),
    }
}

/// A text goes where a client's words go: a key, a value, a name that nobody has.
pub(crate) fn marked(kv: &mut Calls, marker: &str) -> Result<(), Failure> {
    let too_long = |_| failure!("marker={marker} is too long");
    let name = Key::try_from(marker).map_err(too_long)?;
    let value = Value::from_slice(marker.as_bytes()).map_err(|_| failure!("it is too long"))?;
    timed("put the marker", || kv.put(&name, &value))?;
    let got = timed("get the marker", || kv.get(&name))?;
    right("the marker", got == value)?;
    right("a name that nobody has", !kv.is_name(marker)?)
}

fn timed<T>(what: &str, call: impl FnOnce() -> Numbered<T>) -> Result<T, Failure> {
    let start = time::now();
    let (_, result) = call();
    let took = time::now() - start;
    let value = result.map_err(|error| failure!("{what}: {error}"))?;
    say!("demo: {what}: {}", Millis(took));
    Ok(value)
}

fn right(what: &str, so: bool) -> Result<(), Failure> {
    if so {
        Ok(())
    } else {
        Err(failure!("{what} came back wrong"))
    }
}

/// What the server must have counted.
struct Books {
    /// The server's count when this began.
    start: Totals,
    /// Requests of ours since that it has surely run.
    surely: u64,
    /// Requests of ours since that it may have run.
    perhaps: u64,
    /// How often the key has been stored since, as the server last said.
    stored: Option<u64>,
}

impl Books {
    fn open(kv: &mut Calls) -> Result<Self, Failure> {
        Ok(Self {
            start: kv.totals()?,
            surely: 0,
            perhaps: 0,
            stored: None,
        })
    }

    /// Each of our requests was run once: no more of them than were made, no fewer than were answered, none twice.
    fn check(&self, kv: &mut Calls) -> Result<(), Failure> {
        let now = kv.totals()?;
        if now.incarnation != self.start.incarnation {
            return Err(failure!("the server was started again, unnoticed"));
        }
        let run = now.requests - self.start.requests;
        if run < self.surely || run > self.surely + self.perhaps {
            return Err(failure!(
                "{} requests were answered, and {run} run",
                self.surely
            ));
        }
        if now.requests != now.distinct {
            return Err(failure!(
                "{} requests were run, of which only {} differ",
                now.requests,
                now.distinct
            ));
        }
        Ok(())
    }
}

/// Many numbered calls, by turns a put and a get of the same key; each answer is checked, and at the end the server's count.
pub(crate) fn many(kv: &mut Calls, calls: u32, on_failure: OnFailure) -> Result<Summary, Failure> {
    if calls > kv.numbers_left() {
        return Err(failure!(
            "the server counts {} calls at most",
            kv.numbers_left()
        ));
    }
    let mut times = Times::for_calls(calls);
    let mut books = Books::open(kv)?;
    let mut failures = 0;
    let name = key("turn");
    let mut value = Value::new();
    for turn in 0..calls {
        let put = turn % 2 == 0 || value.is_empty();
        if put {
            value = Value::from_slice(&turn.to_le_bytes()).expect("four bytes fit");
        }
        let start = time::now();
        let (id, result) = if put {
            let (id, result) = kv.put(&name, &value);
            (id, result.map(Some))
        } else {
            let (id, result) = kv.get(&name);
            (id, result.map(|got| (got != value).then_some(0)))
        };
        times.note(time::now() - start);
        match result {
            Ok(answer) => check_answer(turn, answer, &mut books)?,
            Err(CallError::Outcome(outcome)) if on_failure == OnFailure::Retry => {
                failures += 1;
                say!("demo: call {turn} ended: {outcome}");
                recover(kv, id, outcome, &mut books)?;
                value.clear();
            }
            Err(error) => return Err(failure!("call {turn}: {error}")),
        }
    }
    books.check(kv)?;
    Ok(Summary {
        calls,
        failures,
        spread: times.spread(),
    })
}

/// A put answers with a number one higher than the last; a get with what was put (`None`), else with `Some(0)`.
fn check_answer(turn: u32, answer: Option<u64>, books: &mut Books) -> Result<(), Failure> {
    books.surely += 1;
    match (answer, books.stored) {
        (None, _) => Ok(()),
        (Some(0), _) => Err(failure!(
            "call {turn}: what was put came back as something else"
        )),
        (Some(stored), Some(last)) if stored != last + 1 => Err(failure!(
            "call {turn}: stored for the {stored}th time, after the {last}th"
        )),
        (Some(stored), _) => {
            books.stored = Some(stored);
            Ok(())
        }
    }
}

/// After a call without an answer: the server is looked up again, and if it is still the same it must say what the outcome
/// said.
fn recover(
    kv: &mut Calls,
    id: RequestId,
    outcome: Outcome,
    books: &mut Books,
) -> Result<(), Failure> {
    let start = time::now();
    kv.find_again()?;
    let totals = kv.totals()?;
    say!("demo: found it again after {}", Millis(time::now() - start));
    if totals.incarnation != books.start.incarnation {
        say!("demo: the server was started again");
        *books = Books::open(kv)?;
        return Ok(());
    }
    let runs = kv.executed(id)?;
    match (outcome, runs) {
        (Outcome::NotExecuted(_), 0) => {}
        (Outcome::Unknown(_), 0 | 1) => {
            books.perhaps += 1;
            books.stored = None;
        }
        _ => {
            return Err(failure!(
                "request {id:?} was run {runs} times, and the outcome was: {outcome}"
            ));
        }
    }
    say!("demo: the server has run that request {runs} times");
    Ok(())
}
