//! Lent memory: fetches and stores, step by step.

mod pair;

use std::time::Duration;

use netipc_protocol::bulk::{
    Access, CHUNK, Direction, Lending, Loan, Place, Transfer, TransferEnd,
};
use netipc_protocol::{
    CallId, Dropped, Execution, Given, NotExecuted, Received, Token, Way, limits,
};
use netipc_wire::{Kind, Message};
use pair::{A, B, Fate, Pair, Said, node, read};

const SOON: Duration = Duration::from_millis(2);
/// Long enough for some hundred chunks.
const LATER: Duration = Duration::from_millis(500);
/// Bytes that are lent, in chunks that are not all full.
const LENGTH: usize = 100 * CHUNK + 17;

/// A has lent memory to a request that B works on.
struct Scene {
    pair: Pair,
    call: CallId,
    execution: Execution,
}

fn pattern(seed: u8, length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| (at * 31 + at / 251) as u8 ^ seed)
        .collect()
}

impl Scene {
    fn lent(access: Access) -> Self {
        let mut pair = Pair::connected();
        pair.machines[A].memory = vec![Vec::new(), pattern(1, LENGTH)];
        pair.machines[B].memory = vec![pattern(2, LENGTH), vec![0; LENGTH]];
        let loan = Loan {
            length: LENGTH as u64,
            access,
        };
        let lending = Lending {
            place: Place(1),
            loan,
        };
        let call = pair.give(9, Way::Call, Given::Loan(lending)).unwrap();
        pair.run(SOON);
        let execution = pair.delivered(B);
        let now = pair.now;
        let request = pair.machines[B].endpoint.start(now, execution).unwrap();
        assert_eq!(request.capability, Some(Received::Loan(loan)));
        Self {
            pair,
            call,
            execution,
        }
    }

    fn transfer(
        &mut self,
        direction: Direction,
        offset: u64,
        length: u64,
    ) -> Result<(), TransferEnd> {
        let place = match direction {
            Direction::Store => Place(0),
            Direction::Fetch => Place(1),
        };
        let transfer = Transfer {
            token: Token(7),
            execution: self.execution,
            direction,
            place,
            at: offset,
            offset,
            length,
        };
        let now = self.pair.now;
        self.pair.machines[B].endpoint.transfer(now, &transfer)
    }

    fn whole(&mut self, direction: Direction) {
        self.transfer(direction, 0, LENGTH as u64).unwrap();
    }

    fn ended(&mut self) -> Option<Result<(), TransferEnd>> {
        let said = &mut self.pair.machines[B].said;
        let place = said
            .iter()
            .position(|said| matches!(said, Said::Transferred(7, _)))?;
        match said.remove(place) {
            Some(Said::Transferred(_, result)) => Some(result),
            _ => None,
        }
    }

    /// The server answers, and nothing is left.
    fn finish(mut self) {
        self.pair.finish(B, self.execution, 9, &[]);
        self.pair.run(SOON);
        assert!(matches!(self.pair.outcome(A), (9, Ok(_))));
        self.pair.assert_empty();
    }
}

#[test]
fn what_is_lent_is_fetched() {
    let mut scene = Scene::lent(Access::Read);
    scene.whole(Direction::Fetch);
    scene.pair.run(LATER);
    assert_eq!(scene.ended(), Some(Ok(())));
    assert_eq!(scene.pair.machines[B].memory[1], pattern(1, LENGTH));
    assert_eq!(scene.pair.count(A, Kind::Data), 101, "each chunk once");
    assert_eq!(scene.pair.dropped, []);
    // Repeated fetches of parts are transfers of their own.
    scene.pair.machines[B].memory[1].fill(0);
    scene.transfer(Direction::Fetch, 1000, 3000).unwrap();
    scene.pair.run(LATER);
    assert_eq!(scene.ended(), Some(Ok(())));
    let mut expected = vec![0; LENGTH];
    expected[1000..4000].copy_from_slice(&pattern(1, LENGTH)[1000..4000]);
    assert_eq!(scene.pair.machines[B].memory[1], expected);
    scene.finish();
}

#[test]
fn what_is_stored_is_there_before_the_reply() {
    let mut scene = Scene::lent(Access::Write);
    scene.whole(Direction::Store);
    scene.pair.run(LATER);
    assert_eq!(scene.ended(), Some(Ok(())));
    assert_eq!(scene.pair.machines[A].memory[1], pattern(2, LENGTH));
    assert_eq!(scene.pair.count(B, Kind::Data), 101, "each chunk once");
    assert_eq!(scene.pair.count(B, Kind::Store), 1);
    scene.finish();
}

