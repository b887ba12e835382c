//! What the simulator meets by chance, by name: machines on a network without faults but those that a test makes.

use netipc_view::message::MESSAGE_LENGTH_MAX;
use netipc_view::{
    Action, Answer, BootId, Config, Epoch, Event, Id, Instant, NodeId, Nodes, Part, Random, Token,
    View, limits,
};

struct Counting(u64);

impl Random for Counting {
    fn word(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1234_5677);
        self.0 ^ self.0 >> 29
    }
}

struct Machine {
    view: Box<View<Counting>>,
    config: Config,
    on: bool,
    answers: Vec<(Token, Answer)>,
}

/// Machines whose messages take no time; time goes in steps of a millisecond.
struct Cluster {
    machines: Vec<Machine>,
    now: Instant,
    cut: Vec<(usize, usize)>,
    boots: u64,
}

const MILLISECOND: u64 = 1_000_000;

impl Cluster {
    /// So many machines, of which the first vote, and those at the end may own nothing.
    fn new(machines: u8, voters: u8, witnesses: u8) -> Self {
        let all: Nodes = (1..=machines).map(NodeId).collect();
        let voters: Nodes = (1..=voters).map(NodeId).collect();
        let machine = |node: u8| Machine {
            view: Box::new(View::new(Counting(node.into()))),
            config: Config {
                node: NodeId(node),
                boot: BootId(0),
                part: if node + witnesses > machines {
                    Part::Witness
                } else {
                    Part::Holder
                },
                nodes: all,
                voters,
            },
            on: false,
            answers: Vec::new(),
        };
        let mut cluster = Self {
            machines: (1..=machines).map(machine).collect(),
            now: Instant::from_nanos(0),
            cut: Vec::new(),
            boots: 0,
        };
        (0..cluster.machines.len()).for_each(|machine| cluster.start(machine));
        cluster
    }

    fn start(&mut self, machine: usize) {
        self.boots += 1;
        let machine = &mut self.machines[machine];
        machine.on = true;
        machine.config.boot = BootId(self.boots);
        machine
            .view
            .begin(self.now, machine.config)
            .expect("the configuration is good");
    }

    fn stop(&mut self, machine: usize) {
        self.machines[machine].on = false;
    }

    fn run(&mut self, milliseconds: u64) {
        for _ in 0..milliseconds {
            self.now = Instant::from_nanos(self.now.as_nanos() + MILLISECOND);
            for machine in self.machines.iter_mut().filter(|machine| machine.on) {
                if machine.view.poll_timeout().is_some_and(|at| at <= self.now) {
                    machine.view.handle_timeout(self.now);
                }
            }
            while self.deliver() {}
        }
    }

    /// Every message that is ready; whether there was one.
    fn deliver(&mut self) -> bool {
        let mut buffer = [0; MESSAGE_LENGTH_MAX];
        let mut some = false;
        for from in 0..self.machines.len() {
            while self.machines[from].on {
                let Some(transmit) = self.machines[from]
                    .view
                    .poll_transmit(self.now, &mut buffer)
                else {
                    break;
                };
                some = true;
                let to = usize::from(transmit.to.0) - 1;
                if self.machines[to].on && !self.cut.contains(&(from, to)) {
                    let bytes = &buffer[..transmit.length];
                    let sender = NodeId(from as u8 + 1);
                    let _ = self.machines[to]
                        .view
                        .handle_message(self.now, sender, bytes);
                }
            }
            let machine = &mut self.machines[from];
            while let Some(event) = machine.view.poll_event() {
                if let Event::Answered { token, answer } = event {
                    machine.answers.push((token, answer));
                }
            }
        }
        some
    }

    fn ask(&mut self, machine: usize, action: Action) {
        let view = &mut self.machines[machine].view;
        view.handle_local(self.now, Token(1), action)
            .expect("there is room");
    }

    fn answer(&mut self, machine: usize) -> Option<Answer> {
        self.machines[machine]
            .answers
            .pop()
            .map(|(_, answer)| answer)
    }

    fn owns(&self, machine: usize, id: Id) -> Option<Epoch> {
        self.machines[machine].view.owns(self.now, id)
    }

    /// One machine is alone.
    fn isolate(&mut self, machine: usize) {
        for other in 0..self.machines.len() {
            self.cut.extend([(machine, other), (other, machine)]);
        }
    }
}

