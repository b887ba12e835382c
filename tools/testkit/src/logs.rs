//! From the lines of a console to what the components said: `defmt` frames become text, by the table in the component's ELF.
//!
//! Which ELF it is, the component itself announces by its build id. A program that is not among the ones given is said so; it is never decoded with
//! another's table.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use console_logic::{Decoded, Line, decode};
use defmt_decoder::{DecodeError, Locations, Table};
use object::Object;

use crate::console::{Level, Location, Said};
use crate::failure::Failure;
use crate::image::files_in;

/// What the linker says of a program: a hash of all that is in it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BuildId(pub Vec<u8>);

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The programs whose logs can be decoded.
#[derive(Debug, Default)]
pub struct Programs {
    by_id: BTreeMap<BuildId, Program>,
}

/// A program's ELF, and its table once it is wanted: reading one takes longer than most tests' first line.
#[derive(Debug)]
struct Program {
    path: PathBuf,
    elf: Vec<u8>,
    table: OnceLock<Result<LogTable, String>>,
}

#[derive(Debug)]
struct LogTable {
    table: Table,
    locations: Locations,
}

impl Programs {
    /// All programs in `folder`; files that are no ELF or have no build id are passed over.
    ///
    /// # Errors
    /// If the folder or a file cannot be read.
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        let mut by_id = BTreeMap::new();
        for path in files_in(folder)? {
            let elf = std::fs::read(&path).map_err(|error| {
                Failure::new(format!("{} cannot be read: {error}", path.display()))
            })?;
            if let Some(id) = build_id(&elf) {
                by_id.insert(
                    id,
                    Program {
                        path,
                        elf,
                        table: OnceLock::new(),
                    },
                );
            }
        }
        Ok(Self { by_id })
    }

    /// Where the program with this build id is.
    #[must_use]
    pub fn path_of(&self, id: &BuildId) -> Option<&Path> {
        self.by_id.get(id).map(|program| program.path.as_path())
    }
}

/// The build id in an ELF.
fn build_id(elf: &[u8]) -> Option<BuildId> {
    let file = object::File::parse(elf).ok()?;
    Some(BuildId(file.build_id().ok()??.to_vec()))
}

impl Program {
    fn table(&self) -> Result<&LogTable, String> {
        let read = || {
            let name = self.path.display();
            let table = Table::parse(&self.elf)
                .map_err(|error| format!("the log table of {name} is unreadable: {error}"))?;
            let table = table.ok_or_else(|| format!("{name} has no log table"))?;
            // Without line tables there are no locations, and messages are still worth having.
            let locations = table.get_locations(&self.elf).unwrap_or_default();
            Ok(LogTable { table, locations })
        };
        self.table.get_or_init(read).as_ref().map_err(Clone::clone)
    }
}

impl LogTable {
    /// Decodes one frame (rzcobs, without its closing zero).
    fn decode(
        &self,
        frame: &[u8],
    ) -> Result<(Option<Level>, Option<Location>, String), DecodeError> {
        // A decoder for each frame: what was lost before this one cannot harm it.
        let mut decoder = self.table.new_stream_decoder();
        decoder.received(frame);
        decoder.received(&[0]);
        let frame = decoder.decode()?;
        let location = self.locations.get(&frame.index()).map(|found| Location {
            file: shorten(&found.file),
            line: found.line,
        });
        let level = frame.level().and_then(|level| Level::named(level.as_str()));
        Ok((level, location, frame.display_message().to_string()))
    }
}

/// From the crate's folder on: what is above it says where somebody compiled.
fn shorten(file: &Path) -> String {
    let parts: Vec<_> = file.iter().map(|part| part.to_string_lossy()).collect();
    let source = parts.iter().rposition(|part| part == "src").unwrap_or(0);
    parts[source.saturating_sub(1)..].join("/")
}

/// Decodes the console of one boot of one machine.
#[derive(Debug)]
pub struct LogDecoder {
    programs: Arc<Programs>,
    announced: HashMap<String, BuildId>,
}

impl LogDecoder {
    /// At the beginning of a boot.
    #[must_use]
    pub fn new(programs: Arc<Programs>) -> Self {
        Self {
            programs,
            announced: HashMap::new(),
        }
    }

    /// What a line says; rarely more than one thing.
    pub fn line(&mut self, line: &str) -> Vec<Said> {
        decode(line).map(|part| self.part(part)).collect()
    }

    fn part(&mut self, line: Line<'_>) -> Said {
        let (source, entry) = match line {
            Line::Plain(text) => return Said::Plain(text.to_owned()),
            Line::Garbled(text) => return Said::Garbled(text.to_owned()),
            Line::Entry { source, entry } => (source, entry),
        };
        let component = source.component.to_owned();
        let thread = source.thread;
        match entry {
            Decoded::Announce(id) => {
                let id = BuildId(id.to_vec());
                self.announced.insert(component.clone(), id.clone());
                let known = self.programs.by_id.contains_key(&id);
                Said::Announced {
                    component,
                    id,
                    known,
                }
            }
            Decoded::Text(text) => Said::Text {
                component,
                thread,
                text: text.to_owned(),
            },
            Decoded::Lost(count) => Said::Lost {
                component,
                thread,
                count,
            },
            Decoded::Frame(frame) => match self.frame(&component, &frame) {
                Ok((level, location, message)) => Said::Log {
                    component,
                    thread,
                    level,
                    location,
                    message,
                },
                Err(reason) => Said::Undecodable {
                    component,
                    thread,
                    reason,
                },
            },
        }
    }

    fn frame(
        &self,
        component: &str,
        frame: &[u8],
    ) -> Result<(Option<Level>, Option<Location>, String), String> {
        let id = self
            .announced
            .get(component)
            .ok_or("its program was not announced")?;
        let program = self.programs.by_id.get(id).ok_or_else(|| {
            format!("no ELF with its build id {id}: the image is of another build")
        })?;
        program
            .table()?
            .decode(frame)
            .map_err(|error| format!("a bad log frame: {error:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoder() -> LogDecoder {
        LogDecoder::new(Arc::new(Programs::default()))
    }

    #[test]
    fn plain_lines_and_text_need_no_program() {
        let mut decoder = decoder();
        assert_eq!(
            decoder.line("Booting all finished"),
            [Said::Plain("Booting all finished".into())]
        );
        let text = Said::Text {
            component: "kv-client".into(),
            thread: 2,
            text: "hello".into(),
        };
        assert_eq!(decoder.line("\u{1e}kv-client/2 :hello"), [text]);
    }

    #[test]
    fn a_frame_of_an_unknown_program_is_said_to_be_one() {
        let mut decoder = decoder();
        let reason = |said: &[Said]| match said {
            [Said::Undecodable { reason, .. }] => reason.clone(),
            other => panic!("{other:?}"),
        };
        assert!(reason(&decoder.line("\u{1e}a #AAAA")).contains("not announced"));
        decoder.line("\u{1e}a =0102ff");
        assert!(reason(&decoder.line("\u{1e}a #AAAA")).contains("0102ff"));
    }

    #[test]
    fn paths_begin_at_the_crate() {
        assert_eq!(
            shorten(Path::new("/home/x/isthmus/examples/kv/client/src/main.rs")),
            "client/src/main.rs"
        );
        assert_eq!(shorten(Path::new("odd.rs")), "odd.rs");
    }
}
