//! What goes to the host.

use core::convert::Infallible;
use core::fmt;

use bench_logic::{Figure, Hundredths, Samples, Unit};
use isthmus_runtime::interface::CallError;
use isthmus_runtime::say;

/// Why there is no figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// There is no such benchmark.
    Unknown,
    /// The description does not let this program call a server of that interface.
    NoServer(&'static str),
    /// A call was not answered.
    Call(CallError<Infallible>),
    /// An answer was not that of the question.
    WrongAnswer,
    /// The server has run more or fewer calls than were made.
    Miscounted,
    /// There are more samples than room, or none.
    TooMany,
}

impl From<CallError<Infallible>> for Failure {
    fn from(error: CallError<Infallible>) -> Self {
        Self::Call(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("there is no such benchmark"),
            Self::NoServer(interface) => write!(f, "the description grants no `{interface}`"),
            Self::Call(error) => write!(f, "a call was not answered: {error}"),
            Self::WrongAnswer => f.write_str("an answer was wrong"),
            Self::Miscounted => f.write_str("the server ran not each call once"),
            Self::TooMany => f.write_str("no room for the samples"),
        }
    }
}

/// Tells a figure; `hundredths` makes a sample one of its unit.
pub fn report<const N: usize>(
    name: &str,
    unit: Unit,
    samples: &mut Samples<N>,
    hundredths: impl Fn(u64) -> u64,
) -> Result<(), Failure> {
    let summary = samples.summary().ok_or(Failure::TooMany)?;
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
