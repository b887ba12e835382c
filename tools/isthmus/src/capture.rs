//! `./isthmus capture`: what can be done with a recorded network.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter};

use anyhow::{Context, Result, bail};
use isthmus_capture::{KeyLog, decrypt};

use crate::Ending;
use crate::options;
use crate::ui::Ui;

/// Does what was asked.
pub fn command(ui: &Ui, command: &options::Capture) -> Result<Ending> {
    let options::Capture::Decrypt { file, keys, out } = command;
    let mut text = String::new();
    for log in keys {
        let name = log.display();
        // What machines say need not be UTF-8.
        let said = fs::read(log).with_context(|| format!("the key log {name}"))?;
        text.push_str(&String::from_utf8_lossy(&said));
        text.push('\n');
    }
    let log = KeyLog::read(&text);
    if log.is_empty() {
        bail!("nobody says a key there: `isthmus up --key-log` has machines say theirs");
    }
    let name = file.display();
    let capture = File::open(file).with_context(|| format!("the capture {name}"))?;
    let copy = File::create(out).with_context(|| format!("the copy {}", out.display()))?;
    let counts = decrypt(BufReader::new(capture), &log, BufWriter::new(copy))?;
    ui.say(&format!(
        "{}: {} frames opened with {} keys, {} that anybody can read, {} that stay closed, {} not of netipc.",
        out.display(),
        counts.opened,
        log.len(),
        counts.plain,
        counts.closed,
        counts.foreign
    ));
    Ok(Ending::Well)
}
