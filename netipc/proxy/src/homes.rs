//! The machine's view of the cluster, where the cluster's keys or the arguments name voters: its messages among the protocol's frames, its time among the proxy's, and the
//! calls of `netipc_interface::Homes`.
//!
//! Main waits for nothing here either: who waits for a majority has a saved reply, and an end.

use isthmus_abi::{ComponentId, Slot, Unknown};
use isthmus_runtime::interface::{Caller, Cap, Later, Notification};
use isthmus_runtime::{Signal, Startup, say, slots};
use netipc_crypto::Voters;
use netipc_interface::{Agreed, Home, HomeId, Homes, HomesError};
use netipc_protocol::limits::BUDGET_DEFAULT;
use netipc_protocol::{Config as Machine, Instant, NodeId, Transmit, VIEW_LENGTH_MAX};
use netipc_proxy_logic::Nonces;
use netipc_proxy_logic::homes::{self, Waiting};
use netipc_view::{Action, Answer, Config, Epoch, Event, Id, Nodes, Part, View};
use static_cell::ConstStaticCell;

use crate::proxy::{Protocol, Proxy};

/// Components that may want to be told of changes.
const BELLS: usize = 8;

// Too large for the stack, and nothing may come from the heap.
static VIEW: ConstStaticCell<View<Nonces>> = ConstStaticCell::new(View::new(Nonces::new()));
static SAID: ConstStaticCell<[u8; VIEW_LENGTH_MAX]> = ConstStaticCell::new([0; VIEW_LENGTH_MAX]);

/// Who waits for a majority.
enum Waiter {
    Claim(Later<Home, HomesError>),
    Change(Later<(), HomesError>),
}

impl Waiter {
    fn refuse(self, outcome: isthmus_abi::Outcome) {
        match self {
            Self::Claim(later) => later.refuse(outcome),
            Self::Change(later) => later.refuse(outcome),
        }
    }

    fn fail(self, error: HomesError) {
        match self {
            Self::Claim(later) => later.answer(Err(error)),
            Self::Change(later) => later.answer(Err(error)),
        }
    }
}

/// The view, and who asks it. What handles messages has a frame of its own on the stack, so that the other ways through a turn do not carry its weight.
pub struct Viewed {
    view: &'static mut View<Nonces>,
    waiting: Waiting<Waiter>,
    bells: heapless::Vec<(ComponentId, Slot), BELLS>,
    /// What it says next.
    said: &'static mut [u8; VIEW_LENGTH_MAX],
}

/// Who votes.
struct Cast {
    voters: Nodes,
    witnesses: Nodes,
}

impl Cast {
    /// What the arguments say, or else the cluster's keys. `None`: no voters, or, with a word about it, what cannot be read.
    fn of(startup: &Startup, known: Voters) -> Option<Self> {
        let Some(voters) = startup.argument("voters") else {
            return (!known.is_empty()).then(|| Self {
                voters: known.voters().collect(),
                witnesses: known.witnesses().collect(),
            });
        };
        let witnesses = startup.argument("witness");
        let listed = homes::listed(voters).zip(witnesses.map_or(Some(Nodes::NONE), homes::listed));
        let Some((voters, witnesses)) = listed else {
            say!(
                "netipc: there is no view of the cluster: `voters` and `witness` are numbers of machines, as in voters=1,2,3"
            );
            return None;
        };
        Some(Self { voters, witnesses })
    }
}

impl Viewed {
    /// Begins the view, if the arguments or the cluster's keys (`known`) name voters.
    #[inline(never)]
    pub fn open(
        startup: &Startup,
        known: Voters,
        machine: &Machine,
        random: &Nonces,
        now: Instant,
    ) -> Option<Self> {
        let cast = Cast::of(startup, known)?;
        let view = VIEW.take();
        *view.random_mut() = random.apart();
        let config = Config {
            node: machine.node,
            boot: machine.boot,
            part: match cast.witnesses.contains(machine.node) {
                true => Part::Witness,
                false => Part::Holder,
            },
            nodes: (1..=startup.machine.nodes).map(NodeId).collect(),
            voters: cast.voters,
        };
        if let Err(why) = view.begin(now, config) {
            say!("netipc: there is no view of the cluster: {why}");
            return None;
        }
        Some(Self {
            view,
            waiting: Waiting::new(),
            bells: heapless::Vec::new(),
            said: SAID.take(),
        })
    }

    /// A VIEW has come. What has no effect is harmless.
    #[inline(never)]
    pub fn hear(&mut self, now: Instant, from: NodeId, said: &[u8]) {
        if let Err(why) = self.view.handle_message(now, from, said) {
            defmt::trace!(
                "netipc: node {=u8}'s view is not heard: {}",
                from.0,
                defmt::Display2Format(&why)
            );
        }
    }

