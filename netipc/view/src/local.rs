//! This machine's own requests, and its lease.

use core::fmt;

use netipc_protocol::Instant;

use crate::fault::PlantedFault;
use crate::ids::{Epoch, Id, Sequence, Stamp, Token};
use crate::limits::{LEASE, LEASE_DRIFT, REQUESTS};
use crate::message::Grant;
use crate::table::{Action, Member};
use crate::view::{Random, View};

/// A request that is not answered yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) token: Token,
    pub(crate) action: Action,
    /// Its number in a membership, once it was the first in the queue there.
    pub(crate) number: Option<(Epoch, Sequence)>,
}

/// How long a membership may act.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    pub(crate) joined: Epoch,
    pub(crate) until: Instant,
}

/// [`REQUESTS`] wait already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many requests wait for the view")
    }
}

impl core::error::Error for Busy {}

impl<R: Random> View<R> {
    /// Asks for something. It is answered by [`Event::Answered`](crate::Event::Answered), once, when a majority has agreed; requests are carried
    /// out in their order. Who releases or hands over owns it no more from now on.
    ///
    /// # Errors
    /// Too many wait; nothing has changed.
    pub fn handle_local(&mut self, now: Instant, token: Token, action: Action) -> Result<(), Busy> {
        if self.requests.len() + self.answered.len() >= REQUESTS {
            return Err(Busy);
        }
        let request = Request {
            token,
            action,
            number: None,
        };
        self.requests.push_back(request).map_err(|_| Busy)?;
        self.settle_requests();
        self.govern(now);
        Ok(())
    }

    /// The membership of this machine, of this start.
    pub(crate) fn membership(&self) -> Option<&Member> {
        let member = self.table()?.member(self.config.node)?;
        (member.boot == self.config.boot).then_some(member)
    }

    /// When this machine's lease ends, by its own clock, if nothing more comes: until then what [`owns`](Self::owns) says holds, unless it
    /// gives it away itself. For who keeps answers of `owns`.
    #[must_use]
    pub fn lease_end(&self) -> Option<Instant> {
        let lease = self.lease?;
        (self.membership()?.joined == lease.joined).then_some(lease.until)
    }

    /// Whether the lease runs.
    #[must_use]
    pub fn leased(&self, now: Instant) -> bool {
        self.lease_end().is_some_and(|end| now < end)
    }

    /// Whether it is being given away.
    pub(crate) fn gives_up(&self, id: Id) -> bool {
        let away = |request: &Request| {
            request.action.id() == id && !matches!(request.action, Action::Claim(_))
        };
        !self.faults.has(PlantedFault::ReleaseWithoutStopping) && self.requests.iter().any(away)
    }

    /// The majority stood behind the leader after the stamp was made.
    pub(crate) fn on_grant(&mut self, now: Instant, grant: Grant) {
        let known = self.membership().map(|member| member.joined);
        let made = Instant::from_nanos(grant.stamp.0);
        if known != Some(grant.joined) || made > now {
            return;
        }
        let length = if self.faults.has(PlantedFault::LeaseWithoutDrift) {
            LEASE
        } else {
            LEASE - LEASE_DRIFT
        };
        let until = made + length;
        let before = self.lease.filter(|lease| lease.joined == grant.joined);
        self.lease = Some(Lease {
            joined: grant.joined,
            until: before.map_or(until, |lease| lease.until.max(until)),
        });
    }

    /// This moment, as others give it back.
    pub(crate) const fn stamp(now: Instant) -> Stamp {
        Stamp(now.as_nanos())
    }

    /// Answers what the table says was carried out, and numbers the next.
    pub(crate) fn settle_requests(&mut self) {
        let Some(member) = self.membership().copied() else {
            return;
        };
        let Some(request) = self.requests.front_mut() else {
            return;
        };
        let answered = matches!(request.number, Some((joined, sequence))
            if joined == member.joined && sequence == member.last);
        if answered {
            let token = request.token;
            self.requests.pop_front();
            // There is room: what waits and what is answered have one limit.
            let _ = self.answered.push_back((token, member.answer));
        }
        if let Some(request) = self.requests.front_mut() {
            let next = (member.joined, member.last.next());
            if request.number != Some(next) {
                request.number = Some(next);
                self.owe_request();
            }
        }
    }

    /// The request that the leader is to know of.
    pub(crate) fn request(&self) -> Option<(Epoch, Sequence, Action)> {
        let request = self.requests.front()?;
        let (joined, sequence) = request.number?;
        Some((joined, sequence, request.action))
    }
}
