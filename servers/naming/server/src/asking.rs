//! Questions to other machines: from the client's call to the answer that a worker brings.

use heapless::Vec;
use isthmus_runtime::abi::{ComponentId, Label, NotExecuted, Outcome};
use isthmus_runtime::interface::{
    Answer, Anything, Cap, Capability, Disposition, Method, Reader, Size, Wire, Writer,
};
use isthmus_runtime::{Kernel, SavedReply, Slot, Thread, slots, thread};
use naming_interface::{Claims, NamingError, Path, naming};
use naming_logic::limits::{ATTEMPTS, QUESTIONS_OF_ONE, WORKERS};
use naming_logic::{Asker, Owner, Place, Question, Questions, Why};
use netipc_interface::NetipcClient;
use netipc_protocol::{WORDS_MAX, Way};
use netipc_proxy_logic::mailbox::{Head, Job};
use static_cell::ConstStaticCell;

use crate::clock::Clock;
use crate::server::Server;
use crate::worker::{self, MAILBOXES};

/// Words of the longest question: a path, and a name or a few numbers.
const QUESTION_WORDS: usize = 24;

/// A message to another machine's naming.
pub struct Message {
    label: Label,
    words: Vec<u64, QUESTION_WORDS>,
}

impl Message {
    /// A request.
    pub fn of<M: Method>(request: &M) -> Self {
        const {
            assert!(matches!(M::ARGUMENTS, Size::Words(words) if words <= QUESTION_WORDS));
        }
        let mut words = [0; QUESTION_WORDS];
        let mut writer = Writer::new(&mut words);
        // There is room for the longest.
        let _ = request.write(&mut writer);
        let length = writer.written();
        Self {
            label: M::LABEL,
            words: words[..length].iter().copied().collect(),
        }
    }
}

/// A client's call that leads to another machine.
pub struct Abroad {
    pub question: Question,
    pub message: Message,
    /// A capability that goes with it; deleted when it is answered.
    pub capability: Option<Slot>,
    /// Who asked, for which path: to look again if that machine has it no more.
    pub asker: Asker,
    pub path: Path,
    pub wants: Wants,
}

/// What a client wants to know of a name that a machine owns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// What it stands for.
    Capability,
    /// And since which epoch.
    Epoch,
}

/// A client that waits.
struct Client {
    reply: SavedReply,
    why: Why,
    /// The path that is asked for, there.
    there: Path,
    capability: Option<Slot>,
    asker: Asker,
    path: Path,
    wants: Wants,
    /// Machines that were asked before.
    before: u8,
}

/// A question, and for whom it is: a client, or this machine's mirror.
pub struct Ask {
    message: Message,
    client: Option<Client>,
}

/// What a worker is at.
struct Task {
    node: u8,
    /// Who waits; nobody but the mirror if it is `None`.
    client: Option<Client>,
    /// The naming that it calls.
    target: Slot,
}

/// The questions and the workers.
pub struct Asking {
    questions: &'static mut Questions<Ask>,
    workers: Vec<Thread, WORKERS>,
    tasks: [Option<Task>; WORKERS],
}

// Too large for the stack, and there is no heap.
static QUESTIONS: ConstStaticCell<Questions<Ask>> = ConstStaticCell::new(Questions::new());

impl Asking {
    /// Starts the workers that the description gives.
    pub fn new() -> Self {
        let questions = QUESTIONS.take();
        let mut workers = Vec::new();
        for number in 0..thread::count().min(WORKERS) {
            // Thread 0 is this one.
            if let Ok(thread) = Thread::spawn(number + 1, worker::run, number) {
                // There is room for as many as are started.
                let _ = workers.push(thread);
            }
        }
        questions.begin(workers.len());
        Self {
            questions,
            workers,
            tasks: [const { None }; WORKERS],
        }
    }

    /// Questions of a component that have no answer yet.
    fn open(&self, asker: &Asker) -> usize {
        let waiting = self.questions.waiting().map(|ask| &ask.client);
        let asked = self.tasks.iter().flatten().map(|task| &task.client);
        let clients = waiting.chain(asked).flatten();
        clients.filter(|c| c.asker.client == asker.client).count()
    }
}

