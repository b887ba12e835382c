//! What views of the cluster say to each other: in a session, beside its calls, once or not at all.

mod pair;

use std::time::Duration;

use netipc_protocol::{DownReason, Dropped, NodeId, VIEW_LENGTH_MAX};
use netipc_wire::Kind;

use pair::{A, B, Pair, Said};

const LONG: Duration = Duration::from_secs(3);

#[test]
// [N45]
fn without_a_session_one_is_opened_and_what_was_said_is_lost() {
    let mut pair = Pair::new();
    assert!(!pair.say(A, b"early"));
    pair.run(Duration::from_millis(5));
    assert!(
        pair.machines[A]
            .said
            .iter()
            .any(|said| matches!(said, Said::Up(_)))
    );
    assert_eq!(pair.viewed, []);
    assert!(pair.say(A, b"now"));
    assert!(pair.say(B, b"you"));
    pair.run(Duration::from_millis(5));
    assert_eq!(pair.viewed, [(B, b"now".to_vec()), (A, b"you".to_vec())]);
}

#[test]
// [N45]
fn it_is_said_once_however_little_is_heard_of_it() {
    let mut pair = Pair::connected();
    pair.lose(Kind::View, 1);
    assert!(pair.say(A, b"lost"));
    pair.run(LONG);
    assert_eq!(pair.viewed, []);
    // Nothing is awaited, so nobody is asked whether he is there, and nobody is declared dead.
    assert_eq!(pair.sent.len(), 1, "{:?}", pair.sent);
    assert_eq!(pair.machines[A].said, []);
    assert!(pair.say(A, b"heard"));
    pair.run(LONG);
    assert_eq!(pair.viewed, [(B, b"heard".to_vec())]);
    assert_eq!(pair.sent.len(), 2);
}

#[test]
// [N46]
fn calls_go_on_beside_it_as_if_it_were_not_there() {
    let mut pair = Pair::connected();
    pair.call(A, 7, &[1, 2]);
    assert!(pair.say(A, &[9; VIEW_LENGTH_MAX]));
    pair.run(Duration::from_millis(2));
    assert_eq!(pair.viewed, [(B, vec![9; VIEW_LENGTH_MAX])]);
    let before = pair.machines[B].endpoint.occupancy(pair::node(A));
    for _ in 0..100 {
        assert!(pair.say(A, b"again"));
    }
    pair.run(Duration::from_millis(2));
    assert_eq!(pair.viewed.len(), 101);
    assert_eq!(pair.machines[B].endpoint.occupancy(pair::node(A)), before);
    let execution = pair.delivered(B);
    pair.serve(B, execution, &[3]);
    pair.run(Duration::from_millis(2));
    assert!(matches!(pair.outcome(A), (7, Ok(reply)) if reply.words == [3]));
}

#[test]
fn the_first_frame_of_a_session_may_be_one() {
    let mut pair = Pair::new();
    pair.lose(Kind::Ping, usize::MAX);
    assert!(!pair.say(A, b"early"));
    pair.run(Duration::from_millis(3));
    assert!(pair.say(A, b"confirms"));
    pair.run(Duration::from_millis(3));
    assert_eq!(pair.viewed, [(B, b"confirms".to_vec())]);
    assert!(
        pair.machines[B]
            .said
            .iter()
            .any(|said| matches!(said, Said::Up(_)))
    );
}

#[test]
// [N46]
fn a_machine_that_restarted_is_found_by_what_is_said_to_it() {
    let mut pair = Pair::connected();
    pair.kill(B);
    pair.run(LONG);
    pair.boot(B);
    assert!(pair.say(A, b"to one that was"));
    pair.run(Duration::from_millis(5));
    assert_eq!(pair.viewed, []);
    assert_eq!(pair.dropped[0], (B, Dropped::UnknownSession));
    let down = |said: &Said| matches!(said, Said::Down(_, DownReason::PeerRestarted));
    assert!(
        pair.machines[A].said.iter().any(down),
        "{:?}",
        pair.machines[A].said
    );
    assert!(pair.say(A, b"to one that is"));
    pair.run(Duration::from_millis(5));
    assert_eq!(pair.viewed, [(B, b"to one that is".to_vec())]);
}

#[test]
fn what_is_no_message_is_not_sent() {
    let mut pair = Pair::connected();
    let now = pair.now;
    let endpoint = &mut pair.machines[A].endpoint;
    let mut buffer = [0; netipc_protocol::FRAME_LENGTH_MAX];
    for (to, said) in [
        (pair::node(B), &[][..]),
        (pair::node(B), &[0; VIEW_LENGTH_MAX + 1][..]),
        (NodeId(9), &[1][..]),
    ] {
        assert_eq!(endpoint.send_view(now, to, said, &mut buffer), None);
    }
    assert_eq!(
        endpoint.send_view(now, pair::node(B), &[1], &mut buffer[..40]),
        None
    );
}