#[test]
// [N42] [N43]
fn under_loss_everything_comes_and_no_more_is_under_way_than_may_be() {
    for direction in [Direction::Fetch, Direction::Store] {
        let mut scene = Scene::lent(Access::ReadWrite);
        let mut number = 0_u32;
        scene.pair.filter = Box::new(move |_, _| {
            number = number.wrapping_mul(1_103_515_245).wrapping_add(12_345);
            match number >> 16 & 15 {
                0 | 1 => Fate::Lose,
                2 => Fate::Delay(Duration::from_millis(3)),
                _ => Fate::Pass,
            }
        });
        scene.whole(direction);
        for _ in 0..2000 {
            scene.pair.run(SOON);
            let on_the_way = scene.pair.wire.iter();
            let data = on_the_way.filter(|(_, _, frame)| matches!(read(frame), Message::Data(_)));
            assert!(data.count() <= limits::BULK_WINDOW_MAX as usize);
            if let Some(result) = scene.ended() {
                assert_eq!(result, Ok(()));
                break;
            }
        }
        let came = match direction {
            Direction::Fetch => scene.pair.machines[B].memory[1] == pattern(1, LENGTH),
            Direction::Store => scene.pair.machines[A].memory[1] == pattern(2, LENGTH),
        };
        assert!(came, "{direction:?}");
        scene.pair.heal();
        scene.pair.run(SOON);
        scene.finish();
    }
}

#[test]
// [N39]
fn what_comes_late_is_not_written() {
    let mut scene = Scene::lent(Access::ReadWrite);
    // Of a store only the first chunks come; the others are on their way when the call is cancelled.
    scene.pair.filter = Box::new(|_, kind| match kind {
        Kind::Data => Fate::Delay(Duration::from_millis(1)),
        _ => Fate::Pass,
    });
    scene.whole(Direction::Store);
    scene.pair.run(Duration::from_micros(1900));
    let data = scene.pair.last(Kind::Data);
    let before = scene.pair.machines[A].memory[1].clone();
    scene.pair.cancel(A, scene.call);
    scene.pair.forget();
    scene.pair.run(LATER);
    assert_eq!(scene.pair.machines[A].memory[1], before);
    assert!(scene.pair.dropped.contains(&(A, Dropped::Stale)));
    assert_eq!(scene.ended(), Some(Err(TransferEnd::Over)));
    // And once more, long after.
    scene.pair.inject(A, &mut data.clone());
    assert_eq!(scene.pair.machines[A].memory[1], before);
    scene.pair.assert_empty();
}

#[test]
// [N44]
fn the_loan_ends_with_the_reply() {
    let mut scene = Scene::lent(Access::ReadWrite);
    scene.whole(Direction::Fetch);
    scene.pair.run(Duration::from_micros(700));
    scene.pair.finish(B, scene.execution, 9, &[]);
    scene.pair.run(LATER);
    assert_eq!(scene.ended(), Some(Err(TransferEnd::Over)));
    assert_eq!(
        scene.transfer(Direction::Fetch, 0, 1),
        Err(TransferEnd::Over)
    );
    assert!(matches!(scene.pair.outcome(A), (9, Ok(_))));
    scene.pair.assert_empty();
}

#[test]
// [N41]
fn a_loan_is_for_what_it_says() {
    let mut scene = Scene::lent(Access::Read);
    scene.transfer(Direction::Store, 0, 1).unwrap();
    scene.pair.run(LATER);
    assert_eq!(scene.ended(), Some(Err(TransferEnd::NotPermitted)));
    scene.transfer(Direction::Fetch, LENGTH as u64, 1).unwrap();
    scene.pair.run(LATER);
    assert_eq!(scene.ended(), Some(Err(TransferEnd::OutOfRange)));
    scene.transfer(Direction::Fetch, u64::MAX, 2).unwrap_err();
    assert_eq!(scene.pair.machines[A].memory[1], pattern(1, LENGTH));
    scene.finish();
}

#[test]
fn a_silent_lender_and_a_silent_borrower_end_the_transfer() {
    for (direction, dead) in [
        (Direction::Fetch, A),
        (Direction::Store, A),
        (Direction::Fetch, B),
        (Direction::Store, B),
    ] {
        let mut scene = Scene::lent(Access::ReadWrite);
        scene.whole(direction);
        scene.pair.run(Duration::from_micros(700));
        scene.pair.kill(dead);
        scene.pair.run(limits::OUTCOME_WITHIN);
        if dead == A {
            assert_eq!(scene.ended(), Some(Err(TransferEnd::PeerLost)));
        } else {
            assert!(matches!(scene.pair.outcome(A), (9, Err(_))));
        }
        let other = &scene.pair.machines[1 - dead].endpoint;
        assert_eq!(other.occupancy(node(dead)), Some(Default::default()));
    }
}

#[test]
fn there_are_only_so_many_and_messages_cannot_lend() {
    let mut scene = Scene::lent(Access::Read);
    for _ in 0..limits::TRANSFERS {
        scene.whole(Direction::Fetch);
    }
    assert_eq!(
        scene.transfer(Direction::Fetch, 0, 1),
        Err(TransferEnd::Overload)
    );
    scene.pair.run(LATER);
    for _ in 0..limits::TRANSFERS {
        assert_eq!(scene.ended(), Some(Ok(())));
    }
    let lending = Lending {
        place: Place(1),
        loan: Loan {
            length: 1,
            access: Access::Read,
        },
    };
    let refused = scene.pair.give(1, Way::OneWay, Given::Loan(lending));
    assert_eq!(refused, Err(NotExecuted::NotExportable));
    scene.finish();
}
