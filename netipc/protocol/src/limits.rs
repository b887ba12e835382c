//! Every limit and every time of the protocol, stated once.

use core::time::Duration;

/// Peers of the endpoint that [`crate::Endpoint`] is by default.
pub const PEERS: usize = 7;
/// Calls that one machine may have open at one peer, and the other way round. At most 64: sets of slots are one word.
pub const SLOTS: usize = 32;
/// Exports to one peer, and imports from it.
pub const CAPABILITIES: usize = 128;
/// One in so many slots may hold a one-way message: the credit.
pub const ONE_WAY_SHARE: usize = 4;
/// Order numbers that may be ahead of a missing one.
pub const HOLD_BACK: u64 = 64;
/// RELEASE frames that wait to be acknowledged by us; more are dropped, and repeated by the peer.
pub const RELEASE_ACKS: usize = 16;
/// Hand-offs that a machine may have under way with a peer, in each of the three roles.
pub const GRANTS: usize = 8;
/// OFFER-ACK frames that wait to be sent; more are dropped, and the OFFER is repeated by the peer.
pub const OFFER_ACKS: usize = 16;
/// REVOKE-ACK frames that wait to be sent; more are dropped, and the REVOKE is repeated by the peer.
pub const REVOKE_ACKS: usize = 16;

/// Transfers from and into a peer's loans that may be under way, and as many of the peer's from and into ours.
pub const TRANSFERS: usize = 4;
/// STORED and BULK-REFUSE frames of each kind that wait to be sent; more are dropped, and what they answer is repeated by the peer.
pub const BULK_ANSWERS: usize = 8;
/// Chunks that a transfer begins with.
pub const BULK_WINDOW_FIRST: u32 = 4;
/// Chunks that a transfer may have under way at most.
pub const BULK_WINDOW_MAX: u32 = 32;
/// Chunks that it may have under way however congested the way is.
pub const BULK_WINDOW_LEAST: u32 = 2;
/// A chunk that has not come when so many that were wanted later, or more, have is given up and wanted again.
pub const BULK_REORDERING: u32 = 3;
/// A chunk that takes so much longer than the quickest of its transfer has waited in a queue.
pub const BULK_QUEUEING: Duration = Duration::from_millis(20);

/// A call without a budget has this one.
pub const BUDGET_DEFAULT: Duration = Duration::from_secs(4);
/// The longest budget: what the frame's 32 bits of microseconds hold, rounded down.
pub const BUDGET_MAX: Duration = Duration::from_secs(3600);

/// A frame that is not answered is repeated after this, and then after twice the pause before.
pub const RETRANSMIT_FIRST: Duration = Duration::from_millis(5);
/// The longest pause between repetitions.
pub const RETRANSMIT_MAX: Duration = Duration::from_millis(80);
/// Something is awaited and nothing was heard for so long: ask with a PING, and again after as long.
pub const PING_AFTER: Duration = Duration::from_millis(100);
/// Something is awaited and nothing was heard for so long: the peer is declared dead and the session ends.
pub const DEAD_AFTER: Duration = Duration::from_millis(450);
/// A hello that is not answered for so long is given up, and with it the calls that wait for the session.
pub const CONNECT_WITHIN: Duration = Duration::from_millis(450);
/// A GRANT-ASK that is not answered for so long is given up, and with it the message that waits for it.
pub const GRANT_WITHIN: Duration = Duration::from_millis(450);
/// An export that was offered, and that no message has named for so long, is given back.
pub const OFFER_LIFE: Duration = Duration::from_secs(5);
/// A half-open session that is not confirmed is forgotten after this.
pub const HALF_OPEN: Duration = Duration::from_millis(500);
/// What is promised: after the last frame of a peer that has died (or the call, if that is later), the outcome is there
/// within this time.
pub const OUTCOME_WITHIN: Duration = Duration::from_millis(600);

const _: () = assert!(BULK_WINDOW_MAX <= netipc_wire::bulk::CHUNKS_SPOKEN_OF);
const _: () = assert!(PEERS + 1 == isthmus_abi::limits::NODES);
const _: () = assert!(SLOTS <= 64 && SLOTS >= ONE_WAY_SHARE);
const _: () = assert!(DEAD_AFTER.as_millis() + PING_AFTER.as_millis() < OUTCOME_WITHIN.as_millis());
// Who waits for a grant listens to the peer meanwhile, so the two times do not add up. The exporter may have to open a session first.
const _: () = assert!(GRANT_WITHIN.as_millis() < OUTCOME_WITHIN.as_millis());
const _: () = assert!(CONNECT_WITHIN.as_millis() <= GRANT_WITHIN.as_millis());
const _: () = assert!(CONNECT_WITHIN.as_millis() < OUTCOME_WITHIN.as_millis());
const _: () = assert!(BUDGET_MAX.as_micros() <= u32::MAX as u128);
