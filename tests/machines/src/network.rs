//! Datagrams pass between two machines through the shipped driver, server and rings, the rings and the card survive being filled, the wire
//! echo measures, and nothing is allocated meanwhile.

use std::time::Duration;

use isthmus_testkit::{Failure, Word, contains, understand};

use crate::lab::Lab;

/// All of it takes two seconds, on a busy host some more.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn datagrams(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(2)?.start()?;
    let asker = cluster.machine(1);
    asker.wait_for(&contains(" passed, "), LIMIT)?;
    let words: Vec<Word> = asker
        .lines()
        .iter()
        .filter_map(|line| understand(&line.said))
        .collect();
    let mut held = 0;
    for word in &words {
        if let Word::Check { name, held: result } = word {
            match result {
                Ok(()) => held += 1,
                Err(why) => return Err(cluster.failure(format!("{name}: {why}"))),
            }
        }
    }
    match words.iter().find(|word| matches!(word, Word::Checked(_))) {
        Some(Word::Checked(count)) if *count == held && held > 0 => Ok(()),
        _ => Err(cluster.failure("not every check of the probe was understood")),
    }
}
