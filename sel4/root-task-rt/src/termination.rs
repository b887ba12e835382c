use core::fmt::Debug;

/// A type without values: what a main function never returns. (`!`, where that cannot be written.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Never {}

/// What a root task's main function may return.
pub trait Termination {
    /// Says what went wrong, and stops.
    fn report(self) -> !;
}

impl Termination for Never {
    fn report(self) -> ! {
        match self {}
    }
}

impl<E: Debug> Termination for Result<Never, E> {
    fn report(self) -> ! {
        match self {
            Ok(never) => match never {},
            Err(error) => panic!("the root task ended: {error:?}"),
        }
    }
}
