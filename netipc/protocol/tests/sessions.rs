//! Sessions: opening, crossing, dying, coming back.

mod pair;

use std::time::Duration;

use netipc_protocol::{
    ClusterId, Config, DownReason, Dropped, NotExecuted, Outcome, Target, Unknown, Way, limits,
};
use netipc_wire::handshake::Versions;
use netipc_wire::{Kind, Message, SessionId};
use pair::{A, B, Fate, LATENCY, Pair, Said, node, read};

const SOON: Duration = Duration::from_millis(2);

#[test]
fn the_first_call_opens_a_session() {
    let mut pair = Pair::new();
    pair.call(A, 1, &[]);
    pair.run(SOON);
    assert!(matches!(
        pair.machines[A].said.pop_front(),
        Some(Said::Up(_))
    ));
    let execution = pair.delivered(B);
    pair.serve(B, execution, &[]);
    pair.run(SOON);
    assert!(pair.outcome(A).1.is_ok());
    let kinds: Vec<Kind> = pair.sent.iter().map(|(_, kind, _)| *kind).collect();
    let expected = [
        Kind::Hello,
        Kind::HelloAck,
        Kind::Request,
        Kind::Ping,
        Kind::Pong,
        Kind::Reply,
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn every_frame_of_the_opening_may_be_lost() {
    for kind in [
        Kind::Hello,
        Kind::HelloAck,
        Kind::Request,
        Kind::Ping,
        Kind::Pong,
        Kind::Reply,
    ] {
        let mut pair = Pair::new();
        pair.lose(kind, 1);
        pair.call(A, 1, &[]);
        pair.run(Duration::from_millis(20));
        let execution = pair.delivered(B);
        pair.serve(B, execution, &[]);
        pair.run(Duration::from_millis(150));
        assert!(pair.outcome(A).1.is_ok(), "{kind:?}");
    }
}

#[test]
// [N7]
fn crossed_hellos_make_one_session() {
    let mut pair = Pair::new();
    pair.call(A, 1, &[]);
    pair.call(B, 2, &[]);
    pair.run(SOON * 5);
    let at_b = pair.delivered(B);
    let at_a = pair.delivered(A);
    assert_eq!(at_a.session(), at_b.session());
    pair.serve(A, at_a, &[]);
    pair.serve(B, at_b, &[]);
    pair.run(SOON);
    assert!(pair.outcome(A).1.is_ok() && pair.outcome(B).1.is_ok());
    let ups = pair
        .sent
        .iter()
        .filter(|(_, kind, _)| *kind == Kind::HelloAck);
    assert_eq!(ups.count(), 1, "the lower number's HELLO counts");
}

#[test]
fn a_crossed_hello_that_comes_late_does_not_replace_the_session() {
    let mut pair = Pair::new();
    // It arrives between the lower number's HELLO-ACK and the first frame of the session that this opened.
    pair.filter = Box::new(|from, kind| match (from, kind) {
        (B, Kind::Hello) => Fate::Delay(LATENCY + LATENCY / 2),
        _ => Fate::Pass,
    });
    pair.call(A, 1, &[]);
    pair.call(B, 2, &[]);
    pair.run(SOON * 5);
    let (at_b, at_a) = (pair.delivered(B), pair.delivered(A));
    assert_eq!(at_a.session(), at_b.session());
    for machine in [A, B] {
        let said = &pair.machines[machine].said;
        let down = |said: &&Said| matches!(said, Said::Down(..));
        assert_eq!(said.iter().filter(down).count(), 0);
    }
    assert!(pair.dropped.contains(&(A, Dropped::Stale)));
}

#[test]
// [N26]
fn nobody_there_is_not_executed_in_time() {
    let mut pair = Pair::new();
    pair.kill(B);
    pair.call(A, 1, &[]);
    pair.run(limits::OUTCOME_WITHIN);
    assert_eq!(
        pair.outcome(A),
        (1, Err(NotExecuted::PeerUnreachable.into()))
    );
    pair.assert_empty();
    // It is not held against the peer.
    pair.boot(B);
    pair.call(A, 2, &[]);
    pair.run(SOON);
    pair.delivered(B);
}

#[test]
// [N13]
fn a_dead_peer_leaves_the_unknown_in_time() {
    let mut pair = Pair::connected();
    pair.call(A, 1, &[]);
    pair.run(SOON);
    let execution = pair.delivered(B);
    pair.start(B, execution);
    pair.run(Duration::from_millis(700));
    assert!(
        pair.machines[A].said.is_empty(),
        "a slow server is no dead machine"
    );
    pair.kill(B);
    pair.run(limits::OUTCOME_WITHIN);
    assert_eq!(pair.outcome(A), (1, Err(Unknown::PeerLost.into())));
    pair.assert_empty();
}

#[test]
fn a_restarted_peer_says_so_at_its_first_frame() {
    let mut pair = Pair::connected();
    pair.call(A, 1, &[]);
    pair.run(SOON);
    let old = pair.delivered(B);
    pair.start(B, old);
    pair.boot(B);
    pair.run(Duration::from_millis(100));
    assert_eq!(pair.outcome(A), (1, Err(Unknown::SessionEnded.into())));
    assert!(matches!(
        pair.machines[A].said.pop_front(),
        Some(Said::Down(_, DownReason::PeerRestarted))
    ));
    assert_eq!(pair.start(B, old), None);
    pair.call(A, 2, &[]);
    pair.run(SOON);
    let execution = pair.delivered(B);
    pair.serve(B, execution, &[]);
    pair.run(SOON);
    assert_eq!(pair.outcome(A).0, 2);
}

#[test]
fn after_a_cut_there_is_a_new_session_and_the_old_one_is_over() {
    let mut pair = Pair::connected();
    pair.call(A, 1, &[]);
    pair.run(SOON);
    let old = pair.delivered(B);
    pair.start(B, old);
    pair.cut();
    pair.run(limits::OUTCOME_WITHIN);
    assert_eq!(pair.outcome(A), (1, Err(Unknown::PeerLost.into())));
    pair.heal();
    pair.call(A, 2, &[]);
    pair.run(SOON);
    assert!(matches!(
        pair.machines[B].said.pop_front(),
        Some(Said::Down(_, DownReason::Replaced))
    ));
    let execution = pair.delivered(B);
    assert_ne!(execution.session(), old.session());
    let answer = netipc_protocol::Answer::Unknown(Unknown::Aborted);
    assert!(
        pair.machines[B]
            .endpoint
            .finish(pair.now, old, &answer)
            .is_err()
    );
    pair.serve(B, execution, &[]);
    pair.run(SOON);
    assert_eq!(pair.outcome(A).0, 2);
}

#[test]
// [N8]
fn frames_of_an_old_session_are_not_accepted() {
    let mut pair = Pair::connected();
    pair.call(A, 1, &[]);
    pair.run(SOON);
    let old = pair.last(Kind::Request);
    pair.boot(A);
    pair.call(A, 2, &[]);
    pair.run(SOON);
    pair.forget();
    pair.inject(B, &mut old.clone());
    assert_eq!(pair.dropped, [(B, Dropped::UnknownSession)]);
    pair.run(SOON);
    assert_eq!(
        pair.count(B, Kind::Hello),
        0,
        "and do not disturb the present one"
    );
}

#[test]
fn a_recorded_hello_does_no_harm() {
    let mut pair = Pair::new();
    pair.call(A, 1, &[]);
    pair.run(SOON);
    let hello = pair.last(Kind::Hello);
    pair.boot(A);
    pair.call(A, 2, &[]);
    pair.run(SOON);
    pair.forget();
    pair.inject(B, &mut hello.clone());
    pair.call(A, 3, &[]);
    pair.run(limits::HALF_OPEN * 2);
    let session = |said: &Said| matches!(said, Said::Down(..) | Said::Up(_));
    assert!(!pair.machines[B].said.iter().any(session));
    assert!(!pair.machines[A].said.iter().any(session));
    let execution = pair.delivered(B);
    pair.serve(B, execution, &[]);
    pair.run(Duration::from_millis(100));
    assert_eq!(pair.outcome(A).0, 3);
}

#[test]
fn a_session_opened_to_a_peer_that_believes_in_an_old_one_lives() {
    let mut pair = Pair::connected();
    pair.boot(B);
    // A's frame makes B open a session; the PING that confirms it is lost once, and then answered.
    pair.lose(Kind::Ping, 1);
    pair.call(A, 1, &[]);
    pair.run(Duration::from_secs(2));
    let ups = |said: &Said| matches!(said, Said::Up(_) | Said::Down(..));
    let at_b: Vec<&Said> = pair.machines[B]
        .said
        .iter()
        .filter(|said| ups(said))
        .collect();
    assert!(matches!(at_b[..], [Said::Up(_)]), "{at_b:?}");
    assert_eq!(
        (pair.count(B, Kind::Ping), pair.count(A, Kind::Pong)),
        (2, 1)
    );
}

#[test]
// [N10]
fn the_answer_to_an_earlier_hello_is_not_taken() {
    let mut pair = Pair::new();
    pair.lose(Kind::HelloAck, usize::MAX);
    pair.call(A, 1, &[]);
    pair.run(limits::OUTCOME_WITHIN);
    let late = pair.last(Kind::HelloAck);
    pair.forget();
    pair.cut();
    pair.call(A, 2, &[]);
    pair.pump();
    pair.inject(A, &mut late.clone());
    assert_eq!(pair.dropped, [(A, Dropped::Stale)]);
}

#[test]
// [N6]
fn a_half_open_session_ends_the_old_one_only_when_it_is_confirmed() {
    let mut pair = Pair::connected();
    pair.boot(A);
    // A's HELLO arrives; nothing else of A ever does.
    pair.filter = Box::new(|from, kind| match (from, kind) {
        (A, Kind::Hello) | (B, _) => Fate::Pass,
        _ => Fate::Lose,
    });
    pair.call(A, 1, &[]);
    pair.run(Duration::from_millis(50));
    assert!(pair.machines[B].said.is_empty());
}

#[test]
// [N9]
fn a_peer_of_another_cluster_is_not_answered() {
    let mut pair = Pair::new();
    let config = Config {
        cluster: ClusterId(8),
        ..*pair.machines[A].endpoint.config()
    };
    pair.machines[A].endpoint.begin(config, [node(B)]).unwrap();
    pair.call(A, 1, &[]);
    pair.run(limits::OUTCOME_WITHIN);
    assert_eq!(
        pair.outcome(A),
        (1, Err(NotExecuted::PeerUnreachable.into()))
    );
    assert_eq!(pair.count(B, Kind::HelloAck), 0);
    assert!(
        pair.dropped
            .iter()
            .all(|dropped| *dropped == (B, Dropped::Misdirected))
    );
}

#[test]
fn without_a_common_version_the_reason_is_told() {
    let mut pair = Pair::new();
    pair.call(A, 1, &[]);
    pair.pump();
    pair.wire.clear();
    let frame = pair.last(Kind::Hello);
    let Message::Hello(mut repr) = read(&frame) else {
        panic!("a HELLO")
    };
    repr.versions = Versions::new(9, 11).unwrap();
    let mut buffer = [0; netipc_protocol::FRAME_LENGTH_MAX];
    let changed = Message::Hello(repr)
        .emit(SessionId::NONE, 0, 0, &mut buffer)
        .unwrap();
    seal(changed);
    pair.inject(B, changed);
    pair.run(SOON);
    assert_eq!(
        pair.outcome(A),
        (1, Err(NotExecuted::VersionMismatch.into()))
    );
}

#[test]
fn an_import_dies_with_its_session_and_says_so() {
    let mut pair = Pair::connected();
    let export = pair.machines[B]
        .endpoint
        .export(node(A), netipc_protocol::Object(5))
        .unwrap();
    pair.call(A, 1, &[]);
    pair.run(SOON);
    let execution = pair.delivered(B);
    pair.start(B, execution);
    let answer = netipc_protocol::Answer::Reply {
        label: 0,
        words: &[],
        capability: Some(export.into()),
    };
    pair.machines[B]
        .endpoint
        .finish(pair.now, execution, &answer)
        .unwrap();
    pair.run(SOON);
    let import = pair.outcome(A).1.unwrap().capability.unwrap();
    pair.boot(B);
    pair.try_call(A, 2, Target::Import(import), Way::Call, None, &[])
        .unwrap();
    pair.run(SOON);
    let ended: Outcome = Unknown::SessionEnded.into();
    assert_eq!(pair.outcome(A), (2, Err(ended)));
    let refused = pair.try_call(A, 3, Target::Import(import), Way::Call, None, &[]);
    assert_eq!(refused.unwrap_err(), NotExecuted::SessionEnded);
}

fn seal(frame: &mut [u8]) {
    use netipc_protocol::{Cipher, Transparent};
    let header = netipc_wire::frame::Packet::new_checked(&*frame)
        .unwrap()
        .header();
    Transparent.seal(pair::node(A), &header, frame);
}
