//! What a machine suffers in the middle of something, and how it is made to go on.

use isthmus_testkit::{Failure, Killer, Machine};

/// What the machine suffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blow {
    /// It is killed, and started again.
    Kill,
    /// It is stopped in mid-instruction, and goes on when its peers have given it up.
    Pause,
    /// Nothing reaches it and nothing leaves it, until its peers have given it up.
    Cut,
}

impl Blow {
    /// Strikes a machine, in the middle of what it does. Whether the switch is to drop its frames from now on.
    pub(crate) fn strike(self, killer: &Killer) -> bool {
        match self {
            Self::Kill => killer.kill(),
            Self::Pause => killer.pause(),
            Self::Cut => {}
        }
        self == Self::Cut
    }

    /// The machine goes on, as soon as the switch lets its frames pass.
    pub(crate) fn heal(self, machine: &Machine) -> Result<(), Failure> {
        match self {
            Self::Kill => machine.restart()?,
            Self::Pause => machine.resume(),
            Self::Cut => {}
        }
        Ok(())
    }
}
