//! Calls: slots, repetition, cancelling, order, time.

mod pair;

use std::time::Duration;

use netipc_protocol::{
    Answer, Dropped, NotExecuted, Outcome, Stale, Target, Unknown, WORDS_MAX, Way, limits,
};
use netipc_wire::{Kind, Message};
use pair::{A, B, Fate, LATENCY, Pair, ROWS, Reply, SLOTS, Said, node, read};

const SOON: Duration = Duration::from_millis(2);
const MS: Duration = Duration::from_millis(1);

fn reply(label: u64, words: &[u64]) -> Result<Reply, Outcome> {
    Ok(Reply {
        label,
        words: words.to_vec(),
        capability: None,
        home: None,
    })
}

#[test]
fn a_call_costs_a_request_and_a_reply() {
    let mut pair = Pair::connected();
    let words: Vec<u64> = (0..WORDS_MAX as u64).collect();
    pair.call(A, 5, &words);
    let begin = pair.now;
    pair.run(SOON);
    let execution = pair.delivered(B);
    assert_eq!(pair.start(B, execution), Some((5, words.clone())));
    pair.finish(B, execution, 6, &words);
    pair.run(SOON);
    assert_eq!(pair.outcome(A), (5, reply(6, &words)));
    assert_eq!(begin.until(pair.now), SOON * 2);
    assert_eq!(pair.sent.len(), 2, "{:?}", pair.sent);
    pair.assert_empty();
}

#[test]
fn an_idle_session_says_nothing_and_asks_for_no_time() {
    let mut pair = Pair::connected();
    assert_eq!(pair.machines[A].endpoint.poll_timeout(), None);
    assert_eq!(pair.machines[B].endpoint.poll_timeout(), None);
    pair.run(Duration::from_secs(3600));
    assert!(pair.sent.is_empty());
}

#[test]
fn a_lost_request_is_repeated() {
    let mut pair = Pair::connected();
    pair.lose(Kind::Request, 2);
    pair.call(A, 1, &[1]);
    pair.run(limits::RETRANSMIT_FIRST * 3 + SOON);
    assert_eq!(pair.count(A, Kind::Request), 3);
    let execution = pair.delivered(B);
    pair.serve(B, execution, &[2]);
    pair.run(SOON);
    assert_eq!(pair.outcome(A), (1, reply(1, &[2])));
}

#[test]
// [N22]
fn a_lost_reply_is_repeated_from_memory() {
    let mut pair = Pair::connected();
    pair.lose(Kind::Reply, 1);
    pair.call(A, 1, &[]);
    pair.run(SOON);
    let execution = pair.delivered(B);
    pair.serve(B, execution, &[9]);
    pair.run(limits::RETRANSMIT_FIRST + SOON);
    assert_eq!(pair.outcome(A), (1, reply(1, &[9])));
    assert_eq!(
        (pair.count(A, Kind::Request), pair.count(B, Kind::Reply)),
        (2, 2)
    );
    assert!(pair.machines[B].said.is_empty(), "it was delivered once");
}

#[test]
fn a_slow_server_is_asked_less_and_less() {
    let mut pair = Pair::connected();
    pair.call(A, 1, &[]);
    pair.run(SOON);
    let execution = pair.delivered(B);
    pair.start(B, execution);
    pair.run(Duration::from_secs(1));
    // 5, 15, then every 80 ms: the ACK says that it is here.
    assert!(pair.count(A, Kind::Request) < 18);
    assert!(pair.count(B, Kind::Ack) < 18);
    pair.finish(B, execution, 1, &[]);
    pair.run(SOON);
    assert_eq!(pair.outcome(A), (1, reply(1, &[])));
}