    /// Writes the next frame with what the view has to say. What cannot be sent, for want of a session, is lost: then one is being opened.
    pub fn next_frame(
        &mut self,
        protocol: &mut Protocol,
        now: Instant,
        frame: &mut [u8],
    ) -> Option<Said> {
        let next = self.say(now)?;
        let said = &self.said[..next.length];
        Some(match protocol.send_view(now, next.to, said, frame) {
            Some(length) => Said::Frame(Transmit {
                to: next.to,
                length,
            }),
            None => Said::Lost,
        })
    }

    #[inline(never)]
    fn say(&mut self, now: Instant) -> Option<netipc_view::Transmit> {
        self.view.poll_transmit(now, self.said)
    }

    /// When something is due.
    pub fn deadline(&self) -> Option<Instant> {
        let deadlines = [self.view.poll_timeout(), self.waiting.deadline()];
        deadlines.into_iter().flatten().min()
    }

    /// Does what is due.
    #[inline(never)]
    pub fn pass_time(&mut self, now: Instant) {
        if self.view.poll_timeout().is_some_and(|at| at <= now) {
            self.view.handle_timeout(now);
        }
        while let Some(waiter) = self.waiting.overdue(now) {
            // It may still be agreed on.
            waiter.refuse(Unknown::DeadlinePassed.into());
        }
    }

    /// Tells who waits, and who wants to know.
    #[inline(never)]
    pub fn attend(&mut self, now: Instant) {
        let mut news = false;
        while let Some(event) = self.view.poll_event() {
            news = true;
            match event {
                Event::Changed => self.say_so(),
                Event::Answered { token, answer } => {
                    if let Some((action, Some(waiter))) = self.waiting.answered(token) {
                        self.answer(now, action, answer, waiter);
                    }
                }
            }
        }
        if news {
            for (_, bell) in &self.bells {
                Cap::<Notification>::from(*bell).signal();
            }
        }
    }

    fn say_so(&self) {
        let agreed = self.agreed(Instant::from_nanos(0));
        defmt::info!(
            "netipc: view: epoch {=u64:x}, members {=u8:08b}, leader {=u8}, {=u32} homes",
            agreed.epoch,
            agreed.members,
            agreed.leader.unwrap_or(0),
            agreed.homes
        );
    }

    fn answer(&self, now: Instant, action: Action, answer: Answer, waiter: Waiter) {
        match (answer, waiter) {
            (Answer::Owned(_) | Answer::Held(..), Waiter::Claim(later)) => {
                later.answer(Ok(self.home_of(now, action.id())));
            }
            (Answer::Gone, Waiter::Change(later)) => later.answer(Ok(())),
            (Answer::NotOwner, waiter) => waiter.fail(HomesError::NotOwner),
            (Answer::NoMember, waiter) => waiter.fail(HomesError::NoMember),
            (Answer::Full, waiter) => waiter.fail(HomesError::Full),
            // No request is answered so.
            (_, waiter) => waiter.refuse(Unknown::BadReply.into()),
        }
    }

    fn home_of(&self, now: Instant, id: Id) -> Home {
        let home = self.view.table().and_then(|table| table.home(id));
        let Some(home) = home else {
            return Home::default();
        };
        let acts = self.view.owns(now, id).and(self.view.lease_end());
        let left = acts.map_or(0, |end| now.until(end).as_micros());
        Home {
            owner: Some(home.owner.0),
            epoch: home.epoch.0,
            left_us: u64::try_from(left).unwrap_or(u64::MAX),
        }
    }

    fn agreed(&self, now: Instant) -> Agreed {
        let bits = |nodes: &mut dyn Iterator<Item = NodeId>| {
            nodes.fold(0, |bits, node| bits | 1u8 << (node.0 - 1))
        };
        let voters = bits(&mut self.view.config().voters.iter());
        let leader = self.view.leader().map(|node| node.0);
        let known = self.view.table().map(|table| Agreed {
            epoch: table.epoch().0,
            members: bits(&mut table.members().map(|(node, _)| node)),
            homes: table.homes().len() as u32,
            ..Agreed::default()
        });
        Agreed {
            leader,
            voters,
            leased: self.view.leased(now),
            ..known.unwrap_or_default()
        }
    }

