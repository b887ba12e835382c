//! The receiver of a transfer: what it lacks, what it wants, and how much at a time.

use core::time::Duration;

use crate::fault::{Faults, PlantedFault};
use crate::limits::{
    BULK_QUEUEING, BULK_REORDERING, BULK_WINDOW_FIRST, BULK_WINDOW_LEAST, BULK_WINDOW_MAX,
    RETRANSMIT_FIRST, RETRANSMIT_MAX,
};
use crate::time::Instant;

/// Chunks that are remembered beside the first that is missing.
const SPAN: u32 = u64::BITS;

/// What has come of a transfer's chunks.
pub(super) struct Inflow {
    /// How many there are.
    chunks: u32,
    /// The first that has not come.
    first: u32,
    /// Of those from `first` on, the ones that have come.
    received: u64,
    /// The ones that are under way: wanted, and neither come nor given up.
    under_way: u64,
    /// Every chunk below was wanted once.
    wanted_below: u32,
    /// For each chunk in the span, which wanting it was wanted by last.
    serials: [u32; SPAN as usize],
    /// Of the next chunk that is wanted.
    serial: u32,
    window: u32,
    growth: Growth,
    /// What was wanted before is of a window that was halved already.
    halved_before: u32,
    /// The chunk whose delay is measured: its serial, and when it was wanted.
    timed: Option<(u32, Instant)>,
    quickest: Option<Duration>,
    usual: Option<Duration>,
    retry_at: Instant,
    pause: Duration,
}

/// How the window grows.
#[derive(Clone, Copy)]
enum Growth {
    /// By one for each chunk: there was no sign of congestion yet.
    Fast,
    /// By one for each window; so many chunks of the present one have come.
    Steady(u32),
}

impl Inflow {
    pub(super) const fn new(chunks: u32) -> Self {
        Self {
            chunks,
            first: 0,
            received: 0,
            under_way: 0,
            wanted_below: 0,
            serials: [0; SPAN as usize],
            serial: 0,
            window: BULK_WINDOW_FIRST,
            growth: Growth::Fast,
            halved_before: 0,
            timed: None,
            quickest: None,
            usual: None,
            retry_at: Instant::from_nanos(0),
            pause: RETRANSMIT_FIRST,
        }
    }

    /// Whether every chunk has come.
    // [N42]
    pub(super) const fn is_complete(&self, faults: Faults) -> bool {
        if faults.has(PlantedFault::CompleteTooEarly) {
            return self.wanted_below == self.chunks;
        }
        self.first == self.chunks
    }

    /// Chunks that can be wanted, from `first` on.
    const fn lacking(&self) -> u64 {
        let left = self.chunks - self.first;
        let there = if left >= SPAN {
            u64::MAX
        } else {
            (1 << left) - 1
        };
        there & !self.received & !self.under_way
    }

    /// Whether it is time to want more: there is something to want, and a quarter of the window to want it in.
    pub(super) const fn has_wants(&self, faults: Faults) -> bool {
        let under_way = self.under_way.count_ones();
        let room = under_way * 4 <= self.window * 3 && under_way < self.window;
        self.lacking() != 0 && (room || faults.has(PlantedFault::WantsUnbounded))
    }

    /// Wants what there is room for: the first chunk that is missing, and from there on a bit for each that is wanted now.
    // [N43]
    pub(super) fn want(&mut self, now: Instant, faults: Faults) -> (u32, u64) {
        let mut room = self.window.saturating_sub(self.under_way.count_ones());
        if faults.has(PlantedFault::WantsUnbounded) {
            room = SPAN;
        }
        if self.under_way == 0 {
            self.retry_at = now + self.pause;
        }
        let mut lacking = self.lacking();
        let mut wanted = 0;
        while lacking != 0 && room > 0 {
            let place = lacking.trailing_zeros();
            let bit = 1 << place;
            lacking &= !bit;
            wanted |= bit;
            room -= 1;
            let chunk = self.first + place;
            self.serials[(chunk % SPAN) as usize] = self.serial;
            self.timed.get_or_insert((self.serial, now));
            self.serial = self.serial.wrapping_add(1);
            self.wanted_below = self.wanted_below.max(chunk + 1);
        }
        self.under_way |= wanted;
        (self.first, wanted)
    }

