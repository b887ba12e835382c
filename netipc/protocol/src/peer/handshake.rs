//! HELLO and its answers, at one peer.

use isthmus_abi::NotExecuted;
use netipc_wire::handshake::{Cookie, CookieRepr, Refuse, Repr, Versions};
use netipc_wire::{BootId, Message, NodeId, SessionId, VERSION};

use super::session::{HalfOpen, Hello, Identity, Proof, Session, Unanswered};
use super::{Context, Peer};
use crate::cipher::{Admission, Cipher, Crowd, Exchange, Extension};
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
    Cookie(Identity, Cookie),
}

/// Boots of a peer that are remembered: the last is the present one, and the others are not believed again.
pub(super) const BOOTS: usize = 8;

/// What we say of ourselves in a HELLO or HELLO-ACK.
fn words<'a, const SLOTS: usize>(
    config: &Config,
    to: NodeId,
    ours: Identity,
    echo: Identity,
    extension: &'a Extension,
) -> Repr<'a> {
    Repr {
        versions: Versions::OURS,
        from: config.node,
        to,
        slots: SLOTS as u16,
        cluster: config.cluster,
        identity: ours,
        echo,
        cookie: Cookie::NONE,
        extension,
    }
}

impl<const SLOTS: usize, const ROWS: usize> Peer<SLOTS, ROWS> {
    /// A frame of the handshake, readable.
    // [N9]
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
        })
        | Message::HelloCookie(CookieRepr {
            about: Refuse {
                from, to, cluster, ..
            },
            ..
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
            Message::HelloCookie(repr) => self.asked_to_return(repr, context.config),
            _ => Err(Dropped::Violation),
        }
    }

    /// HELLO: half open, unless we have asked first and have the right of way. The present session goes on.
    // [N7]
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
        // It had said this before our HELLO reached it: of the session that ours has opened it will hear in our first frame.
        let opening = |session: &Session| {
            session.proof == Proof::Awaited && session.peer.0 == repr.identity.0
        };
        if self.session.as_ref().is_some_and(opening) && context.config.node < repr.from {
            return Err(Dropped::Stale);
        }
        let restarted = |session: &Session| session.peer.0 != repr.identity.0;
        if self.session.as_ref().is_some_and(restarted)
            && context.faults.has(PlantedFault::OldBootFences)
        {
            self.end_session(DownReason::PeerRestarted, context.cipher, context.faults);
        }
        let crowd = match self.half_open {
            Maybe::Just(_) => Crowd::Another,
            Maybe::Nothing => Crowd::Alone,
        };
        let (identity, cookie) = (repr.identity, repr.cookie);
        match context
            .cipher
            .admit(now, repr.from, identity, cookie, crowd)
        {
            Admission::Welcome => self.open_half(now, repr, context),
            Admission::Return(cookie) => {
                self.cookie_due = Some((identity, cookie));
                Ok(())
            }
            Admission::Refused => Err(Dropped::Busy),
        }
    }

    // [N6]
    fn open_half<C: Cipher, R: Random>(
        &mut self,
        now: Instant,
        repr: &Repr<'_>,
        context: &mut Context<'_, C, R>,
    ) -> Result<(), Dropped> {
        let ours = (context.config.boot, context.random.nonce());
        let id = SessionId::derive(repr.identity, ours);
        let nothing = Extension::new();
        let answer = words::<SLOTS>(context.config, repr.from, ours, repr.identity, &nothing);
        let exchange = Exchange {
            peer: repr.from,
            session: id,
            key: 0,
            bound: &repr.bound(),
            answer: &answer.bound(),
        };
        let message = context.cipher.respond(now, &exchange, repr.extension);
        let half_open = HalfOpen {
            id,
            peer: repr.identity,
            nonce: ours.1,
            message: message.map_err(|_| Dropped::Corrupt)?,
            slots: repr.slots,
            due: true,
            forget_at: HalfOpen::forget_at(now),
        };
        if let Some(old) = self.half_open.replace(half_open) {
            context.cipher.closed(repr.from, old.id);
        }
        Ok(())
    }

    /// HELLO-ACK: the session is open for us; our first frame confirms it.
    // [N10]
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
        let id = SessionId::derive(ours, repr.identity);
        let hello = words::<SLOTS>(
            context.config,
            repr.from,
            ours,
            Repr::NO_ECHO,
            &hello.message,
        );
        let exchange = Exchange {
            peer: repr.from,
            session: id,
            key: 0,
            bound: &hello.bound(),
            answer: &repr.bound(),
        };
        let completed = context.cipher.complete(now, &exchange, repr.extension);
        completed.map_err(|_| Dropped::Corrupt)?;
        if let Err(twin) = self.believe(repr.identity.0) {
            context.cipher.closed(repr.from, id);
            return Err(twin);
        }
        if let Some(half_open) = self.half_open.take() {
            context.cipher.closed(repr.from, half_open.id);
        }
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

    /// HELLO-COOKIE.
    fn asked_to_return(&mut self, repr: &CookieRepr, config: &Config) -> Result<(), Dropped> {
        match self.hello.as_mut() {
            Some(hello) if repr.about.echo == (config.boot, hello.nonce) => {
                hello.take_cookie(repr.cookie);
                Ok(())
            }
            _ => Err(Dropped::Stale),
        }
    }

    /// Says HELLO, unless that is being done.
    pub(crate) fn greet<C: Cipher, R: Random>(
        &mut self,
        now: Instant,
        context: &mut Context<'_, C, R>,
    ) {
        let Some(peer) = self.node else { return };
        if self.hello.is_some() {
            return;
        }
        let nonce = context.random.nonce();
        let ours = (context.config.boot, nonce);
        let nothing = Extension::new();
        let hello = words::<SLOTS>(context.config, peer, ours, Repr::NO_ECHO, &nothing);
        let exchange = Exchange {
            peer,
            session: SessionId::NONE,
            key: 0,
            bound: &hello.bound(),
            answer: &[],
        };
        match context.cipher.initiate(&exchange) {
            Ok(message) => self.hello = Maybe::Just(Hello::new(now, nonce, message)),
            Err(_) => self.caller.fail_queued(NotExecuted::PeerUnreachable),
        }
    }

    /// The peer has proved that it lives, in this boot. One that was replaced by a later one does not come back by itself: its
    /// machine still runs, and another has its identity.
    // [N11]
    pub(super) fn believe(&mut self, boot: BootId) -> Result<(), Dropped> {
        if self.boots.last() == Some(&boot) {
            return Ok(());
        }
        if self.boots.contains(&boot) {
            self.twin = Some(boot);
            return Err(Dropped::Twin);
        }
        if self.boots.is_full() {
            self.boots.remove(0);
        }
        // There is room now.
        let _ = self.boots.push(boot);
        Ok(())
    }

    /// Repeats our HELLO, gives it up, forgets what was never confirmed.
    pub(super) fn greet_again<C: Cipher, R: Random>(
        &mut self,
        now: Instant,
        context: &mut Context<'_, C, R>,
    ) {
        if let Some(node) = self.node
            && let Some(old) = self
                .half_open
                .take_if(|half_open| half_open.forget_at <= now)
        {
            context.cipher.closed(node, old.id);
        }
        if let Some(hello) = self.hello.as_mut()
            && hello.repeated.handle_timeout(now) == Unanswered::GivenUp
        {
            self.hello = Maybe::Nothing;
            if !self.session.is_some() {
                self.caller.fail_queued(NotExecuted::PeerUnreachable);
            }
        }
    }

    /// Which frame of the handshake goes next; it counts as sent. While the peer's HELLO is answered, ours waits.
    pub(super) fn next_greeting(&mut self) -> Option<Greeting> {
        if let Some(half_open) = self.half_open.as_mut()
            && core::mem::take(&mut half_open.due)
        {
            return Some(Greeting::Ack);
        }
        if let Some(identity) = self.refuse_due.take() {
            return Some(Greeting::Refuse(identity));
        }
        if let Some((identity, cookie)) = self.cookie_due.take() {
            return Some(Greeting::Cookie(identity, cookie));
        }
        if self.half_open.is_some() {
            return None;
        }
        let hello = self.hello.as_mut()?;
        core::mem::take(&mut hello.repeated.due).then_some(Greeting::Hello)
    }

    pub(super) fn greeting(&self, greeting: Greeting, config: &Config) -> Option<Message<'_>> {
        let to = self.node?;
        let refuse = |echo| Refuse {
            versions: Versions::OURS,
            from: config.node,
            to,
            cluster: config.cluster,
            echo,
        };
        Some(match greeting {
            Greeting::Hello => {
                let hello = self.hello.as_ref()?;
                let ours = (config.boot, hello.nonce);
                Message::Hello(Repr {
                    cookie: hello.cookie,
                    ..words::<SLOTS>(config, to, ours, Repr::NO_ECHO, &hello.message)
                })
            }
            Greeting::Ack => {
                let half_open = self.half_open.as_ref()?;
                let ours = (config.boot, half_open.nonce);
                let message = &half_open.message;
                Message::HelloAck(words::<SLOTS>(config, to, ours, half_open.peer, message))
            }
            Greeting::Refuse(echo) => Message::HelloRefuse(refuse(echo)),
            Greeting::Cookie(echo, cookie) => Message::HelloCookie(CookieRepr {
                about: refuse(echo),
                cookie,
            }),
        })
    }
}
