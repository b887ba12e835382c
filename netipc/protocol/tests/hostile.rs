//! Nothing that comes from a wire makes an endpoint panic, and what is damaged or foreign has no effect.

mod pair;

use std::time::Duration;

use netipc_protocol::{Cipher, Dropped, FRAME_LENGTH_MAX, NodeId, SessionId, Transparent};
use netipc_wire::frame::Packet;
use netipc_wire::{Header, Kind};
use pair::{A, B, Pair, node};
use proptest::collection::vec;
use proptest::prelude::*;

const SOON: Duration = Duration::from_millis(2);

#[test]
// [N2]
fn a_damaged_frame_is_dropped_and_repeated() {
    let mut pair = Pair::connected();
    pair.call(A, 1, &[7; 120]);
    pair.pump();
    let (_, _, frame) = pair.wire.pop().unwrap();
    for byte in 0..frame.len() {
        let mut damaged = frame.clone();
        damaged[byte] ^= 0x10;
        pair.inject(B, &mut damaged);
    }
    assert_eq!(pair.dropped.len(), frame.len(), "none has an effect");
    pair.run(Duration::from_millis(10));
    let execution = pair.delivered(B);
    assert_eq!(pair.start(B, execution), Some((1, vec![7; 120])));
}

#[test]
fn a_stranger_is_not_listened_to() {
    let mut pair = Pair::connected();
    pair.call(A, 1, &[]);
    pair.pump();
    let (_, _, mut frame) = pair.wire.pop().unwrap();
    let result = pair.machines[B]
        .endpoint
        .handle_frame(pair.now, NodeId(9), &mut frame);
    assert_eq!(result, Err(Dropped::Stranger));
}

/// A frame with a good header and tag, and anything between.
fn forged(kind: Kind, session: SessionId, body: &[u8]) -> Vec<u8> {
    let header = Header {
        kind,
        key: 0,
        session: if kind.is_handshake() {
            SessionId::NONE
        } else {
            session
        },
        number: 0,
    };
    let mut frame = vec![0; netipc_wire::HEADER_LENGTH + body.len() + netipc_wire::TAG_LENGTH];
    header.emit(&mut frame);
    frame[netipc_wire::HEADER_LENGTH..][..body.len()].copy_from_slice(body);
    Transparent.seal(NodeId(1), &header, &mut frame);
    frame
}

/// The session that two machines have.
fn session(pair: &mut Pair) -> SessionId {
    pair.call(A, 1, &[]);
    pair.pump();
    let request = pair.last(Kind::Request);
    Packet::new_checked(&request[..]).unwrap().header().session
}

proptest! {
    #[test]
    fn noise_has_no_effect(bytes in vec(any::<u8>(), 0..FRAME_LENGTH_MAX)) {
        let mut pair = Pair::connected();
        pair.inject(B, &mut bytes.clone());
        prop_assert_eq!(pair.dropped.len(), 1);
    }

    /// Bodies as a member of the cluster that has gone mad would send them: small numbers, so that some fit.
    #[test]
    fn a_mad_peer_makes_no_panic(
        frames in vec((prop::sample::select(Kind::ALL), vec(prop_oneof![Just(0u8), 0..4u8, any::<u8>()], 0..80)), 1..40)
    ) {
        let mut pair = Pair::connected();
        let session = session(&mut pair);
        for (kind, body) in frames {
            pair.inject(B, &mut forged(kind, session, &body));
            pair.run(SOON);
        }
        pair.run(Duration::from_secs(10));
    }

    /// Real frames with one byte changed, and sealed again.
    #[test]
    fn a_mutated_conversation_makes_no_panic(changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..30)) {
        let mut pair = Pair::connected();
        for (token, (at, to)) in (1..).zip(changes) {
            if pair.try_call(A, token, netipc_protocol::Target::Bootstrap(node(B)), netipc_protocol::Way::Call, None, &[1, 2]).is_err() {
                break;
            }
            pair.pump();
            for (_, _, frame) in &mut pair.wire {
                let index = at.index(frame.len() - netipc_wire::TAG_LENGTH);
                frame[index] = to;
                if let Ok(packet) = Packet::new_checked(&frame[..]) {
                    let header = packet.header();
                    Transparent.seal(NodeId(1), &header, frame);
                }
            }
            pair.run(SOON);
            while let Some(said) = pair.machines[B].said.pop_front() {
                if let pair::Said::Deliver(execution, ..) = said
                    && let Some((label, words)) = pair.start(B, execution)
                {
                    pair.finish(B, execution, label, &words);
                }
            }
        }
        pair.run(Duration::from_secs(10));
    }
}