const HOUSE: Id = Id(7);
/// Long enough for everything to come to rest.
const LONG: u64 = 5_000;

#[test]
fn a_home_has_one_owner_and_is_handed_over_and_given_back() {
    let mut cluster = Cluster::new(3, 3, 0);
    cluster.run(LONG);
    cluster.ask(1, Action::Claim(HOUSE));
    cluster.ask(2, Action::Claim(HOUSE));
    cluster.run(20);
    let answers = [cluster.answer(1), cluster.answer(2)];
    let owner = if cluster.owns(1, HOUSE).is_some() {
        1
    } else {
        2
    };
    let epoch = cluster.owns(owner, HOUSE).expect("one of them owns it");
    assert_eq!(answers[owner - 1], Some(Answer::Owned(epoch)));
    assert_eq!(
        answers[2 - owner],
        Some(Answer::Held(NodeId(owner as u8 + 1), epoch))
    );
    cluster.ask(owner, Action::HandOver(HOUSE, epoch, NodeId(1)));
    assert_eq!(cluster.owns(owner, HOUSE), None, "it stops at once");
    cluster.run(120);
    let later = cluster.owns(0, HOUSE).expect("the heir owns it");
    assert!(later > epoch);
    cluster.ask(0, Action::Release(HOUSE, epoch));
    cluster.run(20);
    assert_eq!(
        cluster.answer(0),
        Some(Answer::NotOwner),
        "that was another epoch"
    );
    cluster.ask(0, Action::Release(HOUSE, later));
    cluster.run(20);
    assert_eq!(cluster.answer(0), Some(Answer::Gone));
}

#[test]
fn two_machines_without_a_tie_breaker_never_take_over() {
    let mut cluster = Cluster::new(2, 2, 0);
    cluster.run(LONG);
    cluster.ask(0, Action::Claim(HOUSE));
    cluster.run(100);
    assert!(cluster.owns(0, HOUSE).is_some());
    cluster.stop(0);
    cluster.ask(1, Action::Claim(HOUSE));
    cluster.run(60_000);
    assert_eq!((cluster.owns(1, HOUSE), cluster.answer(1)), (None, None));
    // Only when it is back, which says that it has lost what it had.
    cluster.start(0);
    cluster.run(LONG);
    assert!(cluster.owns(1, HOUSE).is_some());
}

#[test]
fn two_machines_that_are_cut_off_from_each_other_do_nothing() {
    let mut cluster = Cluster::new(2, 2, 0);
    cluster.run(LONG);
    cluster.ask(0, Action::Claim(HOUSE));
    cluster.run(100);
    let epoch = cluster.owns(0, HOUSE);
    cluster.isolate(0);
    cluster.ask(1, Action::Claim(HOUSE));
    cluster.run(60_000);
    assert_eq!(
        (cluster.owns(0, HOUSE), cluster.owns(1, HOUSE)),
        (None, None)
    );
    cluster.cut.clear();
    cluster.run(LONG);
    assert!(cluster.owns(0, HOUSE) == epoch || cluster.owns(1, HOUSE) > epoch);
}

#[test]
fn with_a_witness_the_other_takes_over_after_the_lease() {
    let mut cluster = Cluster::new(3, 3, 1);
    cluster.run(LONG);
    cluster.ask(0, Action::Claim(HOUSE));
    cluster.run(100);
    let epoch = cluster.owns(0, HOUSE).expect("it is free");
    cluster.isolate(0);
    let lease = limits::LEASE.as_millis() as u64;
    let mut stopped = None;
    let mut taken = None;
    for passed in 0..LONG {
        cluster.run(1);
        if cluster.machines[1]
            .view
            .table()
            .is_some_and(|table| table.home(HOUSE).is_none())
        {
            cluster.machines[1].answers.clear();
            let _ =
                cluster.machines[1]
                    .view
                    .handle_local(cluster.now, Token(2), Action::Claim(HOUSE));
        }
        stopped = stopped.or_else(|| cluster.owns(0, HOUSE).is_none().then_some(passed));
        taken = taken.or_else(|| cluster.owns(1, HOUSE).is_some().then_some(passed));
    }
    let (stopped, taken) = (stopped.expect("it stops"), taken.expect("it is taken"));
    assert!(stopped <= lease && stopped < taken, "{stopped} {taken}");
    assert!(taken <= 2 * lease, "an election and a lease: {taken}");
    assert!(cluster.owns(1, HOUSE) > Some(epoch));
    assert!(
        cluster.machines[2]
            .view
            .table()
            .is_some_and(|t| t.member(NodeId(3)).is_none())
    );
}

