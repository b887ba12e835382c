//! Capabilities: exported in replies and requests, called, given up, revoked, and never leaked.

mod pair;

use std::time::Duration;

use netipc_protocol::{
    Answer, ExportId, ImportId, NotExecuted, Object, Occupancy, Received, Target, Unknown, Way,
    limits,
};
use netipc_wire::Kind;
use pair::{A, B, Pair, ROWS, Said, import_of, node};

fn occupancy(pair: &Pair, machine: usize) -> Occupancy {
    let endpoint = &pair.machines[machine].endpoint;
    endpoint.occupancy(node(1 - machine)).unwrap()
}

const SOON: Duration = Duration::from_millis(2);

fn export(pair: &mut Pair, from: usize, object: u64) -> ExportId {
    pair.machines[from]
        .endpoint
        .export(node(1 - from), Object(object))
        .unwrap()
}

/// B answers a call of A with a capability.
fn answer_with(pair: &mut Pair, export: ExportId) {
    let execution = pair.delivered(B);
    pair.start(B, execution).unwrap();
    let answer = Answer::Reply {
        label: 0,
        words: &[],
        capability: Some(export.into()),
    };
    pair.machines[B]
        .endpoint
        .finish(pair.now, execution, &answer)
        .unwrap();
}

/// A has a capability of B's object.
fn imported(pair: &mut Pair, object: u64) -> ImportId {
    let export = export(pair, B, object);
    pair.call(A, 0, &[]);
    pair.run(SOON);
    answer_with(pair, export);
    pair.run(SOON);
    pair.outcome(A).1.unwrap().capability.unwrap()
}

#[test]
fn a_capability_in_a_reply_can_be_called_and_given_up() {
    let mut pair = Pair::connected();
    let import = imported(&mut pair, 77);
    pair.try_call(A, 1, Target::Import(import), Way::Call, None, &[])
        .unwrap();
    pair.run(SOON);
    let Some(Said::Deliver(execution, object, Way::Call)) = pair.machines[B].said.pop_front()
    else {
        panic!("it is delivered")
    };
    assert_eq!(object, Some(Object(77)));
    pair.serve(B, execution, &[]);
    pair.run(SOON);
    assert!(pair.outcome(A).1.is_ok());
    pair.lose(Kind::ReleaseAck, 1);
    pair.machines[A].endpoint.release(pair.now, import);
    let after = pair.try_call(A, 2, Target::Import(import), Way::Call, None, &[]);
    assert_eq!(after.unwrap_err(), NotExecuted::NoSuchObject);
    pair.run(limits::RETRANSMIT_MAX * 2);
    assert_eq!(
        pair.machines[B].said.pop_front(),
        Some(Said::Released(Object(77)))
    );
    assert!(pair.machines[B].said.is_empty(), "it is released once");
    pair.assert_empty();
}

#[test]
// [N29]
fn a_capability_in_a_request_is_imported_when_a_worker_takes_it() {
    let mut pair = Pair::connected();
    let sent = export(&mut pair, A, 5);
    pair.give(1, Way::Call, sent.into()).unwrap();
    pair.run(SOON);
    let execution = pair.delivered(B);
    let occupancy = |pair: &Pair| {
        pair.machines[B]
            .endpoint
            .occupancy(node(A))
            .unwrap()
            .imports
    };
    assert_eq!(occupancy(&pair), 0);
    let request = pair.machines[B]
        .endpoint
        .start(pair.now, execution)
        .unwrap();
    let import = import_of(request.capability);
    assert_eq!(occupancy(&pair), 1);
    pair.try_call(B, 9, Target::Import(import), Way::Call, None, &[])
        .unwrap();
    pair.run(SOON);
    assert!(matches!(
        pair.machines[A].said.pop_front(),
        Some(Said::Deliver(_, Some(Object(5)), _))
    ));
}

