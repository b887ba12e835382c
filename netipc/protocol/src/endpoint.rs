//! One machine and its peers.

use isthmus_abi::NotExecuted;
use netipc_wire::frame::Packet;
use netipc_wire::{
    BootId, ClusterId, HEADER_LENGTH, Header, Kind, Message, NodeId, Nonce, SessionId, TAG_LENGTH,
};

use crate::cipher::{Cipher, Unreadable};
use crate::fault::{Faults, PlantedFault};
use crate::limits;
use crate::peer::{Context, Occupancy, Peer};
use crate::time::Instant;
use crate::touched::{Question, Touched};
use crate::types::{
    Answer, Call, CallId, Dropped, Event, Execution, ExportId, Given, ImportId, Object, Request,
    Stale, Transmit,
};

/// Who a machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Its number in the cluster.
    pub node: NodeId,
    /// Drawn at random at this start of the machine, and never used before.
    pub boot: BootId,
    /// The cluster.
    pub cluster: ClusterId,
}

/// Where nonces come from. They must not be guessable and must not repeat: see the threat model.
pub trait Random {
    /// A new one.
    fn nonce(&mut self) -> Nonce;
}

/// One machine and its peers.
///
/// Its memory is all in it: a `static` of it, made by [`new`](Self::new), is zeroes. It is inert until
/// [`begin`](Self::begin).
///
/// `PEERS` machines at most, `SLOTS` calls open at each and from each at most, `ROWS` exports to each and imports from each
/// at most.
pub struct Endpoint<
    C,
    R,
    const PEERS: usize = { limits::PEERS },
    const SLOTS: usize = { limits::SLOTS },
    const ROWS: usize = { limits::CAPABILITIES },
> {
    pub(crate) config: Config,
    pub(crate) cipher: C,
    pub(crate) random: R,
    pub(crate) faults: Faults,
    pub(crate) peers: [Peer<SLOTS, ROWS>; PEERS],
    /// How many of them there are, from the first. The others are not even looked at: each lies in pages of its own, and a page that
    /// is touched after a change of address space costs a walk through the page tables.
    pub(crate) count: usize,
    /// For each export the one that it was handed on from, as [`Self::code`] says; 0: it was made here.
    pub(crate) parents: [[u16; ROWS]; PEERS],
    /// What [`Peer::timeout`] has last said.
    timeouts: [Option<Instant>; PEERS],
    /// The peers that something has happened to.
    pub(crate) touched: Touched,
    /// The peer that is asked first, so that none starves the others.
    transmit_first: usize,
    pub(crate) bulk_first: usize,
    /// The peer that the chunk is of which came last, as long as it can be written.
    pub(crate) arriving: Option<usize>,
    event_first: usize,
}