impl Server {
    /// Sends a client's question on its way. If there is no room, the answer that stands is said: [`NamingError::Busy`].
    pub fn defer(&mut self, abroad: Abroad) -> Disposition {
        if self.asking.open(&abroad.asker) >= QUESTIONS_OF_ONE {
            drop_capability(abroad.capability);
            return Disposition::Reply;
        }
        let Ok(reply) = SavedReply::save() else {
            drop_capability(abroad.capability);
            return Disposition::Reply;
        };
        let client = Client {
            reply,
            why: abroad.question.why,
            there: abroad.question.path,
            capability: abroad.capability,
            asker: abroad.asker,
            path: abroad.path,
            wants: abroad.wants,
            before: 0,
        };
        self.queue(abroad.question.node, abroad.message, client);
        Disposition::Nothing
    }

    fn queue(&mut self, node: u8, message: Message, client: Client) {
        let ask = Ask {
            message,
            client: Some(client),
        };
        if let Err(Ask {
            client: Some(client),
            ..
        }) = self.asking.questions.push(node, ask)
        {
            client.answer(|answer| answer.error::<naming::lookup>(&NamingError::Busy));
        }
    }

    /// Asks the peers for the names that they may have, and hands questions to workers.
    pub fn ask(&mut self) {
        while let Some((node, after)) = self.names.next_pull(Clock::now()) {
            let message = Message::of(&naming::claims { after });
            let ask = Ask {
                message,
                client: None,
            };
            if self.asking.questions.push(node, ask).is_err() {
                // The next look-up that misses asks again.
                self.names.not_told(node);
            }
        }
        while let Some((worker, node, ask)) = self.asking.questions.next_job() {
            self.post(worker, node, ask);
        }
    }

    fn post(&mut self, worker: usize, node: u8, ask: Ask) {
        let Some(target) = self.peer(node) else {
            self.asking.questions.finish(worker);
            match ask.client {
                None => self.names.not_told(node),
                Some(client) => {
                    client.answer(|answer| answer.outcome(NotExecuted::PeerUnreachable.into()));
                }
            }
            return;
        };
        let job = Job {
            target,
            way: Way::Call,
            head: Head {
                label: ask.message.label.bits(),
                length: ask.message.words.len(),
                capability: ask.client.as_ref().and_then(|client| client.capability),
            },
        };
        MAILBOXES[worker].post(&job, &ask.message.words);
        self.asking.workers[worker].notification().signal();
        self.asking.tasks[worker] = Some(Task {
            node,
            client: ask.client,
            target,
        });
    }

    /// A capability to the naming of machine `node`. Netipc answers at once, from what it knows.
    pub fn peer(&self, node: u8) -> Option<Slot> {
        let netipc = self.netipc.as_ref()?;
        let peer = NetipcClient::new(Kernel, netipc.slot).peer(node).ok()?;
        Some(peer.into_slot())
    }

    /// Takes what the workers have brought.
    pub fn take_answers(&mut self) {
        let mut words = [0; WORDS_MAX];
        for (worker, mailbox) in MAILBOXES.iter().enumerate() {
            if self.asking.tasks[worker].is_none() {
                continue;
            }
            if let Some(head) = mailbox.collect(&mut words)
                && let Some(task) = self.asking.tasks[worker].take()
            {
                self.asking.questions.finish(worker);
                slots::free(task.target);
                let answer = Brought {
                    label: Label::from_bits(head.label),
                    words: &words[..head.length],
                    capability: head.capability,
                };
                match task.client {
                    None => self.mirrored(task.node, &answer),
                    Some(client) => self.answered(task.node, client, &answer),
                }
                drop_capability(head.capability);
            }
        }
    }

    fn mirrored(&mut self, node: u8, answer: &Brought<'_>) {
        match answer.read::<Claims>(Label::REPLY) {
            Some(page) => self.names.told(Clock::now(), node, &page),
            None => self.names.not_told(node),
        }
    }

    fn answered(&mut self, node: u8, client: Client, brought: &Brought<'_>) {
        let error = brought.read::<NamingError>(Label::REPLY_ERROR);
        if let Why::Owned { epoch } = client.why {
            match (brought.read::<u64>(Label::REPLY), error) {
                (Some(since), _) if since >= epoch => {
                    return client.tell(since, brought.capability);
                }
                // Of a past that this machine knows to be over, or not the owner any more.
                (Some(_), _) | (_, Some(NamingError::NotSure | NamingError::NotFound)) => {
                    return self.ask_owner_again(client);
                }
                // What became of the question.
                _ => {}
            }
        }
        if client.why == Why::Mirrored && error == Some(NamingError::NotFound) {
            return self.look_again(node, client);
        }
        let first = brought.words.first().copied().unwrap_or(0);
        if let naming_logic::Client::Component(component) = client.asker.client
            && let Some(slot) = brought.capability
        {
            self.pass_on(component, &client.reply, slot);
        }
        client.answer(|answer| match Outcome::of_answer(brought.label, first) {
            Ok(()) => answer.raw(
                brought.label,
                brought.words,
                brought.capability.map(Capability::in_slot),
            ),
            Err(outcome) => answer.outcome(outcome),
        });
    }

