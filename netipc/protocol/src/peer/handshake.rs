//! HELLO and its answers, at one peer.

use isthmus_abi::NotExecuted;
use netipc_wire::handshake::{Refuse, Repr, Versions};
use netipc_wire::{Message, SessionId, VERSION};

use super::session::{HalfOpen, Identity, Proof, Session};
use super::{Context, Peer};
use crate::cipher::Cipher;
use crate::endpoint::{Config, Random};
use crate::fault::PlantedFault;
use crate::maybe::Maybe;
use crate::time::Instant;
use crate::types::{DownReason, Dropped};

/// Which frame of the handshake goes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Greeting {
    Hello,
    Ack,
    Refuse(Identity),
}

impl<const SLOTS: usize, const ROWS: usize> Peer<SLOTS, ROWS> {
    /// A frame of the handshake, readable.
    pub(crate) fn handle_handshake<C: Cipher, R: Random>(
        &mut self,
        now: Instant,
        message: &Message<'_>,
        context: &mut Context<'_, C, R>,
    ) -> Result<(), Dropped> {
        let (Message::Hello(Repr {
            from, to, cluster, ..
        })
        | Message::HelloAck(Repr {
            from, to, cluster, ..
        })
        | Message::HelloRefuse(Refuse {
            from, to, cluster, ..
        })) = message
        else {
            return Err(Dropped::Violation);
        };
        let config = context.config;
        if Some(*from) != self.node || *to != config.node || *cluster != config.cluster {
            return Err(Dropped::Misdirected);
        }
        match message {
            Message::Hello(repr) => self.greeted(now, repr, context),
            Message::HelloAck(repr) => self.accepted(now, repr, context),
            Message::HelloRefuse(refuse) => self.turned_down(refuse, context.config),
            _ => Err(Dropped::Violation),
        }
    }

    /// HELLO: half open, unless we have asked first and have the right of way. The present session goes on.
    fn greeted<C: Cipher, R: Random>(
        &mut self,
        now: Instant,
        repr: &Repr<'_>,
        context: &mut Context<'_, C, R>,
    ) -> Result<(), Dropped> {
        let known = |session: &Session| session.peer == repr.identity;
        if self.session.as_ref().is_some_and(known) || repr.echo != Repr::NO_ECHO {
            return Err(Dropped::Stale);
        }
        if repr.versions.newest_common(Versions::OURS) != Some(VERSION) {
            self.refuse_due = Some(repr.identity);
            return Ok(());
        }
        if let Some(half_open) = self.half_open.as_mut()
            && half_open.peer == repr.identity
        {
            half_open.due = true;
            return Ok(());
        }
        if self.hello.is_some() && !self.half_open.is_some() && context.config.node < repr.from {
            // Crossed: the lower number's HELLO counts.
            return Err(Dropped::Stale);
        }
        let restarted = |session: &Session| session.peer.0 != repr.identity.0;
        if self.session.as_ref().is_some_and(restarted)
            && context.faults.has(PlantedFault::OldBootFences)
        {
            self.end_session(DownReason::PeerRestarted, context.cipher, context.faults);
        }
        let ours = (context.config.boot, context.random.nonce());
        let half_open = HalfOpen::new(now, ours, repr.identity, repr.slots);
        if let Some(old) = self.half_open.replace(half_open) {
            context.cipher.closed(old.id);
        }
        if let Some(half_open) = self.half_open.as_ref() {
            context.cipher.opened(half_open.id);
        }
        Ok(())
    }

    /// HELLO-ACK: the session is open for us; our first frame confirms it.
    fn accepted<C: Cipher, R: Random>(
        &mut self,
        now: Instant,
        repr: &Repr<'_>,
        context: &mut Context<'_, C, R>,
    ) -> Result<(), Dropped> {
        let Some(hello) = self.hello.as_ref() else {
            return Err(Dropped::Stale);
        };
        let ours = (context.config.boot, hello.nonce);
        if repr.echo != ours {
            return Err(Dropped::Stale);
        }
        if repr.versions.range() != (VERSION, VERSION) {
            return Err(Dropped::Violation);
        }
        if let Some(half_open) = self.half_open.take() {
            context.cipher.closed(half_open.id);
        }
        let id = SessionId::derive(ours, repr.identity);
        context.cipher.opened(id);
        let session = Session::new(id, repr.identity, now, Proof::Awaited);
        self.begin_session(session, repr.slots, context.cipher, context.faults);
        self.note_awaiting(now);
        Ok(())
    }

    /// HELLO-REFUSE.
    fn turned_down(&mut self, refuse: &Refuse, config: &Config) -> Result<(), Dropped> {
        match self.hello.as_ref() {
            Some(hello) if refuse.echo == (config.boot, hello.nonce) => {
                self.hello = Maybe::Nothing;
                if !self.session.is_some() {
                    self.caller.fail_queued(NotExecuted::VersionMismatch);
                }
                Ok(())
            }
            _ => Err(Dropped::Stale),
        }
    }

    /// Repeats our HELLO, gives it up, forgets what was never confirmed.
    pub(super) fn greet_again<C: Cipher, R: Random>(
        &mut self,
        now: Instant,
        context: &mut Context<'_, C, R>,
    ) {
        if let Some(old) = self
            .half_open
            .take_if(|half_open| half_open.forget_at <= now)
        {
            context.cipher.closed(old.id);
        }
        if let Some(hello) = self.hello.as_mut() {
            if hello.give_up_at <= now {
                self.hello = Maybe::Nothing;
                if !self.session.is_some() {
                    self.caller.fail_queued(NotExecuted::PeerUnreachable);
                }
            } else if hello.retry_at <= now {
                hello.repeat(now);
            }
        }
    }

    /// Which frame of the handshake goes next; it counts as sent. While the peer's HELLO is answered, ours waits.
    pub(super) fn next_greeting(&mut self) -> Option<Greeting> {
        if let Some(half_open) = self.half_open.as_mut() {
            return core::mem::take(&mut half_open.due).then_some(Greeting::Ack);
        }
        if let Some(identity) = self.refuse_due.take() {
            return Some(Greeting::Refuse(identity));
        }
        let hello = self.hello.as_mut()?;
        core::mem::take(&mut hello.due).then_some(Greeting::Hello)
    }

    pub(super) fn greeting(&self, greeting: Greeting, config: &Config) -> Option<Message<'_>> {
        let to = self.node?;
        let hello = |nonce, echo| Repr {
            versions: Versions::OURS,
            from: config.node,
            to,
            slots: SLOTS as u16,
            cluster: config.cluster,
            identity: (config.boot, nonce),
            echo,
            extension: &[],
        };
        Some(match greeting {
            Greeting::Hello => Message::Hello(hello(self.hello.as_ref()?.nonce, Repr::NO_ECHO)),
            Greeting::Ack => {
                let half_open = self.half_open.as_ref()?;
                Message::HelloAck(hello(half_open.nonce, half_open.peer))
            }
            Greeting::Refuse(echo) => Message::HelloRefuse(Refuse {
                versions: Versions::OURS,
                from: config.node,
                to,
                cluster: config.cluster,
                echo,
            }),
        })
    }
}
