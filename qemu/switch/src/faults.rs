//! What a link does to the frames on it, and the dice that decide.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

/// How often something happens, in parts per million.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Rate(u32);

/// A rate that is none: not a number, or outside 0 to 100 %.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a rate: write a percentage from 0 to 100, for example 5 or 0.1%")]
pub struct RateError(String);

impl Rate {
    const MILLION: u32 = 1_000_000;

    /// It does not happen.
    pub const NEVER: Self = Self(0);
    /// It happens to each frame.
    pub const ALWAYS: Self = Self(Self::MILLION);

    /// Of each hundred, `percent`; more than 100 counts as 100.
    #[must_use]
    pub const fn percent(percent: u32) -> Self {
        let parts = percent.saturating_mul(Self::MILLION / 100);
        Self(if parts > Self::MILLION {
            Self::MILLION
        } else {
            parts
        })
    }

    /// In parts per million.
    #[must_use]
    pub const fn parts_per_million(self) -> u32 {
        self.0
    }

    /// `die` is uniform in 0..1 000 000.
    const fn hits(self, die: u32) -> bool {
        die < self.0
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let error = || RateError(text.to_owned());
        let number = text.strip_suffix('%').unwrap_or(text).trim();
        let percent: f64 = number.parse().map_err(|_| error())?;
        if !(0.0..=100.0).contains(&percent) {
            return Err(error());
        }
        // In range by the check above, so the cast cuts nothing but the fraction.
        Ok(Self(
            (percent * f64::from(Self::MILLION / 100)).round() as u32
        ))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} %",
            f64::from(self.0) * 100.0 / f64::from(Self::MILLION)
        )
    }
}

/// How long each frame is kept: uniform between the two. Frames overtake each other when the two differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Delay {
    /// No frame takes less.
    pub least: Duration,
    /// No frame takes more.
    pub most: Duration,
}

impl Delay {
    /// At once.
    pub const NONE: Self = Self {
        least: Duration::ZERO,
        most: Duration::ZERO,
    };

    fn draw(self, random: &mut fastrand::Rng) -> Duration {
        let span = self.most.saturating_sub(self.least);
        self.least + span.mul_f64(random.f64())
    }
}

/// How much passes on one direction of a link in a second. What is more waits in line, behind each other, and no longer than
/// [`Bandwidth::LONGEST_LINE`]: then frames are lost, as at any router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Bandwidth(Option<NonZeroU64>);

/// What is no bandwidth.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no bandwidth: write 10Mbit/s, 500kbit/s, 1Gbit/s or off")]
pub struct BandwidthError(String);

impl Bandwidth {
    /// As much as there is.
    pub const UNLIMITED: Self = Self(None);
    /// So long a frame waits for its turn at most.
    pub const LONGEST_LINE: Duration = Duration::from_millis(100);

    /// In bits a second; 0 is no limit.
    #[must_use]
    pub const fn bits_per_second(bits: u64) -> Self {
        Self(NonZeroU64::new(bits))
    }

    /// How long a frame of `bytes` bytes occupies the link.
    pub(crate) fn time_of(self, bytes: usize) -> Duration {
        const NANOS: u128 = 1_000_000_000;
        let Some(bits) = self.0 else {
            return Duration::ZERO;
        };
        let nanos = bytes as u128 * 8 * NANOS / u128::from(bits.get());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl FromStr for Bandwidth {
    type Err = BandwidthError;

    fn from_str(text: &str) -> Result<Self, BandwidthError> {
        if text == "off" {
            return Ok(Self::UNLIMITED);
        }
        let error = || BandwidthError(text.to_owned());
        let text = text.strip_suffix("/s").unwrap_or(text);
        let (number, unit) = [("kbit", 1e3), ("Mbit", 1e6), ("Gbit", 1e9), ("bit", 1.0)]
            .into_iter()
            .find_map(|(unit, bits)| Some((text.strip_suffix(unit)?, bits)))
            .ok_or_else(error)?;
        let number: f64 = number.parse().map_err(|_| error())?;
        let bits = number * unit;
        // Above, no frame would wait a nanosecond.
        if !(1.0..=1e12).contains(&bits) {
            return Err(error());
        }
        Ok(Self::bits_per_second(bits as u64))
    }
}

/// What one direction of one link does to its frames. Each frame is judged by itself; a frame may suffer several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults {
    /// Frames that are lost.
    pub drop: Rate,
    /// Frames of which a second copy arrives after some that were sent later.
    pub duplicate: Rate,
    /// Frames that arrive after some that were sent later.
    pub reorder: Rate,
    /// Frames in which one bit is turned.
    pub corrupt: Rate,
    /// How long each frame travels.
    pub delay: Delay,
    /// How much passes in a second.
    pub bandwidth: Bandwidth,
    /// A frame to be overtaken waits no longer than this when no other comes.
    pub reorder_window: Duration,
}

impl Faults {
    /// Every frame arrives, once, in order, at once.
    pub const NONE: Self = Self {
        drop: Rate::NEVER,
        duplicate: Rate::NEVER,
        reorder: Rate::NEVER,
        corrupt: Rate::NEVER,
        delay: Delay::NONE,
        bandwidth: Bandwidth::UNLIMITED,
        reorder_window: Self::DEFAULT_REORDER_WINDOW,
    };