    /// What came for a component is that one's, and no more naming's: netipc is told so. It is none of netipc's if it is this machine's own, come home.
    fn pass_on(&self, component: ComponentId, reply: &SavedReply, slot: Slot) {
        let Some(netipc) = &self.netipc else { return };
        let netipc = NetipcClient::new(Kernel, netipc.slot);
        let capability = Cap::<Anything>::from(slot);
        // Both answer at once.
        let _ = if reply.is_live() {
            netipc.entrust(component.0, capability)
        } else {
            // The client has died while it waited.
            netipc.release(capability)
        };
    }

    /// The machine that owned a name does not say so any more. Another may, or this one.
    fn ask_owner_again(&mut self, client: Client) {
        let full = self.names.owned_path(&client.asker, &client.path);
        let owner = full.map(|full| {
            self.view
                .as_ref()
                .map_or(Owner::Nobody, |view| view.owner(&full))
        });
        let place = owner.and_then(|owner| {
            let now = Clock::now();
            self.names
                .lookup_owned(now, &client.asker, &client.path, owner)
        });
        match place {
            Ok(Place::There(question)) => {
                let path = question.path.clone();
                self.ask_another(question, Message::of(&naming::owned { path }), client);
            }
            Ok(Place::Here((slot, epoch))) => client.tell(epoch, Some(slot)),
            Err(error) => client.answer(|answer| answer.error::<naming::lookup>(&error)),
        }
    }

    /// The machine that told that it has a name has not. Another may have it, or this one.
    fn look_again(&mut self, node: u8, client: Client) {
        self.names.disown(node, &client.there);
        match self.names.lookup(Clock::now(), &client.asker, &client.path) {
            Ok(Place::There(question)) => {
                let path = question.path.clone();
                self.ask_another(question, Message::of(&naming::lookup { path }), client);
            }
            Ok(Place::Here(slot)) => {
                client.answer(|answer| answer.reply::<naming::lookup>(&(), Some(slot.into())))
            }
            Err(error) => client.answer(|answer| answer.error::<naming::lookup>(&error)),
        }
    }

    /// Asks the next machine on the client's behalf, unless as many were asked as may be.
    fn ask_another(&mut self, question: Question, message: Message, mut client: Client) {
        client.before += 1;
        if client.before >= ATTEMPTS {
            return client.answer(|answer| answer.error::<naming::lookup>(&NamingError::NotSure));
        }
        client.why = question.why;
        client.there = question.path;
        self.queue(question.node, message, client);
    }
}

impl Client {
    /// Answers what a name stands for, as it was asked.
    fn tell(self, epoch: u64, capability: Option<Slot>) {
        let (wants, capability) = (self.wants, capability.map(Capability::in_slot));
        self.answer(|answer| match wants {
            Wants::Capability => answer.reply::<naming::lookup>(&(), capability),
            Wants::Epoch => answer.reply::<naming::owned>(&epoch, capability),
        });
    }

    /// Answers it.
    fn answer(self, say: impl FnOnce(&mut Answer)) {
        let mut answer = Answer::new();
        say(&mut answer);
        self.reply.answer(&answer);
        drop_capability(self.capability);
    }
}

/// What a worker has brought.
struct Brought<'w> {
    label: Label,
    words: &'w [u64],
    capability: Option<Slot>,
}

impl Brought<'_> {
    /// The answer, if it has the label that is wanted, and its words are what they should be.
    fn read<T: Wire>(&self, wanted: Label) -> Option<T> {
        let mut reader = Reader::new(self.words);
        let value = T::read(&mut reader).ok().filter(|_| self.label == wanted)?;
        reader.finish().ok().map(|()| value)
    }
}

fn drop_capability(capability: Option<Slot>) {
    if let Some(slot) = capability {
        slots::free(slot);
    }
}
