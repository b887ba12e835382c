//! The network's weather in words: what a test, a script or a person at the keyboard tells the switch while machines run.
//!
//! A command is one line: what, where, how much (`loss 1>2 5%`). A script is a file of them, each after the time at which it counts (`2s cut 1-2`).
//! Machines are counted from 1, as everywhere else. Pure: [`crate::Fabric::apply`] does what a command says.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::address::PortId;
use crate::fabric::LinkState;
use crate::faults::{Bandwidth, Delay, Faults, Rate};

/// How commands are written: for help texts.
pub const GRAMMAR: &str = "\
  cut WHERE                 frames are lost          mend WHERE      they pass again
  loss WHERE 5%             some are lost            duplicate WHERE 5%    some come twice
  reorder WHERE 5%          some are overtaken       corrupt WHERE 5%      in some a bit is turned
  delay WHERE 10ms..20ms    all travel so long       bandwidth WHERE 10Mbit/s, or off
  partition 1,2 3           machines in different groups do not reach each other, those of one group do
  clear WHERE               all of that is over
WHERE: 1>2 (one direction), 1-2 (both), 1 (all of machine 1), all";

/// Which links, each in which direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Every link.
    All,
    /// From one machine to another.
    Way(PortId, PortId),
    /// Between two machines, both ways.
    Link(PortId, PortId),
    /// Between one machine and all others, both ways.
    Machine(PortId),
}

/// What a command does to each way that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Frames are lost, those under way too.
    Cut,
    /// They pass again.
    Mend,
    /// How many are lost.
    Loss(Rate),
    /// How many come twice.
    Duplicate(Rate),
    /// How many are overtaken.
    Reorder(Rate),
    /// In how many a bit is turned.
    Corrupt(Rate),
    /// How long they travel.
    Delay(Delay),
    /// How much passes in a second.
    Bandwidth(Bandwidth),
    /// Whole, and without faults.
    Clear,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A change of some ways.
    Change(Place, Change),
    /// Groups of machines that do not reach each other. Within a group links are mended; machines that are in no group are left as they are.
    Partition(Vec<Vec<PortId>>),
}

/// A line that is no command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// No such word.
    #[error("`{0}` is no command. They are:\n{GRAMMAR}")]
    Unknown(String),
    /// Something is missing, or there is too much.
    #[error("`{line}`: write `{usage}`")]
    Usage {
        /// What was written.
        line: String,
        /// What is expected.
        usage: &'static str,
    },
    /// Not a place.
    #[error(
        "`{0}` is no place: write 1>2 (one direction), 1-2 (both), 1 (all of machine 1), or all"
    )]
    Place(String),
    /// Not a value.
    #[error("`{value}` is no {what}")]
    Value {
        /// What was written.
        value: String,
        /// What is expected, with an example.
        what: &'static str,
    },
    /// A machine that is in two groups.
    #[error("machine {0} is in two groups of the partition")]
    TwoGroups(u32),
    /// A machine that is not there.
    #[error("there is no machine {0}: the switch has {1} ports")]
    NoMachine(u32, u8),
}

impl Place {
    /// Whether the direction belongs to it.
    #[must_use]
    pub fn has(self, from: PortId, to: PortId) -> bool {
        match self {
            Self::All => true,
            Self::Way(a, b) => (from, to) == (a, b),
            Self::Link(a, b) => (from, to) == (a, b) || (from, to) == (b, a),
            Self::Machine(a) => from == a || to == a,
        }
    }

    fn ports(self) -> impl Iterator<Item = PortId> {
        let (first, second) = match self {
            Self::All => (None, None),
            Self::Way(a, b) | Self::Link(a, b) => (Some(a), Some(b)),
            Self::Machine(a) => (Some(a), None),
        };
        first.into_iter().chain(second)
    }
}

impl Change {
    /// Does it to one direction.
    pub(crate) fn apply(self, state: &mut LinkState, faults: &mut Faults) {
        match self {
            Self::Cut => *state = LinkState::Cut,
            Self::Mend => *state = LinkState::Whole,
            Self::Loss(rate) => faults.drop = rate,
            Self::Duplicate(rate) => faults.duplicate = rate,
            Self::Reorder(rate) => faults.reorder = rate,
            Self::Corrupt(rate) => faults.corrupt = rate,
            Self::Delay(delay) => faults.delay = delay,
            Self::Bandwidth(bandwidth) => faults.bandwidth = bandwidth,
            Self::Clear => (*state, *faults) = (LinkState::Whole, Faults::NONE),
        }
    }
}

impl Command {
    /// Whether a switch of `ports` ports has all the machines that it names.
    ///
    /// # Errors
    /// [`CommandError::NoMachine`].
    pub fn check(&self, ports: u8) -> Result<(), CommandError> {
        let missing = |port: &PortId| port.0 >= ports;
        let named: Vec<PortId> = match self {
            Self::Change(place, _) => place.ports().collect(),
            Self::Partition(groups) => groups.iter().flatten().copied().collect(),
        };
        match named.into_iter().find(missing) {
            Some(port) => Err(CommandError::NoMachine(u32::from(port.0) + 1, ports)),
            None => Ok(()),
        }
    }
}