impl<C: Cipher, R: Random, const PEERS: usize, const SLOTS: usize, const ROWS: usize>
    Endpoint<C, R, PEERS, SLOTS, ROWS>
{
    /// Without identity and peers.
    pub const fn new(cipher: C, random: R) -> Self {
        const {
            assert!(SLOTS >= 1 && SLOTS <= 64, "sets of slots are one word");
            assert!(ROWS * PEERS < u16::MAX as usize);
            assert!(ROWS <= u128::BITS as usize, "sets of rows are one word");
            assert!(PEERS <= u64::BITS as usize, "sets of peers are one word");
        }
        Self {
            config: Config {
                node: NodeId(0),
                boot: BootId(0),
                cluster: ClusterId(0),
            },
            cipher,
            random,
            faults: Faults::NONE,
            peers: [const { Peer::NEW }; PEERS],
            count: 0,
            parents: [[0; ROWS]; PEERS],
            timeouts: [None; PEERS],
            touched: Touched::NOBODY,
            transmit_first: 0,
            bulk_first: 0,
            arriving: None,
            event_first: 0,
        }
    }

    /// Plants a fault.
    #[cfg(feature = "planted-faults")]
    pub fn plant(&mut self, fault: crate::PlantedFault) {
        self.faults = Faults::one(fault);
    }

    /// Becomes this machine, with these peers and without any session: as after a start. `Overload` if there are too many
    /// peers; those that fit are peers.
    pub fn begin(
        &mut self,
        config: Config,
        peers: impl IntoIterator<Item = NodeId>,
    ) -> Result<(), NotExecuted> {
        self.config = config;
        self.cipher.begin();
        let mut nodes = peers.into_iter().filter(|node| *node != config.node);
        for peer in &mut self.peers {
            peer.reset(nodes.next());
        }
        self.count = self.peers.partition_point(|peer| peer.node().is_some());
        self.parents = [[0; ROWS]; PEERS];
        self.touched = Touched::NOBODY;
        (0..self.count).for_each(|index| self.touched.touch(index));
        self.transmit_first = 0;
        self.bulk_first = 0;
        self.arriving = None;
        self.event_first = 0;
        match nodes.next() {
            None => Ok(()),
            Some(_) => Err(NotExecuted::Overload),
        }
    }

    /// Who it is.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// The source of nonces, for seeding it.
    pub const fn random_mut(&mut self) -> &mut R {
        &mut self.random
    }

    /// The cipher.
    pub const fn cipher(&self) -> &C {
        &self.cipher
    }

    /// The cipher, for its keys.
    pub const fn cipher_mut(&mut self) -> &mut C {
        &mut self.cipher
    }

    /// A frame came from a peer, by the link's word. It is deciphered in place. An `Err` says why it had no effect, for counting.
    pub fn handle_frame(
        &mut self,
        now: Instant,
        from: NodeId,
        frame: &mut [u8],
    ) -> Result<(), Dropped> {
        self.take_frame(now, from, frame).map(|_| ())
    }

    /// As [`handle_frame`](Self::handle_frame), for a machine that has a view: what the frame says to that, if it is a VIEW. The bytes lie in
    /// the frame, and nothing of them is kept here.
    pub fn take_frame<'f>(
        &mut self,
        now: Instant,
        from: NodeId,
        frame: &'f mut [u8],
    ) -> Result<Option<&'f [u8]>, Dropped> {
        if let Some(late) = self.arriving.take() {
            self.peers[late].forget_chunk();
        }
        let index = self.index(from).ok_or(Dropped::Stranger)?;
        let header = Packet::new_checked(&*frame)
            .map_err(Dropped::Malformed)?
            .header();
        // [N2]
        match self.cipher.open(now, from, &header, frame) {
            Ok(()) => {}
            Err(Unreadable::Corrupt) => return Err(Dropped::Corrupt),
            Err(Unreadable::Replayed) => return Err(Dropped::Replayed),
            Err(Unreadable::NoKey) => {
                let (peer, mut context) = self.peer(index);
                peer.answer_stranger(now, &mut context);
                return Err(Dropped::UnknownSession);
            }
        }
        let frame: &'f [u8] = frame;
        // It is as long as its header and tag at least.
        let body = frame.get(HEADER_LENGTH..frame.len() - TAG_LENGTH);
        let body = body.unwrap_or_default();
        let message = Message::parse(header.kind, body).map_err(Dropped::Malformed)?;
        let claimed = match &message {
            Message::Reply(reply) => self.claim_for(index, header.session, reply),
            _ => None,
        };
        let offered = match &message {
            Message::GrantAsk(ask) => self.index(ask.to).and_then(|to| {
                let grants = &self.peers[to].grants;
                grants.offered(from, header.session, ask.number)
            }),
            _ => None,
        };
        let (peer, mut context) = self.peer(index);
        context.claimed = claimed;
        context.offered = offered;
        let result = if header.kind.is_handshake() {
            peer.handle_handshake(now, &message, &mut context)
        } else {
            peer.handle_frame(now, header.session, &message, &mut context)
        };
        if header.kind == Kind::Data && result.is_ok() {
            self.arriving = Some(index);
        }
        if let Some(offer) = self.peers[index].offer.take() {
            self.consider(now, index, &offer);
        }
        self.carry(now);
        result.map(|()| match message {
            Message::View(repr) => Some(repr.said),
            _ => None,
        })
    }

    /// A machine's keys are good no more: its session ends at once, and so does whatever was on its way to one. What it may do from now on is the cipher's to say.
    // [N51]
    pub fn expel(&mut self, now: Instant, node: NodeId) {
        if let Some(index) = self.index(node) {
            let (peer, mut context) = self.peer(index);
            peer.expel(&mut context);
            self.carry(now);
        }
    }

    /// Calls a peer, or sends it a message. An `Err` is the outcome: nothing was sent. Otherwise there will be an
    /// [`Event::Complete`] (for a call).
    pub fn call(&mut self, now: Instant, call: &Call<'_>) -> Result<CallId, NotExecuted> {
        let index = self
            .index(call.target.node())
            .ok_or(NotExecuted::PeerUnreachable)?;
        if let Some(Given::Import(import)) = call.capability
            && import.node != call.target.node()
        {
            return self.call_with_grant(now, index, call, import);
        }
        let (peer, mut context) = self.peer(index);
        peer.call(now, call, false, &mut context)
    }

    /// The caller waits no longer: its outcome comes at once, `NotExecuted` only if nothing was sent. Nothing happens if the
    /// call is over.
    pub fn cancel(&mut self, now: Instant, call: CallId) {
        let faults = self.faults;
        if let Some(peer) = self.find(call.node) {
            peer.cancel(now, call, faults);
        }
    }

    /// A worker takes a request that was delivered: from now on it counts as run. `Stale` if it was cancelled, its time is up,
    /// or there is no room for its capability (its caller knows).
    pub fn start(&mut self, now: Instant, execution: Execution) -> Result<Request<'_>, Stale> {
        let faults = self.faults;
        let index = self.index(execution.node).ok_or(Stale)?;
        let named = self.peers[index].names(now, execution);
        let claimed = named.and_then(|(node, grant)| self.claim(node, grant, execution.session));
        self.touched.touch(index);
        self.peers[index].start(now, execution, claimed, faults)
    }

    /// A worker is done with a request, or there is none to take it ([`Answer::NotExecuted`]). `Stale` if nobody waits any
    /// more; an export in the answer is then taken back.
    pub fn finish(
        &mut self,
        now: Instant,
        execution: Execution,
        answer: &Answer<'_>,
    ) -> Result<(), Stale> {
        let faults = self.faults;
        let peer = self.find(execution.node).ok_or(Stale)?;
        peer.finish(execution, answer, faults)?;
        if let Answer::Reply {
            capability: Some(Given::Import(import)),
            ..
        } = *answer
            && import.node != execution.node
        {
            self.ask_for_reply(now, execution, import);
        }
        self.carry(now);
        Ok(())
    }

    /// Lets a peer use an object of ours, once its name has gone there in a reply or request.
    pub fn export(&mut self, to: NodeId, object: Object) -> Result<ExportId, NotExecuted> {
        let faults = self.faults;
        self.find(to)
            .ok_or(NotExecuted::PeerUnreachable)?
            .export(object, faults)
    }

    /// Ends an export, at once: requests that no worker has taken are turned away. Nothing happens if it is over; otherwise
    /// [`Event::Released`] follows.
    pub fn revoke(&mut self, export: ExportId) {
        let faults = self.faults;
        let Some(index) = self.index(export.node) else {
            return;
        };
        if !faults.has(PlantedFault::SubtreeSurvives) {
            self.revoke_below(index, export);
        }
        self.touched.touch(index);
        self.peers[index].revoke(export, faults);
        self.adopt();
    }

    /// Gives up an import: the exporter will know. Nothing happens if it is over.
    pub fn release(&mut self, now: Instant, import: ImportId) {
        if let Some(peer) = self.find(import.node) {
            peer.release(now, import);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do, if nothing else happens.
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        for index in self.touched.unasked(Question::Timeout).iter() {
            self.timeouts[index] = self.peers[index].timeout();
            self.touched.answered(Question::Timeout, index);
        }
        self.timeouts[..self.count].iter().flatten().copied().min()
    }

    /// Does what the passing of time has made due.
    pub fn handle_timeout(&mut self, now: Instant) {
        for index in 0..self.count {
            let was_touched = self.touched.unasked(Question::Due).contains(index);
            // What was last said is right as long as nothing has happened to the peer.
            if was_touched || self.timeouts[index].is_some_and(|at| at <= now) {
                let (peer, mut context) = self.peer(index);
                peer.handle_timeout(now, &mut context);
                self.touched.answered(Question::Due, index);
            }
        }
        self.carry(now);
    }

    /// The next frame to send, written at the start of `buffer`. With less room than
    /// [`FRAME_LENGTH_MAX`](crate::FRAME_LENGTH_MAX) a frame that does not fit counts as lost.
    pub fn poll_transmit(&mut self, now: Instant, buffer: &mut [u8]) -> Option<Transmit> {
        for index in self.in_turn(Question::Frame, self.transmit_first) {
            while let Some(next) = self.peers[index].next_frame(now, self.faults) {
                self.touched.touch(index);
                let peer = &self.peers[index];
                let (Some(to), Some((message, session, number))) =
                    (peer.node(), peer.message(now, &next, &self.config))
                else {
                    continue;
                };
                let header = Header {
                    kind: message.kind(),
                    key: self.cipher.key(to, session),
                    session,
                    number,
                };
                let length = message
                    .emit(session, header.key, number, buffer)
                    .map(|frame| {
                        self.cipher.seal(to, &header, frame);
                        frame.len()
                    });
                self.peers[index].sent(&next, self.faults);
                self.renew_key(now, index, to, session);
                if let Some(length) = length {
                    self.transmit_first = (index + 1) % self.count;
                    return Some(Transmit { to, length });
                }
            }
            self.touched.answered(Question::Frame, index);
        }
        None
    }

    /// The next thing that this machine has to do or to know. Until it is `None`; frames may be dropped while there are many.
    pub fn poll_event(&mut self) -> Option<Event<'_>> {
        let index = self
            .in_turn(Question::Event, self.event_first)
            .find(|&index| {
                let has = self.peers[index].has_event();
                if !has {
                    self.touched.answered(Question::Event, index);
                }
                has
            })?;
        // An outcome may bring an import of another peer: nobody hears that it is revoked, or its session over, before it has come.
        let index = if self.peers[index].has_outcome() {
            index
        } else {
            let mut others = self.in_turn(Question::Event, self.event_first);
            let brings = others.find(|&other| self.peers[other].has_outcome());
            brings.unwrap_or(index)
        };
        self.event_first = (index + 1) % self.count;
        self.touched.touch(index);
        self.peers[index].poll_event()
    }

    /// A frame of the session was sealed: perhaps it is time for another key.
    pub(crate) fn renew_key(&mut self, now: Instant, index: usize, to: NodeId, session: SessionId) {
        if let Some(present) = self.cipher.wants_rekey(now, to, session) {
            self.peers[index].rekey(now, present, &mut self.cipher, self.faults);
        }
    }

    /// How full the tables for a peer are.
    pub fn occupancy(&self, node: NodeId) -> Option<Occupancy> {
        self.index(node).map(|index| self.peers[index].occupancy())
    }

    pub(crate) fn index(&self, node: NodeId) -> Option<usize> {
        let mut peers = self.peers[..self.count].iter();
        peers.position(|peer| peer.node() == Some(node))
    }

    /// The peers that must be asked, from this one on.
    pub(crate) fn in_turn(
        &self,
        question: Question,
        first: usize,
    ) -> impl Iterator<Item = usize> + use<C, R, PEERS, SLOTS, ROWS> {
        let all = self.touched.unasked(question);
        let (before, after) = all.split(first);
        after.iter().chain(before.iter())
    }

    pub(crate) fn find(&mut self, node: NodeId) -> Option<&mut Peer<SLOTS, ROWS>> {
        let index = self.index(node)?;
        self.touched.touch(index);
        Some(&mut self.peers[index])
    }

    pub(crate) fn peer(&mut self, index: usize) -> (&mut Peer<SLOTS, ROWS>, Context<'_, C, R>) {
        self.touched.touch(index);
        let context = Context {
            config: &self.config,
            cipher: &mut self.cipher,
            random: &mut self.random,
            claimed: None,
            offered: None,
            faults: self.faults,
        };
        (&mut self.peers[index], context)
    }
}
