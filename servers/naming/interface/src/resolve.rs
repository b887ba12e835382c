//! Looking up over machines: the client goes from naming to naming itself, so that no naming ever waits for another.

use core::fmt;

use isthmus_interface::abi::{Outcome, Slot};
use isthmus_interface::{Anything, CallError, Cap, Transport};

use crate::{BEFORE_FIRST_NODE, NamingClient, NamingError, Path, Step};

/// Why a path brought no capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResolveError {
    /// Every machine that may have it was asked, and has not.
    NotFound,
    /// This machine's naming refused.
    Refused(NamingError),
    /// This machine's naming did not answer.
    NamingFailed(Outcome),
    /// It was not found, but a machine that may have it could not be asked.
    Unreachable {
        /// The first such machine.
        node: u8,
        /// What became of the question.
        outcome: Outcome,
    },
    /// A referral did not lead on.
    BadReferral,
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("no machine has that name"),
            Self::Refused(error) => write!(f, "naming refused: {error}"),
            Self::NamingFailed(outcome) => write!(f, "naming did not answer: {outcome}"),
            Self::Unreachable { node, outcome } => {
                write!(
                    f,
                    "not found, and machine {node} could not be asked: {outcome}"
                )
            }
            Self::BadReferral => f.write_str("naming sent us in a circle"),
        }
    }
}

impl core::error::Error for ResolveError {}

/// Resolves `path`, beginning at this machine's `naming`. The capability is the caller's.
pub fn resolve<T: Transport>(
    transport: &T,
    naming: Slot,
    path: &Path,
) -> Result<Cap<Anything>, ResolveError> {
    let mut last = BEFORE_FIRST_NODE;
    let mut unreachable = None;
    loop {
        let (step, capability) = match NamingClient::new(transport, naming)
            .lookup(path.clone(), last)
        {
            Ok(answer) => answer,
            Err(CallError::Interface(NamingError::NotFound)) => {
                return Err(unreachable.unwrap_or(ResolveError::NotFound));
            }
            Err(CallError::Interface(error)) => return Err(ResolveError::Refused(error)),
            Err(CallError::Outcome(outcome)) => return Err(ResolveError::NamingFailed(outcome)),
        };
        let Step::Referral { node, consumed } = step else {
            return Ok(capability);
        };
        let asked = if node > last {
            ask_peer(transport, capability.slot(), path, consumed)
        } else {
            Err(ResolveError::BadReferral)
        };
        match asked {
            Ok(found) => return Ok(found),
            Err(ResolveError::NotFound) => {}
            Err(ResolveError::NamingFailed(outcome)) => {
                unreachable.get_or_insert(ResolveError::Unreachable { node, outcome });
            }
            Err(other) => return Err(other),
        }
        last = node;
    }
}

/// Asks another machine's naming, which has to know.
fn ask_peer<T: Transport>(
    transport: &T,
    peer: Slot,
    path: &Path,
    consumed: u8,
) -> Result<Cap<Anything>, ResolveError> {
    let rest = path
        .rest(consumed.into())
        .map_err(|_| ResolveError::BadReferral)?;
    match NamingClient::new(transport, peer).lookup(rest, BEFORE_FIRST_NODE) {
        Ok((Step::Found, capability)) => Ok(capability),
        Ok((Step::Referral { .. }, _)) => Err(ResolveError::BadReferral),
        // A peer that refuses, for whatever reason, has not got it for us.
        Err(CallError::Interface(_)) => Err(ResolveError::NotFound),
        Err(CallError::Outcome(outcome)) => Err(ResolveError::NamingFailed(outcome)),
    }
}