#[test]
fn a_minority_changes_nothing() {
    let mut cluster = Cluster::new(5, 5, 0);
    cluster.run(LONG);
    for few in [0, 1] {
        for other in 2..5 {
            cluster.cut.extend([(few, other), (other, few)]);
        }
    }
    cluster.ask(0, Action::Claim(HOUSE));
    let before = cluster.machines[0].view.table().map(|table| table.epoch());
    cluster.run(20_000);
    let after = cluster.machines[0].view.table().map(|table| table.epoch());
    assert_eq!((before, cluster.answer(0)), (after, None));
    cluster.ask(3, Action::Claim(HOUSE));
    cluster.run(200);
    assert!(cluster.owns(3, HOUSE).is_some());
    cluster.cut.clear();
    cluster.run(LONG);
    assert!(matches!(
        cluster.answer(0),
        Some(Answer::Held(NodeId(4), _))
    ));
}

#[test]
fn voters_may_restart_one_after_the_other_for_ever() {
    let mut cluster = Cluster::new(4, 3, 0);
    cluster.run(LONG);
    cluster.ask(3, Action::Claim(HOUSE));
    cluster.run(100);
    let (history, epoch) = (cluster.machines[3].view.history(), cluster.owns(3, HOUSE));
    assert!(epoch.is_some());
    for round in 0..9 {
        cluster.stop(round % 3);
        cluster.run(10);
        cluster.start(round % 3);
        cluster.run(LONG);
        let view = &cluster.machines[round % 3].view;
        let seat = view.table().and_then(|table| table.seats()[round % 3]);
        assert_eq!(seat, Some(view.incarnation()), "round {round}");
    }
    assert_eq!(
        (cluster.machines[3].view.history(), cluster.owns(3, HOUSE)),
        (history, epoch)
    );
}

#[test]
fn when_all_voters_have_lost_their_memory_epochs_go_on_above_what_is_known() {
    let mut cluster = Cluster::new(4, 3, 0);
    cluster.run(LONG);
    cluster.ask(3, Action::Claim(HOUSE));
    cluster.run(100);
    let epoch = cluster.owns(3, HOUSE).expect("it is free");
    (0..3).for_each(|voter| cluster.start(voter));
    cluster.ask(1, Action::Claim(HOUSE));
    for _ in 0..LONG {
        cluster.run(1);
        assert!(cluster.owns(1, HOUSE).is_none() || cluster.owns(3, HOUSE).is_none());
    }
    assert!(cluster.owns(1, HOUSE) > Some(epoch));
}

#[test]
fn a_full_table_is_copied_by_who_was_away() {
    let mut cluster = Cluster::new(3, 3, 0);
    cluster.run(LONG);
    cluster.stop(2);
    for id in 0..limits::HOMES as u128 {
        cluster.ask(0, Action::Claim(Id(id)));
        cluster.run(2);
    }
    assert!(matches!(cluster.answer(0), Some(Answer::Owned(_))));
    cluster.ask(0, Action::Claim(Id(u128::MAX)));
    cluster.run(2);
    assert_eq!(cluster.answer(0), Some(Answer::Full));
    cluster.start(2);
    cluster.run(LONG);
    let tables = [0, 2].map(|machine| cluster.machines[machine].view.table());
    assert_eq!(
        tables[1].map(|table| table.homes().len()),
        Some(limits::HOMES)
    );
    assert_eq!(tables[0], tables[1]);
}

#[test]
fn requests_beyond_the_limit_are_refused_and_the_others_answered() {
    let mut cluster = Cluster::new(1, 1, 0);
    for id in 0..limits::REQUESTS as u128 {
        cluster.ask(0, Action::Claim(Id(id)));
    }
    let view = &mut cluster.machines[0].view;
    assert!(
        view.handle_local(cluster.now, Token(9), Action::Claim(HOUSE))
            .is_err()
    );
    cluster.run(LONG);
    assert_eq!(cluster.machines[0].answers.len(), limits::REQUESTS);
}
