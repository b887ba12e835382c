//! The keys that machines have said.

use std::collections::{BTreeMap, BTreeSet};

use netipc_crypto::Secret;
use netipc_protocol::SessionId;

/// The keys of sessions, as far as they were said.
#[derive(Default)]
pub struct KeyLog(BTreeMap<(u64, u32), BTreeSet<[u8; 32]>>);

impl KeyLog {
    /// Finds the keys in whatever was on the machines' consoles, a transcript or several, one line after the other.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut log = Self::default();
        text.lines().for_each(|line| {
            // A line that was cut short is none.
            let _ = log.note(line);
        });
        log
    }

    fn note(&mut self, line: &str) -> Option<()> {
        let (_, said) = line.split_once(netipc_crypto::KEY_LOG_WORDS)?;
        let mut words = said.split_whitespace();
        let mut after = |name: &str| words.find(|word| *word == name).and_then(|_| words.next());
        let session = u64::from_str_radix(after("session")?, 16).ok()?;
        let key = after("key")?.parse().ok()?;
        let (send, receive) = (secret(after("send")?)?, secret(after("receive")?)?);
        self.0
            .entry((session, key))
            .or_default()
            .extend([send, receive]);
        Some(())
    }

    /// How many keys of sessions there are, both directions of each.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody has said any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys that a frame may be sealed with: one for each direction.
    pub(crate) fn of(&self, session: SessionId, key: u32) -> Vec<Secret> {
        let keys = self.0.get(&(session.0, key));
        keys.into_iter().flatten().map(|key| Secret(*key)).collect()
    }
}

fn secret(hexadecimal: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if hexadecimal.len() != 2 * bytes.len() || !hexadecimal.is_ascii() {
        return None;
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hexadecimal[2 * place..][..2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "netipc key log: peer 2 session 00000000000000ff key 1 send";

    #[test]
    fn what_is_said_among_other_things_is_found() {
        let (send, receive) = ("01".repeat(32), "fe".repeat(32));
        let text = format!("   1.000 1 | netipc | {LINE} {send} receive {receive}\nother words\n");
        let log = KeyLog::read(&text);
        let keys = log.of(SessionId(0xff), 1);
        assert_eq!((log.len(), keys.len()), (1, 2));
        assert_eq!((keys[0].0, keys[1].0), ([1; 32], [0xfe; 32]));
        assert!(log.of(SessionId(0xff), 0).is_empty());
        // Both machines say it; a line that is cut says nothing.
        let twice = format!(
            "{text}netipc key log: peer 1 session ff key 1 send {receive} receive {send}\n{LINE} {send} rec"
        );
        assert_eq!(KeyLog::read(&twice).of(SessionId(0xff), 1).len(), 2);
        assert!(KeyLog::read(&format!("{LINE} zz receive {receive}")).is_empty());
    }
}