    /// Whether a chunk was wanted, perhaps long ago, and has not come.
    pub(super) const fn expects(&self, chunk: u32) -> bool {
        if chunk < self.first || chunk >= self.wanted_below || chunk - self.first >= SPAN {
            return false;
        }
        self.received & 1 << (chunk - self.first) == 0
    }

    /// A chunk that is expected has been written.
    pub(super) fn take(&mut self, now: Instant, chunk: u32) {
        if !self.expects(chunk) {
            return;
        }
        let bit = 1 << (chunk - self.first);
        let serial = self.serials[(chunk % SPAN) as usize];
        self.received |= bit;
        self.under_way &= !bit;
        self.grow();
        self.time(now, serial);
        self.give_up_overtaken(serial);
        let came = self.received.trailing_ones();
        self.first += came;
        self.received = self.received.checked_shr(came).unwrap_or(0);
        self.under_way = self.under_way.checked_shr(came).unwrap_or(0);
        self.pause = self.patience();
        self.retry_at = now + self.pause;
    }

    /// What was wanted so much earlier than a chunk that has come is not waited for any longer.
    fn give_up_overtaken(&mut self, serial: u32) {
        let mut rest = self.under_way;
        while rest != 0 {
            let place = rest.trailing_zeros();
            rest &= !(1 << place);
            let wanted = self.serials[((self.first + place) % SPAN) as usize];
            if before(wanted.wrapping_add(BULK_REORDERING - 1), serial) {
                self.under_way &= !(1 << place);
                self.congested(wanted);
            }
        }
    }

    /// How long a chunk has taken says whether a queue has formed.
    fn time(&mut self, now: Instant, serial: u32) {
        let Some((timed, since)) = self.timed else {
            return;
        };
        if timed == serial {
            let delay = since.until(now);
            let quickest = self.quickest.map_or(delay, |quickest| quickest.min(delay));
            self.quickest = Some(quickest);
            self.usual = Some(self.usual.map_or(delay, |usual| (usual * 3 + delay) / 4));
            if quickest + BULK_QUEUEING < delay {
                self.congested(serial);
            }
        }
        // It has come, or one that was wanted later has.
        if !before(serial, timed) {
            self.timed = None;
        }
    }

    const fn grow(&mut self) {
        let more = match &mut self.growth {
            Growth::Fast => true,
            Growth::Steady(came) => {
                *came += 1;
                *came >= self.window
            }
        };
        if more && self.window < BULK_WINDOW_MAX {
            self.window += 1;
        }
        if more && matches!(self.growth, Growth::Steady(_)) {
            self.growth = Growth::Steady(0);
        }
    }

    /// A sign of congestion, about the chunk that was wanted so: the window is halved, once for all that was under way.
    const fn congested(&mut self, serial: u32) {
        if before(serial, self.halved_before) {
            return;
        }
        self.halved_before = self.serial;
        self.growth = Growth::Steady(0);
        self.window /= 2;
        if self.window < BULK_WINDOW_LEAST {
            self.window = BULK_WINDOW_LEAST;
        }
    }

    /// How long nothing may come while something is under way.
    fn patience(&self) -> Duration {
        let usual = self.usual.unwrap_or(RETRANSMIT_FIRST);
        (usual * 4).clamp(RETRANSMIT_FIRST, RETRANSMIT_MAX)
    }

    /// Nothing has come for too long: what is under way is given up.
    pub(super) fn expire(&mut self, now: Instant) {
        if self.timeout().is_some_and(|at| at <= now) {
            let last = self.serial.wrapping_sub(1);
            self.congested(last);
            self.under_way = 0;
            self.timed = None;
            self.pause = (self.pause * 2).min(RETRANSMIT_MAX);
        }
    }