#[test]
// [N30]
fn a_capability_whose_request_never_ran_comes_back() {
    let mut pair = Pair::connected();
    let sent = export(&mut pair, A, 5);
    let id = pair.give(1, Way::Call, sent.into()).unwrap();
    pair.run(SOON);
    pair.cancel(A, id);
    pair.run(SOON);
    assert_eq!(pair.outcome(A), (1, Err(Unknown::Cancelled.into())));
    assert_eq!(
        pair.machines[A].said.pop_front(),
        Some(Said::Released(Object(5)))
    );
    pair.assert_empty();
}

#[test]
fn a_capability_whose_reply_was_not_taken_comes_back() {
    let mut pair = Pair::connected();
    let export = export(&mut pair, B, 6);
    pair.lose(Kind::Reply, 1);
    let call = pair.call(A, 1, &[]);
    pair.run(SOON);
    answer_with(&mut pair, export);
    pair.run(SOON);
    pair.cancel(A, call);
    pair.run(SOON);
    assert_eq!(
        pair.machines[B].said.pop_front(),
        Some(Said::Released(Object(6)))
    );
    pair.assert_empty();
}

#[test]
fn an_answer_that_nobody_waits_for_gives_its_capability_back() {
    let mut pair = Pair::connected();
    let call = pair.call(A, 1, &[]);
    pair.run(SOON);
    let execution = pair.delivered(B);
    pair.start(B, execution);
    pair.cancel(A, call);
    pair.run(SOON);
    pair.machines[B].said.clear();
    let export = export(&mut pair, B, 6);
    let answer = Answer::Reply {
        label: 0,
        words: &[],
        capability: Some(export.into()),
    };
    assert!(
        pair.machines[B]
            .endpoint
            .finish(pair.now, execution, &answer)
            .is_err()
    );
    pair.pump();
    assert_eq!(
        pair.machines[B].said.pop_front(),
        Some(Said::Released(Object(6)))
    );
    pair.assert_empty();
}

#[test]
// [N33]
fn a_revoked_export_turns_requests_away_at_once() {
    let mut pair = Pair::connected();
    let exported = export(&mut pair, B, 7);
    pair.call(A, 0, &[]);
    pair.run(SOON);
    answer_with(&mut pair, exported);
    pair.run(SOON);
    let import = pair.outcome(A).1.unwrap().capability.unwrap();
    let target = Target::Import(import);
    pair.try_call(A, 1, target, Way::Call, None, &[]).unwrap();
    pair.run(SOON);
    let waiting = pair.delivered(B);
    pair.machines[B].endpoint.revoke(exported);
    assert_eq!(pair.start(B, waiting), None);
    pair.try_call(A, 2, target, Way::Call, None, &[]).unwrap();
    pair.run(SOON);
    assert_eq!(
        pair.machines[B].said.pop_front(),
        Some(Said::Released(Object(7)))
    );
    let said = &mut pair.machines[A].said;
    let told = said.iter().position(|said| *said == Said::Revoked(import));
    said.remove(told.expect("the importer is told"));
    assert_eq!(pair.outcome(A), (1, Err(NotExecuted::Revoked.into())));
    assert_eq!(pair.outcome(A), (2, Err(NotExecuted::Revoked.into())));
    let again = pair.try_call(A, 3, target, Way::Call, None, &[]);
    assert_eq!(again.unwrap_err(), NotExecuted::Revoked);
    // It is complete when the importer has taken its copies away, and only then the row can be used again.
    assert!(pair.machines[B].said.is_empty());
    assert_eq!(occupancy(&pair, B).exports, 1);
    pair.machines[A].endpoint.release(pair.now, import);
    pair.run(SOON);
    assert_eq!(
        pair.machines[B].said.pop_front(),
        Some(Said::Revocation(Object(7)))
    );
    pair.assert_empty();
}