#[test]
// [N16]
fn a_duplicate_after_the_reply_runs_nothing() {
    let mut pair = Pair::connected();
    pair.call(A, 1, &[]);
    pair.run(SOON);
    let request = pair.last(Kind::Request);
    let execution = pair.delivered(B);
    pair.serve(B, execution, &[]);
    pair.run(SOON);
    for _ in 0..3 {
        pair.inject(B, &mut request.clone());
        pair.run(SOON);
    }
    assert_eq!(
        pair.count(B, Kind::Reply),
        4,
        "the cached reply answers each duplicate"
    );
    assert!(pair.machines[B].said.is_empty());
    // The slot's next call turns the duplicate away for good.
    pair.call(A, 2, &[]);
    pair.run(SOON);
    pair.forget();
    pair.inject(B, &mut request.clone());
    pair.run(SOON);
    assert!(pair.machines[B].said.is_empty() && !pair.dropped.is_empty());
}

#[test]
// [N18]
fn what_was_never_sent_is_not_executed() {
    let mut pair = Pair::connected();
    let call = pair.call(A, 1, &[]);
    pair.cancel(A, call);
    let budget = Some(MS);
    pair.try_call(A, 2, Target::Bootstrap(node(B)), Way::Call, budget, &[])
        .unwrap();
    pair.now = pair.now + MS;
    pair.step();
    pair.pump();
    assert_eq!(pair.outcome(A), (1, Err(NotExecuted::Cancelled.into())));
    assert_eq!(
        pair.outcome(A),
        (2, Err(NotExecuted::DeadlinePassed.into()))
    );
    assert!(pair.sent.is_empty());
    pair.assert_empty();
    // No number was used up by them.
    pair.call(A, 3, &[]);
    pair.run(SOON);
    let execution = pair.delivered(B);
    pair.serve(B, execution, &[]);
    pair.run(SOON);
    assert_eq!(pair.outcome(A), (3, reply(3, &[])));
}

#[test]
// [N19]
fn a_cancelled_call_is_answered_at_once_and_its_slot_waits_for_the_word() {
    let mut pair = Pair::connected();
    let call = pair.call(A, 1, &[]);
    pair.run(SOON);
    let execution = pair.delivered(B);
    pair.start(B, execution);
    pair.lose(Kind::Cancel, 2);
    pair.cancel(A, call);
    pair.pump();
    assert_eq!(pair.outcome(A), (1, Err(Unknown::Cancelled.into())));
    assert_eq!(
        pair.machines[A].endpoint.occupancy(node(B)).unwrap().calls,
        1,
        "quarantine"
    );
    pair.run(limits::RETRANSMIT_FIRST * 4);
    assert_eq!(
        pair.machines[B].said.pop_front(),
        Some(Said::Abandoned(execution))
    );
    assert_eq!(pair.count(A, Kind::Cancel), 3);
    pair.assert_empty();
    let answer = Answer::Reply {
        label: 0,
        words: &[],
        capability: None,
    };
    assert_eq!(
        pair.machines[B]
            .endpoint
            .finish(pair.now, execution, &answer),
        Err(Stale)
    );
    pair.run(SOON);
    assert!(pair.machines[A].said.is_empty());
}

#[test]
// [N20]
fn a_cancel_that_overtakes_leaves_a_tombstone() {
    let mut pair = Pair::connected();
    let late = Duration::from_millis(30);
    pair.filter = Box::new(move |_, kind| match kind {
        Kind::Request => Fate::Delay(late),
        _ => Fate::Pass,
    });
    let call = pair.call(A, 1, &[]);
    pair.run(MS);
    pair.cancel(A, call);
    pair.run(SOON);
    assert!(matches!(
        read(&pair.last(Kind::CancelAnswer)),
        Message::CancelAnswer(_, netipc_wire::Verdict::NeverRan)
    ));
    assert_eq!(pair.outcome(A), (1, Err(Unknown::Cancelled.into())));
    pair.assert_empty();
    pair.run(late * 2);
    assert!(
        pair.machines[B].said.is_empty(),
        "the late request is turned away"
    );
    // The slot is good, and the order is not disturbed.
    pair.heal();
    pair.call(A, 2, &[]);
    pair.run(SOON);
    let execution = pair.delivered(B);
    pair.serve(B, execution, &[]);
    pair.run(SOON);
    assert_eq!(pair.outcome(A), (2, reply(2, &[])));
}