    /// A dozen round trips of an emulated link: long enough to be overtaken by the answer to a repeated request.
    pub const DEFAULT_REORDER_WINDOW: Duration = Duration::from_millis(3);

    /// Drops, duplicates and reorders at the same rate.
    #[must_use]
    pub const fn all_at(rate: Rate) -> Self {
        Self {
            drop: rate,
            duplicate: rate,
            reorder: rate,
            ..Self::NONE
        }
    }

    /// Whether frames pass untouched.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self
            == Self {
                reorder_window: self.reorder_window,
                ..Self::NONE
            }
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self::NONE
    }
}

/// At most so many later frames overtake a frame that is reordered.
pub(crate) const MAX_OVERTAKEN_BY: u32 = 3;

/// What befalls one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fate {
    pub(crate) dropped: bool,
    pub(crate) duplicate_after: Option<u32>,
    pub(crate) overtaken_by: Option<u32>,
    /// Which bit is turned, as a position to be taken modulo the frame's length.
    pub(crate) turned_bit: Option<u64>,
    pub(crate) delay: Duration,
}

/// The source of chance of one direction of one link.
#[derive(Debug)]
pub(crate) struct Dice(fastrand::Rng);

impl Dice {
    /// Each direction has dice of its own, so that what happens on one does not depend on how its frames interleave with another's.
    pub(crate) fn new(seed: u64, direction: u64) -> Self {
        // The golden ratio's bits spread consecutive directions over the seed space (Steele et al., SplitMix).
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        Self(fastrand::Rng::with_seed(
            seed ^ SPREAD.wrapping_mul(direction + 1),
        ))
    }

    /// Draws the same number of times whatever the rates are: changing one rate leaves the other decisions of a seed as they were.
    pub(crate) fn throw(&mut self, faults: &Faults) -> Fate {
        let mut die = || self.0.u32(0..Rate::MILLION);
        let [drop, duplicate, reorder, corrupt] = [die(), die(), die(), die()];
        let duplicate_after = self.0.u32(1..=MAX_OVERTAKEN_BY);
        let overtaken_by = self.0.u32(1..=MAX_OVERTAKEN_BY);
        let bit = self.0.u64(..);
        Fate {
            dropped: faults.drop.hits(drop),
            duplicate_after: faults.duplicate.hits(duplicate).then_some(duplicate_after),
            overtaken_by: faults.reorder.hits(reorder).then_some(overtaken_by),
            turned_bit: faults.corrupt.hits(corrupt).then_some(bit),
            delay: faults.delay.draw(&mut self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_people_write_them() {
        assert_eq!("5".parse(), Ok(Rate::percent(5)));
        assert_eq!("5%".parse(), Ok(Rate::percent(5)));
        assert_eq!(
            "0.1 %".parse::<Rate>().map(Rate::parts_per_million),
            Ok(1_000)
        );
        for bad in ["", "-1", "101", "nan", "inf", "many"] {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
    }

    #[test]
    fn bandwidths_are_read_as_people_write_them() {
        let frame = |text: &str| text.parse::<Bandwidth>().map(|b| b.time_of(1250));
        assert_eq!(frame("10Mbit/s"), Ok(Duration::from_millis(1)));
        assert_eq!(frame("1Gbit"), Ok(Duration::from_micros(10)));
        assert_eq!(frame("0.5kbit/s"), Ok(Duration::from_secs(20)));
        assert_eq!(frame("off"), Ok(Duration::ZERO));
        for bad in [
            "",
            "10",
            "10MB/s",
            "-1Mbit",
            "0bit",
            "nanMbit",
            "9999999Gbit",
        ] {
            assert!(frame(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn changing_one_rate_leaves_the_other_decisions() {
        let fates = |faults: Faults| {
            let mut dice = Dice::new(7, 1);
            (0..1000).map(|_| dice.throw(&faults)).collect::<Vec<_>>()
        };
        let few = fates(Faults {
            drop: Rate::percent(10),
            ..Faults::NONE
        });
        let more = fates(Faults {
            drop: Rate::percent(10),
            reorder: Rate::percent(50),
            ..Faults::NONE
        });
        assert!(few.iter().zip(&more).all(|(a, b)| a.dropped == b.dropped));
        assert!(more.iter().any(|fate| fate.overtaken_by.is_some()));
    }

    #[test]
    fn a_rate_is_kept_on_average() {
        let mut dice = Dice::new(1, 0);
        let faults = Faults {
            drop: Rate::percent(5),
            ..Faults::NONE
        };
        let dropped = (0..100_000).filter(|_| dice.throw(&faults).dropped).count();
        assert!((4_500..5_500).contains(&dropped), "{dropped}");
    }
}
