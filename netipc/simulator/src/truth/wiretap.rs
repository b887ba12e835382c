//! What is said on the wire, compared with what happened.

use netipc_protocol::{Instant, SessionId};
use netipc_wire::{Message, Verdict, slot};

use super::{Check, Checker, Truth, broken};

impl Truth {
    /// A machine has put a frame on the wire.
    pub(crate) fn tap(
        &mut self,
        now: Instant,
        (from, to): (usize, usize),
        session: SessionId,
        message: &Message<'_>,
    ) -> Check {
        let says = |id, what| broken(Checker::Wiretap, now, id, what);
        let about = |about: &slot::Repr, truth: &Self| {
            truth.find(to, from, session, about.slot, about.sequence)
        };
        match message {
            Message::Request(_, repr) => {
                let Ok(id) = usize::try_from(repr.label) else {
                    return Ok(());
                };
                let call = &mut self.calls[id];
                if *call.sent_in.get_or_insert(session) != session {
                    return says(id, format!("call {id} was sent in a second session"));
                }
                let key = (from, to, session, repr.slot, repr.sequence);
                if *self.on_wire.entry(key).or_insert(id) != id {
                    let what = format!("call {id} has slot and sequence of another call");
                    return says(id, what);
                }
                Ok(())
            }
            Message::Refuse(repr, _) | Message::CancelAnswer(repr, Verdict::NeverRan) => {
                match about(repr, self) {
                    Some(id) if self.calls[id].starts > 0 => {
                        let what =
                            format!("the callee says that call {id} never ran, but it was started");
                        says(id, what)
                    }
                    Some(id) => {
                        self.calls[id].said_never = true;
                        if self.calls[id].taken {
                            self.withdrawn(id);
                        }
                        Ok(())
                    }
                    None => Ok(()),
                }
            }
            Message::CancelAnswer(repr, _) | Message::Fail(repr, _) => match about(repr, self) {
                Some(id) if !self.calls[id].taken => {
                    let what =
                        format!("the callee says that call {id} was started, but it was not");
                    says(id, what)
                }
                _ => Ok(()),
            },
            Message::Reply(repr) => match self.find(to, from, session, repr.slot, repr.sequence) {
                Some(id) if self.calls[id].replied.is_none() => {
                    says(id, format!("a reply to call {id} that no server gave"))
                }
                _ => Ok(()),
            },
            _ => self.tap_bulk(now, (from, to), session, message),
        }
    }
}
