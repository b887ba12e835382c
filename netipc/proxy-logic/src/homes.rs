//! Who waits for the view's majority, and which machines the description makes voters.

use heapless::Vec;
use netipc_protocol::{Instant, NodeId};
use netipc_view::limits::REQUESTS;
use netipc_view::{Action, Id, Nodes, Token};

/// A request that the view has taken and not answered.
#[derive(Debug)]
struct Row<L> {
    token: Token,
    action: Action,
    /// Who is to be answered, and until when; `None`: nobody (any more).
    waiter: Option<(L, Instant)>,
}

/// The requests that the view has not answered. One whose waiter has gone stays until it is answered: it cannot be taken back.
#[derive(Debug)]
pub struct Waiting<L, const N: usize = REQUESTS> {
    rows: Vec<Row<L>, N>,
    last: u64,
}

impl<L, const N: usize> Waiting<L, N> {
    /// Nobody.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            rows: Vec::new(),
            last: 0,
        }
    }

    /// The name of the next request; `None`: no room for it.
    pub fn name(&mut self) -> Option<Token> {
        if self.rows.is_full() {
            return None;
        }
        self.last += 1;
        Some(Token(self.last))
    }

    /// The view has taken a request of that name, for which there was room.
    pub fn begun(&mut self, token: Token, action: Action, waiter: Option<(L, Instant)>) {
        let pushed = self.rows.push(Row {
            token,
            action,
            waiter,
        });
        debug_assert!(pushed.is_ok(), "`name` has said so");
    }

    /// Whether the view has been asked for this and has not answered.
    #[must_use]
    pub fn is_asked(&self, wanted: impl Fn(&Action) -> bool) -> bool {
        self.rows.iter().any(|row| wanted(&row.action))
    }

    /// The view has answered: whom to tell.
    pub fn answered(&mut self, token: Token) -> Option<(Action, Option<L>)> {
        let place = self.rows.iter().position(|row| row.token == token)?;
        let row = self.rows.remove(place);
        Some((row.action, row.waiter.map(|(waiter, _)| waiter)))
    }

    /// Somebody has waited long enough.
    pub fn overdue(&mut self, now: Instant) -> Option<L> {
        let due = |row: &&mut Row<L>| matches!(row.waiter, Some((_, until)) if until <= now);
        let (waiter, _) = self.rows.iter_mut().find(due)?.waiter.take()?;
        Some(waiter)
    }

    /// When somebody has waited long enough.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let until = |row: &Row<L>| row.waiter.as_ref().map(|(_, until)| *until);
        self.rows.iter().filter_map(until).min()
    }
}

impl<L, const N: usize> Default for Waiting<L, N> {
    fn default() -> Self {
        Self::new()
    }
}

/// The machines that a description lists, as in "1,2,3"; `None` if it cannot be read so.
#[must_use]
pub fn listed(text: &str) -> Option<Nodes> {
    let mut nodes = Nodes::NONE;
    for number in text.split(',') {
        let node = NodeId(number.parse().ok()?);
        let with = nodes.with(node);
        if with == nodes {
            // No machine has this number, or it is there twice.
            return None;
        }
        nodes = with;
    }
    Some(nodes)
}

/// An id in two words, and back.
#[must_use]
pub const fn id(high: u64, low: u64) -> Id {
    Id((high as u128) << 64 | low as u128)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Action = Action::Claim(Id(1));
    const TWO: Action = Action::Claim(Id(2));

    fn at(millis: u64) -> Instant {
        Instant::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn each_is_told_once_and_what_was_asked_for_stays_asked_for() {
        let mut waiting = Waiting::<char, 2>::new();
        let (first, second) = (waiting.name().unwrap(), waiting.name().unwrap());
        waiting.begun(first, ONE, Some(('a', at(5))));
        waiting.begun(second, TWO, None);
        assert_eq!(waiting.name(), None);
        assert_eq!(waiting.deadline(), Some(at(5)));
        assert_eq!(waiting.overdue(at(4)), None);
        assert_eq!(waiting.overdue(at(5)), Some('a'));
        assert_eq!((waiting.overdue(at(9)), waiting.deadline()), (None, None));
        assert!(waiting.is_asked(|action| *action == ONE));
        assert_eq!(waiting.answered(first), Some((ONE, None)));
        assert_eq!(waiting.answered(first), None);
        let third = waiting.name().unwrap();
        waiting.begun(third, ONE, Some(('b', at(7))));
        assert_eq!(waiting.answered(second), Some((TWO, None)));
        assert_eq!(waiting.answered(third), Some((ONE, Some('b'))));
        assert!(!waiting.is_asked(|_| true));
    }

    #[test]
    fn lists_of_machines_are_read_and_nothing_else_is() {
        let nodes = |numbers: &[u8]| Some(numbers.iter().copied().map(NodeId).collect());
        assert_eq!(listed("1,2,3"), nodes(&[1, 2, 3]));
        assert_eq!(listed("8"), nodes(&[8]));
        for wrong in ["", "1,", "0", "9", "1,1", "1 2", "-1", "256", "x"] {
            assert_eq!(listed(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn an_id_is_its_two_words() {
        assert_eq!(id(1, 2), Id((1 << 64) + 2));
    }
}
