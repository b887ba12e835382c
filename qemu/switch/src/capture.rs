//! The capture file of a running switch.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::PathBuf;

use crate::pcap::PcapWriter;
use crate::shell::SwitchError;

/// The capture file.
pub(crate) struct Capture {
    path: PathBuf,
    pub(crate) writer: PcapWriter<BufWriter<File>>,
    pub(crate) unflushed: bool,
}

impl Capture {
    pub(crate) fn create(path: PathBuf) -> Result<Self, SwitchError> {
        match File::create(&path).and_then(|file| PcapWriter::new(BufWriter::new(file))) {
            Ok(writer) => Ok(Self {
                path,
                writer,
                unflushed: true,
            }),
            Err(error) => Err(SwitchError::Capture { path, error }),
        }
    }

    pub(crate) fn check(&self, result: io::Result<()>) -> Result<(), SwitchError> {
        result.map_err(|error| SwitchError::Capture {
            path: self.path.clone(),
            error,
        })
    }

    pub(crate) fn flush(&mut self) -> Result<(), SwitchError> {
        self.unflushed = false;
        let result = self.writer.flush();
        self.check(result)
    }
}
