//! A figure, as the host reads it.

use core::fmt;

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Instructions of the emulated processor, the kernel's included.
    Instructions,
    /// Microseconds of the host's clock.
    Micros,
    /// One figure over another.
    Ratio,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Instructions => "instructions",
            Self::Micros => "us",
            Self::Ratio => "ratio",
        })
    }
}

/// A number with two decimals. Integers only: a program that uses no floating point makes the kernel switch no such registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hundredths(pub u64);

impl fmt::Display for Hundredths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// One line of results. `Display` writes what the host understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure<'n> {
    /// Of what: the name of the benchmark.
    pub name: &'n str,
    /// What it is counted in.
    pub unit: Unit,
    /// The median.
    pub p50: Hundredths,
    /// 99 of 100 samples are no more than this.
    pub p99: Hundredths,
    /// How many samples there are.
    pub n: usize,
}

impl fmt::Display for Figure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            unit,
            p50,
            p99,
            n,
        } = self;
        write!(f, "bench: {name} {unit} {p50} {p99} {n}")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::string::ToString;

    #[test]
    fn the_line_is_what_the_host_reads() {
        let figure = Figure {
            name: "local_call",
            unit: Unit::Instructions,
            p50: Hundredths(46_205),
            p99: Hundredths(50_000),
            n: 500,
        };
        assert_eq!(
            figure.to_string(),
            "bench: local_call instructions 462.05 500.00 500"
        );
    }
}