#[test]
// [N34]
fn a_revocation_is_repeated_until_it_is_acknowledged() {
    let mut pair = Pair::connected();
    let exported = export(&mut pair, B, 7);
    pair.call(A, 0, &[]);
    pair.run(SOON);
    answer_with(&mut pair, exported);
    pair.run(SOON);
    let import = pair.outcome(A).1.unwrap().capability.unwrap();
    pair.lose(Kind::Revoke, 3);
    pair.machines[B].endpoint.revoke(exported);
    pair.run(limits::RETRANSMIT_MAX);
    assert_eq!(
        pair.machines[A].said.pop_front(),
        Some(Said::Revoked(import))
    );
    pair.lose(Kind::RevokeAck, 2);
    pair.machines[A].endpoint.release(pair.now, import);
    pair.run(limits::RETRANSMIT_MAX * 4);
    assert_eq!(
        pair.machines[B].said.pop_front(),
        Some(Said::Released(Object(7)))
    );
    assert_eq!(
        pair.machines[B].said.pop_front(),
        Some(Said::Revocation(Object(7)))
    );
    pair.assert_empty();
}

#[test]
// [N32]
fn a_capability_comes_home_in_requests_and_replies_ten_times_and_makes_no_chain() {
    let mut pair = Pair::connected();
    let import = imported(&mut pair, 7);
    for hop in 0..5 {
        pair.give(10 + hop, Way::Call, import.into()).unwrap();
        pair.run(SOON);
        let execution = pair.delivered(B);
        let request = pair.machines[B].endpoint.start(pair.now, execution);
        assert_eq!(request.unwrap().capability, Some(Received::Home(Object(7))));
        pair.finish(B, execution, 0, &[]);
        pair.run(SOON);
        assert!(pair.outcome(A).1.is_ok());
        assert_eq!(
            (occupancy(&pair, A).imports, occupancy(&pair, B).exports),
            (1, 1)
        );
    }
    // In a reply: B calls A, which answers with what is B's. It is given up at once, and arrives all the same.
    pair.call(B, 20, &[]);
    pair.run(SOON);
    let execution = pair.delivered(A);
    pair.start(A, execution).unwrap();
    pair.lose(Kind::Reply, 2);
    let answer = Answer::Reply {
        label: 0,
        words: &[],
        capability: Some(import.into()),
    };
    let finished = pair.machines[A]
        .endpoint
        .finish(pair.now, execution, &answer);
    assert_eq!(finished, Ok(()));
    pair.machines[A].endpoint.release(pair.now, import);
    pair.run(limits::RETRANSMIT_MAX * 2);
    assert_eq!(pair.outcome(B).1.unwrap().home, Some(Object(7)));
    // The reply that is kept keeps the import; the slot's next request lets it go.
    assert_eq!(occupancy(&pair, A).imports, 1);
    pair.call(B, 21, &[]);
    pair.run(SOON);
    let execution = pair.delivered(A);
    pair.serve(A, execution, &[]);
    pair.run(SOON);
    assert_eq!(
        pair.machines[B].said.pop_front(),
        Some(Said::Released(Object(7)))
    );
    assert!(pair.outcome(B).1.is_ok());
    pair.assert_empty();
}

#[test]
fn a_full_table_is_told_to_the_one_who_fills_it() {
    let mut pair = Pair::connected();
    let imports: Vec<ImportId> = (0..ROWS as u64)
        .map(|object| imported(&mut pair, object))
        .collect();
    let more = pair.machines[B].endpoint.export(node(A), Object(99));
    assert_eq!(more.unwrap_err(), NotExecuted::Overload);
    // The exporter has room again, the importer has not.
    pair.lose(Kind::ReleaseAck, usize::MAX);
    pair.machines[A].endpoint.release(pair.now, imports[0]);
    pair.run(SOON);
    assert_eq!(
        pair.machines[B].said.pop_front(),
        Some(Said::Released(Object(0)))
    );
    let export = export(&mut pair, B, 100);
    pair.call(A, 1, &[]);
    pair.run(SOON);
    answer_with(&mut pair, export);
    pair.run(SOON);
    assert_eq!(pair.outcome(A), (1, Err(Unknown::ReplyLost.into())));
    pair.run(SOON);
    assert_eq!(
        pair.machines[B].said.pop_front(),
        Some(Said::Released(Object(100)))
    );
}
