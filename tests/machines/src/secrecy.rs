//! What a client says to a server on another machine is nowhere on the wire; with encryption off it is, which shows that the search finds it.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use isthmus_testkit::{Encryption, Failure, Scratch};

use crate::lab::Lab;

/// As for the demonstration.
const LIMIT: Duration = Duration::from_secs(60);
/// Letters of a marker.
const MARKER: usize = 20;

pub(crate) fn markers_are_hidden(lab: &Lab) -> Result<(), Failure> {
    let scratch = Scratch::new()?;
    let file = scratch.path().join("run.pcap");
    for encryption in [Encryption::OffForTests, Encryption::On] {
        let marker = draw()?;
        let found = record(lab, &file, &marker, encryption)?;
        // A key is put and got, and a value goes and comes back: once each, if nothing is repeated. The name that is looked up need not cross.
        let wanted = match encryption {
            Encryption::OffForTests => 4,
            Encryption::On => 0,
        };
        if (encryption == Encryption::On && found > 0) || found < wanted {
            return Err(Failure::new(format!(
                "with encryption {encryption:?} the marker is {found} times on the wire"
            )));
        }
    }
    Ok(())
}

/// How often the marker is on the wire.
fn record(lab: &Lab, file: &Path, marker: &str, encryption: Encryption) -> Result<usize, Failure> {
    let cluster = lab
        .machines(2)?
        .arguments(format!("calls=5 marker={marker}"))
        .encryption(encryption)
        .pcap(Some(file.to_owned()))
        .start()?;
    cluster.machine(2).wait_until_right(LIMIT)?;
    // The switch writes the rest when it ends.
    drop(cluster);
    let capture = fs::read(file)
        .map_err(|error| Failure::new(format!("the capture cannot be read: {error}")))?;
    let found = capture.windows(marker.len());
    Ok(found.filter(|bytes| *bytes == marker.as_bytes()).count())
}

/// Letters that nobody else says.
fn draw() -> Result<String, Failure> {
    let mut drawn = [0; MARKER];
    File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut drawn))
        .map_err(|error| Failure::new(format!("no random numbers: {error}")))?;
    let letter = |byte: u8| char::from(b'a' + byte % 26);
    Ok(drawn.into_iter().map(letter).collect())
}
