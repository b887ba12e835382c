//! What goes to the host.

use core::convert::Infallible;
use core::fmt;

use bench_logic::{Figure, Full, Hundredths, Samples, Unit};
use isthmus_runtime::interface::CallError;
use isthmus_runtime::{memory, say};
use naming_interface::ResolveError;
use network_interface::NetworkError;

/// Why there is no figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// There is no such benchmark.
    Unknown,
    /// The description does not let this program call a server of that interface.
    NoServer(&'static str),
    /// A call was not answered.
    Call(CallError<Infallible>),
    /// The memory server refused.
    Memory(memory::Error),
    /// An answer was not that of the question.
    WrongAnswer,
    /// The server has run more or fewer calls than were made.
    Miscounted,
    /// The other machine's server was not found.
    NotFound(ResolveError),
    /// The network server did not play the wire echo.
    Echo(CallError<NetworkError>),
    /// Raw frames were lost.
    LostFrames,
    /// The flood ended before the calls beside it.
    FloodTooShort,
    /// More samples than room.
    TooMany,
    /// No samples, or round trips that took no time.
    NoTime,
}

impl From<Full> for Failure {
    fn from(Full: Full) -> Self {
        Self::TooMany
    }
}

impl From<CallError<Infallible>> for Failure {
    fn from(error: CallError<Infallible>) -> Self {
        Self::Call(error)
    }
}

impl From<memory::Error> for Failure {
    fn from(error: memory::Error) -> Self {
        Self::Memory(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("there is no such benchmark"),
            Self::NoServer(interface) => write!(f, "the description grants no `{interface}`"),
            Self::Call(error) => write!(f, "a call was not answered: {error}"),
            Self::Memory(error) => write!(f, "memory: {error}"),
            Self::WrongAnswer => f.write_str("an answer was wrong"),
            Self::Miscounted => f.write_str("the server ran not each call once"),
            Self::NotFound(error) => write!(f, "the other machine's server: {error}"),
            Self::Echo(error) => write!(f, "the network server's echo: {error}"),
            Self::LostFrames => f.write_str("raw frames were lost"),
            Self::FloodTooShort => f.write_str("the flood ended before the calls beside it"),
            Self::TooMany => f.write_str("no room for the samples"),
            Self::NoTime => f.write_str("nothing was measured"),
        }
    }
}

/// What an answer was: right or wrong.
pub fn check(right: bool) -> Result<(), Failure> {
    if right {
        Ok(())
    } else {
        Err(Failure::WrongAnswer)
    }
}

/// Tells a figure; `hundredths` makes a sample one of its unit.
pub fn report<const N: usize>(
    name: &str,
    unit: Unit,
    samples: &mut Samples<N>,
    hundredths: impl Fn(u64) -> u64,
) -> Result<(), Failure> {
    let summary = samples.summary().ok_or(Failure::NoTime)?;
    let value = |sample| Hundredths(hundredths(sample));
    let figure = Figure {
        name,
        unit,
        p50: value(summary.p50),
        p99: value(summary.p99),
        n: summary.n,
    };
    say!("{figure}");
    Ok(())
}