    /// When [`expire`](Self::expire) has something to do.
    pub(super) const fn timeout(&self) -> Option<Instant> {
        if self.under_way == 0 {
            None
        } else {
            Some(self.retry_at)
        }
    }
}

/// Of two serials, which wrap around.
const fn before(one: u32, other: u32) -> bool {
    one != other && other.wrapping_sub(one) < 1 << 31
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::vec::Vec;

    fn at(micros: u64) -> Instant {
        Instant::from_nanos(micros * 1000)
    }

    fn places((first, bits): (u32, u64)) -> Vec<u32> {
        (0..64)
            .filter(|bit| bits & 1 << bit != 0)
            .map(|bit| first + bit)
            .collect()
    }

    #[test]
    fn everything_is_wanted_once_and_the_window_grows() {
        let mut inflow = Inflow::new(200);
        let mut asked = Vec::new();
        let mut now = 0;
        while !inflow.is_complete(Faults::NONE) {
            assert!(inflow.has_wants(Faults::NONE));
            let wanted = places(inflow.want(at(now), Faults::NONE));
            assert!(wanted.len() <= BULK_WINDOW_MAX as usize);
            for chunk in wanted {
                now += 10;
                assert!(inflow.expects(chunk));
                inflow.take(at(now), chunk);
                assert!(!inflow.expects(chunk));
                asked.push(chunk);
            }
        }
        assert!(asked.into_iter().eq(0..200));
        assert_eq!(inflow.window, BULK_WINDOW_MAX);
        assert_eq!(inflow.timeout(), None);
    }

    #[test]
    // [N43]
    fn what_is_overtaken_is_wanted_again_and_halves_the_window_once() {
        let mut inflow = Inflow::new(100);
        inflow.window = 16;
        let wanted = places(inflow.want(at(0), Faults::NONE));
        assert_eq!(wanted.len(), 16);
        // 2 and 5 are lost.
        for chunk in wanted.iter().filter(|chunk| ![2, 5].contains(*chunk)) {
            inflow.take(at(10), *chunk);
        }
        assert!(
            inflow.window <= 16 && inflow.window >= 8,
            "{}",
            inflow.window
        );
        assert_eq!(inflow.first, 2);
        let again = places(inflow.want(at(20), Faults::NONE));
        assert_eq!(&again[..2], &[2, 5]);
        assert!(again[2..].iter().all(|chunk| *chunk >= 16));
        // The first ones come after all.
        inflow.take(at(30), 2);
        inflow.take(at(30), 5);
        assert_eq!(inflow.first, 16);
    }

    #[test]
    // [N43]
    fn silence_and_queues_halve_the_window() {
        let mut inflow = Inflow::new(1000);
        inflow.window = 32;
        inflow.want(at(0), Faults::NONE);
        let retry = inflow.timeout().unwrap();
        inflow.expire(retry);
        assert_eq!((inflow.window, inflow.under_way), (16, 0));
        assert!(inflow.has_wants(Faults::NONE));
        // Quick ones, then one that has waited in a queue.
        let mut now = 100_000;
        for delay in [1_000, 1_000, 50_000] {
            let window = inflow.window;
            let wanted = places(inflow.want(at(now), Faults::NONE));
            now += delay;
            for chunk in wanted {
                inflow.take(at(now), chunk);
            }
            if delay == 50_000 {
                assert!(inflow.window < window);
            }
        }
    }

    #[test]
    fn what_was_never_wanted_is_not_expected() {
        let mut inflow = Inflow::new(10);
        assert!(!inflow.expects(0));
        inflow.want(at(0), Faults::NONE);
        assert!(inflow.expects(BULK_WINDOW_FIRST - 1) && !inflow.expects(BULK_WINDOW_FIRST));
        inflow.take(at(1), 9);
        assert_eq!(inflow.received, 0);
    }
}