impl FromStr for Command {
    type Err = CommandError;

    fn from_str(line: &str) -> Result<Self, CommandError> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let usage = |usage| CommandError::Usage {
            line: line.trim().to_owned(),
            usage,
        };
        let (what, rest) = words
            .split_first()
            .ok_or_else(|| CommandError::Unknown(String::new()))?;
        let plain = |change, text| match rest {
            [place] => Ok(Self::Change(place.parse()?, change)),
            _ => Err(usage(text)),
        };
        let rated = |change: fn(Rate) -> Change, text| match rest {
            [place, value] => Ok(Self::Change(place.parse()?, change(rate(value)?))),
            _ => Err(usage(text)),
        };
        match *what {
            "cut" => plain(Change::Cut, "cut WHERE"),
            "mend" => plain(Change::Mend, "mend WHERE"),
            "clear" => plain(Change::Clear, "clear WHERE"),
            "loss" => rated(Change::Loss, "loss WHERE 5%"),
            "duplicate" => rated(Change::Duplicate, "duplicate WHERE 5%"),
            "reorder" => rated(Change::Reorder, "reorder WHERE 5%"),
            "corrupt" => rated(Change::Corrupt, "corrupt WHERE 5%"),
            "delay" => match rest {
                [place, value] => Ok(Self::Change(place.parse()?, Change::Delay(delay(value)?))),
                _ => Err(usage("delay WHERE 10ms..20ms")),
            },
            "bandwidth" => match rest {
                [place, value] => {
                    let bandwidth = value.parse().map_err(|_| CommandError::Value {
                        value: (*value).to_owned(),
                        what: "bandwidth: write 10Mbit/s, 500kbit/s, 1Gbit/s or off",
                    })?;
                    Ok(Self::Change(place.parse()?, Change::Bandwidth(bandwidth)))
                }
                _ => Err(usage("bandwidth WHERE 10Mbit/s")),
            },
            "partition" if rest.len() >= 2 => groups(rest).map(Self::Partition),
            "partition" => Err(usage("partition 1,2 3")),
            other => Err(CommandError::Unknown(other.to_owned())),
        }
    }
}

impl FromStr for Place {
    type Err = CommandError;

    fn from_str(text: &str) -> Result<Self, CommandError> {
        let error = || CommandError::Place(text.to_owned());
        let pair = |a: &str, b: &str| match (machine(a), machine(b)) {
            (Some(a), Some(b)) if a != b => Ok((a, b)),
            _ => Err(error()),
        };
        if text == "all" {
            Ok(Self::All)
        } else if let Some((a, b)) = text.split_once('>') {
            pair(a, b).map(|(a, b)| Self::Way(a, b))
        } else if let Some((a, b)) = text.split_once('-') {
            pair(a, b).map(|(a, b)| Self::Link(a, b))
        } else {
            machine(text).map(Self::Machine).ok_or_else(error)
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |port: PortId| u32::from(port.0) + 1;
        match *self {
            Self::All => write!(f, "all"),
            Self::Way(a, b) => write!(f, "{}>{}", number(a), number(b)),
            Self::Link(a, b) => write!(f, "{}-{}", number(a), number(b)),
            Self::Machine(a) => write!(f, "{}", number(a)),
        }
    }
}

/// Machines are counted from 1, ports from 0.
fn machine(text: &str) -> Option<PortId> {
    text.parse::<u8>().ok()?.checked_sub(1).map(PortId)
}

fn rate(text: &str) -> Result<Rate, CommandError> {
    text.parse().map_err(|_| CommandError::Value {
        value: text.to_owned(),
        what: "share: write a percentage from 0 to 100, for example 5 or 0.1%",
    })
}

fn delay(text: &str) -> Result<Delay, CommandError> {
    let error = || CommandError::Value {
        value: text.to_owned(),
        what: "delay: write 10ms, 500us, or two with .. between them, the shorter first",
    };
    let (least, most) = text.split_once("..").unwrap_or((text, text));
    let least = duration(least).ok_or_else(error)?;
    let most = duration(most).ok_or_else(error)?;
    (least <= most)
        .then_some(Delay { least, most })
        .ok_or_else(error)
}

/// The longest time that a command or a script names: an hour.
const LONGEST: Duration = Duration::from_secs(3600);

/// `10ms`, `1.5s`, `500us`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0)]
        .into_iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))?;
    let number: f64 = number.parse().ok()?;
    let duration = Duration::try_from_secs_f64(number * unit).ok()?;
    (duration <= LONGEST).then_some(duration)
}

fn groups(words: &[&str]) -> Result<Vec<Vec<PortId>>, CommandError> {
    let mut seen = Vec::new();
    let mut group = |word: &&str| {
        let mut members = Vec::new();
        for text in word.split(',') {
            let port = machine(text).ok_or_else(|| CommandError::Value {
                value: (*word).to_owned(),
                what: "group: write machines with commas between them, for example 1,2",
            })?;
            if seen.contains(&port) {
                return Err(CommandError::TwoGroups(u32::from(port.0) + 1));
            }
            seen.push(port);
            members.push(port);
        }
        Ok(members)
    };
    words.iter().map(&mut group).collect()
}
