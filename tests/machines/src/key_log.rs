//! Machines whose keys ask for it say their sessions' keys, and with these the encrypted capture of the run is readable to its last frame; others say none.

use std::fs::File;
use std::io::Cursor;
use std::time::Duration;

use isthmus_capture::{Counts, KeyLog as Keys, decrypt};
use isthmus_testkit::{Cluster, Failure, KeyLog, Scratch};
use netipc_wire::Kind;

use crate::capture;
use crate::lab::Lab;

/// Calls of the demonstration's client that are recorded.
const CALLS: usize = 20;
/// As for the demonstration.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn opens_a_capture(lab: &Lab) -> Result<(), Failure> {
    let scratch = Scratch::new()?;
    let file = scratch.path().join("run.pcap");
    let cluster = lab
        .machines(2)?
        .arguments(format!("calls={CALLS}"))
        .key_log(KeyLog::OnForTests)
        .pcap(Some(file.clone()))
        .start()?;
    cluster.machine(2).wait_until_right(LIMIT)?;
    let keys = said(&cluster);
    // The switch writes the rest when it ends.
    drop(cluster);
    if keys.is_empty() {
        return Err(Failure::new("no machine says a key"));
    }
    let capture = File::open(&file)
        .map_err(|error| Failure::new(format!("the capture cannot be opened: {error}")))?;
    let mut opened = Vec::new();
    let counts =
        decrypt(capture, &keys, &mut opened).map_err(|error| Failure::new(error.to_string()))?;
    let Counts {
        opened: frames,
        closed,
        ..
    } = counts;
    if closed > 0 || frames < 2 * CALLS {
        return Err(Failure::new(format!(
            "the keys do not open every frame: {counts:?}"
        )));
    }
    let kinds = capture::read(Cursor::new(opened))?;
    for kind in [Kind::Request, Kind::Reply] {
        let count = kinds.get(&(kind as u8)).copied().unwrap_or_default();
        if count < CALLS {
            return Err(Failure::new(format!(
                "{count} frames of kind {kind:?} are readable"
            )));
        }
    }
    nothing_without_being_asked(lab)
}

fn nothing_without_being_asked(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(2)?.arguments("calls=2").start()?;
    cluster.machine(2).wait_until_right(LIMIT)?;
    match said(&cluster).len() {
        0 => Ok(()),
        keys => Err(Failure::new(format!(
            "{keys} keys are said that nobody has asked for"
        ))),
    }
}

/// What the machines have said of their keys.
fn said(cluster: &Cluster) -> Keys {
    let lines = cluster
        .machines()
        .iter()
        .flat_map(|machine| machine.lines());
    let text: Vec<String> = lines.map(|line| line.to_string()).collect();
    Keys::read(&text.join("\n"))
}