    /// Asks the majority; whoever waits is answered when it has agreed, or now, if that cannot be.
    fn ask(&mut self, now: Instant, action: Action, waiter: Option<Waiter>) {
        if self.view.config().part == Part::Witness {
            if let Some(waiter) = waiter {
                waiter.fail(HomesError::Witness);
            }
            return;
        }
        let token = self.waiting.name();
        let taken = token.filter(|token| self.view.handle_local(now, *token, action).is_ok());
        match (taken, waiter) {
            (Some(token), waiter) => {
                let waiter = waiter.map(|waiter| (waiter, now + BUDGET_DEFAULT));
                self.waiting.begun(token, action, waiter);
            }
            (None, Some(waiter)) => waiter.refuse(isthmus_abi::NotExecuted::Overload.into()),
            (None, None) => {}
        }
    }
}

/// What the view has said.
pub enum Said {
    /// It is in the frame.
    Frame(Transmit),
    /// There is no session with that machine.
    Lost,
}

impl Proxy {
    fn viewed(&mut self) -> Result<&mut Viewed, HomesError> {
        self.viewed.as_mut().ok_or(HomesError::NoView)
    }

    fn ask_view(&mut self, action: Action, waiter: Waiter) {
        let now = self.now();
        match self.viewed() {
            Ok(viewed) => viewed.ask(now, action, Some(waiter)),
            Err(error) => waiter.fail(error),
        }
    }
}

const fn id(id: HomeId) -> Id {
    homes::id(id.high, id.low)
}

impl Homes for Proxy {
    fn claim(&mut self, id: HomeId, later: Later<Home, HomesError>) {
        self.ask_view(Action::Claim(self::id(id)), Waiter::Claim(later));
    }

    fn release(&mut self, id: HomeId, epoch: u64, later: Later<(), HomesError>) {
        let action = Action::Release(self::id(id), Epoch(epoch));
        self.ask_view(action, Waiter::Change(later));
    }

    fn hand_over(&mut self, id: HomeId, epoch: u64, heir: u8, later: Later<(), HomesError>) {
        let action = Action::HandOver(self::id(id), Epoch(epoch), NodeId(heir));
        self.ask_view(action, Waiter::Change(later));
    }

    fn home(&mut self, id: HomeId) -> Result<Home, HomesError> {
        let now = self.now();
        Ok(self.viewed()?.home_of(now, self::id(id)))
    }

    fn want(&mut self, id: HomeId) {
        let (now, action) = (self.now(), Action::Claim(self::id(id)));
        if let Ok(viewed) = self.viewed()
            && !viewed.waiting.is_asked(|asked| *asked == action)
        {
            viewed.ask(now, action, None);
        }
    }

    fn give_back(&mut self, id: HomeId) {
        let now = self.now();
        let Ok(viewed) = self.viewed() else { return };
        let (me, table) = (viewed.view.config().node, viewed.view.table());
        let home = table.and_then(|table| table.home(self::id(id)).copied());
        if let Some(home) = home.filter(|home| home.owner == me) {
            let action = Action::Release(home.id, home.epoch);
            if !viewed.waiting.is_asked(|asked| *asked == action) {
                viewed.ask(now, action, None);
            }
        }
    }

    fn mine(&mut self, after: Option<HomeId>) -> Result<Option<HomeId>, HomesError> {
        let viewed = self.viewed()?;
        let me = viewed.view.config().node;
        let homes = viewed.view.table().map_or(&[][..], |table| table.homes());
        let mine = homes.iter().filter(|home| home.owner == me);
        let next = mine.map(|home| home.id);
        let next = next.filter(|next| after.is_none_or(|after| *next > self::id(after)));
        Ok(next.min().map(|Id(bits)| HomeId {
            high: (bits >> 64) as u64,
            low: bits as u64,
        }))
    }

    fn watch(&mut self, caller: Caller, bell: Cap<Notification>) -> Result<(), HomesError> {
        let client = caller.client();
        let viewed = self.viewed()?;
        let known = viewed.bells.iter().position(|(of, _)| *of == client);
        if known.is_none() && viewed.bells.is_full() {
            return Err(HomesError::TooMany);
        }
        // It lies in the receive slot, which is emptied after the call.
        debug_assert!(
            bell.own_badge().is_none(),
            "a notification is not the proxy's own"
        );
        let slot = slots::take_received().map_err(|_| HomesError::TooMany)?;
        if let Some(known) = known {
            let (_, before) = viewed.bells.swap_remove(known);
            slots::free(before);
        }
        // There is room, as was looked at above.
        let _ = viewed.bells.push((client, slot));
        Ok(())
    }

    fn agreed(&mut self) -> Result<Agreed, HomesError> {
        let now = self.now();
        Ok(self.viewed()?.agreed(now))
    }
}