#[test]
fn a_request_that_no_worker_has_taken_can_be_withdrawn() {
    let mut pair = Pair::connected();
    let call = pair.call(A, 1, &[]);
    pair.run(SOON);
    let execution = pair.delivered(B);
    pair.cancel(A, call);
    pair.run(SOON);
    assert!(matches!(
        read(&pair.last(Kind::CancelAnswer)),
        Message::CancelAnswer(_, netipc_wire::Verdict::NeverRan)
    ));
    assert_eq!(pair.start(B, execution), None);
    pair.assert_empty();
}

#[test]
// [N24]
fn the_budget_travels_and_ends_on_both_sides() {
    let mut pair = Pair::connected();
    let budget = Duration::from_millis(50);
    let target = Target::Bootstrap(node(B));
    pair.try_call(A, 1, target, Way::Call, Some(budget), &[])
        .unwrap();
    pair.try_call(A, 2, target, Way::Call, Some(budget), &[])
        .unwrap();
    pair.run(Duration::from_millis(10));
    let (first, second) = (pair.delivered(B), pair.delivered(B));
    let request = pair.machines[B].endpoint.start(pair.now, first).unwrap();
    let passed = Duration::from_millis(10) - LATENCY;
    assert_eq!(request.budget, budget - passed);
    pair.run(budget);
    assert_eq!(pair.outcome(A), (1, Err(Unknown::DeadlinePassed.into())));
    assert_eq!(pair.outcome(A), (2, Err(Unknown::DeadlinePassed.into())));
    assert_eq!(pair.start(B, second), None, "nobody waits for it");
    pair.assert_empty();
}

#[test]
fn a_callee_without_a_worker_says_that_it_did_not_run() {
    let mut pair = Pair::connected();
    pair.call(A, 1, &[]);
    pair.run(SOON);
    let execution = pair.delivered(B);
    let answer = Answer::NotExecuted(NotExecuted::Overload);
    pair.machines[B]
        .endpoint
        .finish(pair.now, execution, &answer)
        .unwrap();
    pair.run(SOON);
    assert_eq!(pair.outcome(A), (1, Err(NotExecuted::Overload.into())));
    assert_eq!(pair.start(B, execution), None);
}

#[test]
fn an_aborted_worker_leaves_the_unknown() {
    let mut pair = Pair::connected();
    pair.lose(Kind::Fail, 1);
    pair.call(A, 1, &[]);
    pair.run(SOON);
    let execution = pair.delivered(B);
    pair.start(B, execution);
    pair.machines[B]
        .endpoint
        .finish(pair.now, execution, &Answer::Unknown(Unknown::Aborted))
        .unwrap();
    pair.run(limits::RETRANSMIT_FIRST + SOON);
    assert_eq!(pair.outcome(A), (1, Err(Unknown::Aborted.into())));
}

#[test]
fn too_much_is_told_to_the_one_who_asks() {
    let mut pair = Pair::connected();
    for token in 0..SLOTS as u64 {
        pair.call(A, token, &[]);
    }
    let target = Target::Bootstrap(node(B));
    let more = pair.try_call(A, 99, target, Way::Call, None, &[]);
    assert_eq!(more.unwrap_err(), NotExecuted::Overload);
    pair.run(SOON);
    let execution = pair.delivered(B);
    pair.serve(B, execution, &[]);
    pair.run(SOON);
    assert_eq!(pair.outcome(A).0, 0);
    pair.call(A, 100, &[]);
    let words = [0; WORDS_MAX + 1];
    let long = pair.try_call(A, 101, target, Way::Call, None, &words);
    assert!(matches!(
        long.unwrap_err(),
        NotExecuted::TooLong | NotExecuted::Overload
    ));
}

