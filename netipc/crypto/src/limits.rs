//! Every limit and every time of the keys, stated once.

use core::time::Duration;

/// How far a frame may come behind the newest of its key: what is older counts as seen.
pub const WINDOW: u64 = 1024;
/// A key that is older than this is replaced when next it is used for sealing, by the side that has asked for the session.
pub const REKEY_AFTER: Duration = Duration::from_secs(120);
/// The other side waits so much longer, so that both ask only if one of them cannot.
pub const REKEY_PATIENCE: Duration = Duration::from_secs(30);
/// A try that was not answered is followed by the next one not before this.
pub const REKEY_AGAIN: Duration = Duration::from_secs(5);
/// Frames under the key before are taken for so long after the first one under the new key.
pub const OVERLAP: Duration = Duration::from_secs(2);
/// Keys of one peer: the session's present one, the one before, one that is being made, and the half-open session's.
pub const KEYS: usize = 4;

/// Key exchanges that are answered at once.
pub const HANDSHAKES: u32 = 8;
/// One more each time this has passed: about a twentieth of a processor under emulation, a hundredth of a real one.
pub const HANDSHAKE_EVERY: Duration = Duration::from_millis(100);
/// Key exchanges of one peer that has shown a cookie and are answered at once, however many others there are.
pub const PEER_HANDSHAKES: u32 = 4;
/// One more each time this has passed.
pub const PEER_HANDSHAKE_EVERY: Duration = Duration::from_millis(200);
/// A cookie is good for at least this, and at most twice as long.
pub const COOKIE: Duration = Duration::from_secs(2);

/// After the cluster's keys were changed, sessions are still made by those before for so long, unless the change says that they are in wrong hands.
pub const OVERLAP_OF_CLUSTER_KEYS: Duration = Duration::from_secs(60);

/// What a peer lacks of the administrator's updates it is offered again after this, and then at pauses that double ...
pub const OFFER_AGAIN: Duration = Duration::from_millis(500);
/// ... up to this.
pub const OFFER_AGAIN_MAX: Duration = Duration::from_secs(30);
/// A peer whose handshake is by other keys is asked what it has at most once in this.
pub const DOUBT_AGAIN: Duration = Duration::from_secs(1);
