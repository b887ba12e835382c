//! Keys for the machines of one cluster, new each time.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use netipc_crypto::{ClusterKeys, Encryption, KeyLog, Voters};

use crate::failure::Failure;

/// Where this host has its random numbers.
const RANDOM: &str = "/dev/urandom";
/// For the owner only.
const MODE: u32 = 0o600;

/// What the keys of a cluster ask its machines for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wishes {
    pub(crate) encryption: Encryption,
    pub(crate) key_log: KeyLog,
    pub(crate) voters: Voters,
}

/// Bytes that nobody can foresee.
pub(crate) fn draw<const N: usize>() -> Result<[u8; N], Failure> {
    let mut drawn = [0; N];
    File::open(RANDOM)
        .and_then(|mut random| random.read_exact(&mut drawn))
        .map_err(|error| Failure::new(format!("{RANDOM}: {error}")))?;
    Ok(drawn)
}

/// Draws keys for `count` machines, and writes each machine's into a file of its own.
pub(crate) fn for_machines(
    folder: &Path,
    count: usize,
    wishes: Wishes,
) -> Result<Vec<PathBuf>, Failure> {
    let keys = ClusterKeys::generate(count, draw)?;
    let file = |mut keys: ClusterKeys| {
        keys.encryption = wishes.encryption;
        keys.key_log = wishes.key_log;
        keys.voters = wishes.voters;
        let file = folder.join(format!("{}.keys", keys.node.0));
        let written = File::options()
            .write(true)
            .create_new(true)
            .mode(MODE)
            .open(&file)
            .and_then(|mut open| open.write_all(&keys.to_bytes()));
        written.map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
        Ok(file)
    };
    keys.into_iter().map(file).collect()
}