#[test]
// [N25]
fn one_way_messages_have_credit_and_arrive_once() {
    let mut pair = Pair::connected();
    pair.lose(Kind::OneWay, 1);
    let target = Target::Bootstrap(node(B));
    let credit = SLOTS / limits::ONE_WAY_SHARE;
    for token in 0..credit as u64 {
        pair.try_call(A, token, target, Way::OneWay, None, &[token])
            .unwrap();
    }
    let more = pair.try_call(A, 99, target, Way::OneWay, None, &[]);
    assert_eq!(more.unwrap_err(), NotExecuted::Overload);
    pair.run(limits::RETRANSMIT_FIRST + SOON);
    for token in 0..credit as u64 {
        let execution = pair.delivered(B);
        assert_eq!(pair.start(B, execution), Some((token, vec![token])));
        pair.finish(B, execution, 0, &[]);
    }
    pair.run(SOON);
    pair.assert_empty();
    assert!(pair.machines[A].said.is_empty(), "nobody waits for it");
    pair.try_call(A, 99, target, Way::OneWay, None, &[])
        .unwrap();
}

#[test]
// [N23]
fn requests_to_one_export_come_in_the_order_of_the_calls() {
    let mut pair = Pair::connected();
    pair.lose(Kind::Request, 1);
    for token in 1..=4 {
        pair.call(A, token, &[]);
    }
    pair.run(SOON);
    assert!(pair.machines[B].said.is_empty(), "the first is missing");
    pair.run(limits::RETRANSMIT_FIRST + SOON);
    for token in 1..=4 {
        let execution = pair.delivered(B);
        assert_eq!(pair.start(B, execution).unwrap().0, token);
    }
}

#[test]
fn a_cancelled_call_does_not_hold_up_the_later_ones() {
    let mut pair = Pair::connected();
    pair.filter = Box::new({
        let mut first = true;
        move |_, kind| match kind {
            Kind::Request if std::mem::take(&mut first) => Fate::Lose,
            _ => Fate::Pass,
        }
    });
    let call = pair.call(A, 1, &[]);
    pair.call(A, 2, &[]);
    pair.run(MS);
    assert!(pair.machines[B].said.is_empty());
    pair.cancel(A, call);
    pair.run(MS);
    let execution = pair.delivered(B);
    assert_eq!(pair.start(B, execution).unwrap().0, 2);
}

#[test]
fn another_export_is_not_held_up() {
    let mut pair = Pair::connected();
    let export = pair.machines[B]
        .endpoint
        .export(node(A), netipc_protocol::Object(5))
        .unwrap();
    pair.call(A, 1, &[]);
    pair.run(SOON);
    let execution = pair.delivered(B);
    pair.start(B, execution);
    let answer = Answer::Reply {
        label: 1,
        words: &[],
        capability: Some(export.into()),
    };
    pair.machines[B]
        .endpoint
        .finish(pair.now, execution, &answer)
        .unwrap();
    pair.run(SOON);
    let (_, result) = pair.outcome(A);
    let import = result.unwrap().capability.unwrap();
    pair.lose(Kind::Request, 1);
    pair.call(A, 2, &[]);
    pair.try_call(A, 3, Target::Import(import), Way::Call, None, &[])
        .unwrap();
    pair.run(SOON);
    let execution = pair.delivered(B);
    assert_eq!(pair.start(B, execution).unwrap().0, 3);
    const { assert!(ROWS >= 1) };
}

#[test]
// [N27]
fn frames_are_dropped_and_not_lost_while_nobody_looks() {
    let mut pair = Pair::connected();
    // Nobody looks at B's events while A calls, cancels, and calls again.
    let travel = |pair: &mut Pair| {
        pair.transmit();
        pair.now = pair.now + LATENCY;
        pair.step();
    };
    for token in 0..SLOTS as u64 {
        let call = pair.call(A, token, &[]);
        travel(&mut pair);
        pair.cancel(A, call);
        travel(&mut pair);
        travel(&mut pair);
        let ended = pair.machines[A].endpoint.poll_event().is_some();
        assert!(ended && pair.dropped.is_empty());
    }
    pair.call(A, 99, &[]);
    travel(&mut pair);
    assert_eq!(pair.dropped, [(B, Dropped::NoRoom)]);
    pair.run(limits::RETRANSMIT_FIRST + SOON);
    let execution = pair.delivered(B);
    assert_eq!(pair.start(B, execution).unwrap().0, 99);
}
