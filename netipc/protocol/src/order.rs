//! In which order requests to one export may start.

use netipc_wire::Order;

use crate::limits::HOLD_BACK;

/// Which order numbers have passed: were let through, or will never come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OrderWindow {
    /// The first that has not passed.
    next: u64,
    /// Bit i: number `next + i` has passed. Bit 0 is never set.
    passed: u64,
}

/// Where a number stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It has passed.
    Passed,
    /// It is its turn.
    Next,
    /// An earlier one is missing.
    Ahead,
    /// So far ahead that nothing can be remembered about it.
    TooFar,
}

impl OrderWindow {
    pub(crate) const NEW: Self = Self { next: 0, passed: 0 };

    // [N23]
    pub(crate) const fn place(&self, order: Order) -> Place {
        match order.0.checked_sub(self.next) {
            None => Place::Passed,
            Some(0) => Place::Next,
            Some(ahead) if ahead >= HOLD_BACK => Place::TooFar,
            Some(ahead) if self.passed >> ahead & 1 == 1 => Place::Passed,
            Some(_) => Place::Ahead,
        }
    }

    /// It is let through, or will never come. Nothing happens if it is too far.
    pub(crate) const fn pass(&mut self, order: Order) {
        if let Some(ahead) = order.0.checked_sub(self.next)
            && ahead < HOLD_BACK
        {
            self.passed |= 1 << ahead;
            let run = self.passed.trailing_ones();
            self.passed = match self.passed.checked_shr(run) {
                Some(rest) => rest,
                None => 0,
            };
            self.next += run as u64;
        }
    }
}

const _: () = assert!(HOLD_BACK <= u64::BITS as u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_pass_in_turn_and_holes_are_remembered() {
        let mut window = OrderWindow::NEW;
        assert_eq!(window.place(Order(0)), Place::Next);
        assert_eq!(window.place(Order(1)), Place::Ahead);
        window.pass(Order(2));
        assert_eq!(window.place(Order(2)), Place::Passed);
        assert_eq!(window.place(Order(63)), Place::Ahead);
        assert_eq!(window.place(Order(64)), Place::TooFar);
        window.pass(Order(64));
        assert_eq!(window.place(Order(64)), Place::TooFar);
        window.pass(Order(0));
        assert_eq!(window.place(Order(0)), Place::Passed);
        assert_eq!(window.place(Order(1)), Place::Next);
        window.pass(Order(1));
        assert_eq!(window.place(Order(3)), Place::Next);
        window.pass(Order(0));
        assert_eq!(window.place(Order(3)), Place::Next);
    }

    #[test]
    fn a_full_window_passes_at_once() {
        let mut window = OrderWindow::NEW;
        for order in (0..64).rev() {
            window.pass(Order(order));
        }
        assert_eq!(window.place(Order(63)), Place::Passed);
        assert_eq!(window.place(Order(64)), Place::Next);
    }
}
