//! Constants and structures out of libsel4's C headers.
//!
//! The headers are simple: enumerations whose values are small expressions, object-like macros, and flat structures. Macros that are not
//! integers are passed over; everything that a structure needs must be understood.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::Error;
use crate::config::Config;
use crate::expression::{Names, evaluate};
use crate::preprocess::preprocess;

/// The structures that user space and kernel share.
pub const NEEDED_STRUCTURES: &[&str] = &[
    "seL4_IPCBuffer",
    "seL4_SlotRegion",
    "seL4_UntypedDesc",
    "seL4_BootInfo",
    "seL4_BootInfoHeader",
    "seL4_UserContext",
];

/// Integer constants, in the order in which the headers define them.
pub struct Constants<'a> {
    config: &'a Config,
    order: Vec<String>,
    values: BTreeMap<String, i128>,
}

impl Names for Constants<'_> {
    fn value(&self, name: &str) -> Option<i128> {
        self.values
            .get(name)
            .copied()
            .or_else(|| self.config.number(name))
    }

    fn is_defined(&self, name: &str) -> bool {
        self.config.is_defined(name)
    }
}

impl<'a> Constants<'a> {
    /// No constants yet.
    #[must_use]
    pub fn new(config: &'a Config) -> Self {
        Constants {
            config,
            order: Vec::new(),
            values: BTreeMap::new(),
        }
    }

    /// Adds the constants of one header. Headers must come after those that they refer to.
    ///
    /// # Errors
    /// When an enumerator refers to something unknown, or a name gets two values.
    pub fn read(&mut self, file: &str, text: &str) -> Result<(), Error> {
        let text = preprocess(text, self.config)?;
        let mut code = String::new();
        let mut macros = Vec::new();
        for line in text.lines() {
            match line.trim_start().strip_prefix('#') {
                Some(directive) => {
                    macros.push(directive.trim_start().trim_start_matches("define").trim())
                }
                None => {
                    code.push_str(line);
                    code.push('\n');
                }
            }
        }
        self.read_enumerations(file, &code)?;
        for definition in macros {
            let Some((name, body)) = definition.split_once(char::is_whitespace) else {
                continue;
            };
            // A macro with parameters has its parenthesis right behind the name.
            if name.contains('(') {
                continue;
            }
            let is_ours = ["seL4_", "SEL4_", "VECTOR_", "IRQ_"]
                .iter()
                .any(|prefix| name.starts_with(prefix));
            if is_ours && let Ok(value) = evaluate(body.trim(), self) {
                self.add(file, name, value)?;
            }
        }
        Ok(())
    }

    fn read_enumerations(&mut self, file: &str, code: &str) -> Result<(), Error> {
        let mut rest = code;
        while let Some(start) = find_word(rest, "enum") {
            rest = &rest[start + "enum".len()..];
            let Some(open) = rest.find('{') else { break };
            let Some(close) = rest.find('}') else {
                return Err(Error::malformed(file, "an enumeration is never closed"));
            };
            let mut next = 0;
            for item in rest[open + 1..close].split(',') {
                let item = item.trim();
                if item.is_empty() || item.starts_with("SEL4_FORCE_LONG_ENUM") {
                    continue;
                }
                let (name, value) = match item.split_once('=') {
                    Some((name, expression)) => (name.trim(), evaluate(expression.trim(), self)?),
                    None => (item, next),
                };
                self.add(file, name, value)?;
                next = value + 1;
            }
            rest = &rest[close + 1..];
        }
        Ok(())
    }

    fn add(&mut self, file: &str, name: &str, value: i128) -> Result<(), Error> {
        match self.values.insert(name.to_owned(), value) {
            None => self.order.push(name.to_owned()),
            Some(before) if before == value => {}
            Some(before) => {
                return Err(Error::malformed(
                    file,
                    format!("{name} is {value} here and {before} elsewhere"),
                ));
            }
        }
        Ok(())
    }

    /// A constant by its name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<i128> {
        self.values.get(name).copied()
    }

    /// All constants as Rust source: `u64`, or `i64` where negative; and a table of them for the test of layouts.
    #[must_use]
    pub fn emit(&self) -> String {
        let mut out = String::new();
        let mut table = String::new();
        for name in &self.order {
            let value = self.values[name];
            let kind = if value < 0 { "i64" } else { "u64" };
            let _ = writeln!(out, "pub const {name}: {kind} = {value};");
            let _ = writeln!(table, "    ({name:?}, {name} as i64),");
        }
        let _ = writeln!(
            out,
            "\n#[doc(hidden)]\npub const CONSTANTS: &[(&str, i64)] = &[\n{table}];\n"
        );
        out
    }
}

fn find_word(text: &str, word: &str) -> Option<usize> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(word).map(|(at, _)| at).find(|at| {
        !text[..*at].chars().next_back().is_some_and(is_part)
            && !text[at + word.len()..].chars().next().is_some_and(is_part)
    })
}

/// A C structure with its members in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Structure {
    /// Its name as a type.
    pub name: String,
    /// Whether it has no padding and no alignment.
    pub is_packed: bool,
    /// Whether it is aligned to its own size.
    pub is_self_aligned: bool,
    /// Its members in order.
    pub members: Vec<Member>,
}

/// One member of a structure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its C type, `*` at the end of a pointer.
    pub kind: String,
    /// The number of elements of an array, as it stands there.
    pub count: Option<String>,
}

/// All `typedef struct` of a header that consist of plain members.
///
/// # Errors
/// When conditions are malformed or a structure is not closed.
pub fn structures(file: &str, text: &str, config: &Config) -> Result<Vec<Structure>, Error> {
    let text = preprocess(text, config)?;
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .fold(String::new(), |code, line| code + line + " ");
    let mut found = Vec::new();
    let mut rest = code.as_str();
    while let Some(start) = rest.find("typedef struct") {
        rest = &rest[start + "typedef struct".len()..];
        let Some(open) = rest.find('{') else { break };
        let close = rest
            .find('}')
            .ok_or_else(|| Error::malformed(file, "a structure is never closed"))?;
        let end = close
            + rest[close..]
                .find(';')
                .ok_or_else(|| Error::malformed(file, "a structure has no end"))?;
        let after = &rest[close + 1..end];
        let name = after
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .find(|word| word.starts_with("seL4_"))
            .ok_or_else(|| Error::malformed(file, "a structure has no name"))?;
        let mut members = Vec::new();
        for declaration in rest[open + 1..close].split(';') {
            members.extend(declaration_members(file, declaration)?);
        }
        found.push(Structure {
            name: name.to_owned(),
            is_packed: after.contains("SEL4_PACKED"),
            is_self_aligned: after.contains("__aligned__"),
            members,
        });
        rest = &rest[end..];
    }
    Ok(found)
}

fn declaration_members(file: &str, declaration: &str) -> Result<Vec<Member>, Error> {
    let declaration = declaration.trim();
    if declaration.is_empty() {
        return Ok(Vec::new());
    }
    let (kind, names) = declaration
        .split_once(char::is_whitespace)
        .ok_or_else(|| Error::malformed(file, format!("not a member: {declaration}")))?;
    names
        .split(',')
        .map(|name| {
            let name = name.trim();
            let (kind, name) = match name.strip_prefix('*') {
                Some(name) => (format!("{kind}*"), name.trim()),
                None => (kind.to_owned(), name),
            };
            let (name, count) = match name.split_once('[') {
                Some((name, count)) => (name, Some(count.trim_end_matches(']').trim().to_owned())),
                None => (name, None),
            };
            Ok(Member {
                name: name.to_owned(),
                kind,
                count,
            })
        })
        .collect()
}

impl Structure {
    /// The structure as Rust source. Array lengths are evaluated with `names`.
    ///
    /// # Errors
    /// When a member has a type that the bindings do not know.
    pub fn emit(&self, names: &dyn Names) -> Result<String, Error> {
        let mut size_words = 0;
        let mut fields = String::new();
        let mut lengths = String::new();
        let mut offsets = String::new();
        for member in &self.members {
            let scalar = match member.kind.as_str() {
                "seL4_Uint8" => "u8",
                "seL4_Word" | "seL4_CPtr" | "seL4_SlotPos" | "seL4_NodeId" | "seL4_Domain"
                | "seL4_MessageInfo_t" => "u64",
                "seL4_IPCBuffer*" => "*mut seL4_IPCBuffer",
                "seL4_SlotRegion" => "seL4_SlotRegion",
                "seL4_UntypedDesc" => "seL4_UntypedDesc",
                other => {
                    return Err(Error::malformed(
                        &self.name,
                        format!("unknown member type {other}"),
                    ));
                }
            };
            let kind = match &member.count {
                None => {
                    size_words += 1;
                    scalar.to_owned()
                }
                Some(count) => {
                    let count = evaluate(count, names)?;
                    size_words += count;
                    let _ = writeln!(
                        lengths,
                        "pub const {}_{}_LEN: usize = {count};",
                        self.name, member.name
                    );
                    format!("[{scalar}; {count}]")
                }
            };
            let _ = writeln!(fields, "    pub {}: {kind},", member.name);
            let (structure, member) = (&self.name, &member.name);
            let _ = writeln!(
                offsets,
                "    ({member:?}, core::mem::offset_of!({structure}, {member})),"
            );
        }
        let representation = if self.is_packed {
            "C, packed".to_owned()
        } else if self.is_self_aligned {
            format!("C, align({})", size_words * 8)
        } else {
            "C".to_owned()
        };
        Ok(format!(
            "{lengths}#[derive(Clone, Copy)]\n#[repr({representation})]\npub struct {name} {{\n{fields}}}\n\n\
             #[doc(hidden)]\npub const {name}_OFFSETS: &[(&str, usize)] = &[\n{offsets}];\n\n",
            name = self.name
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config::parse(r#"{"NUM_PRIORITIES": 256, "HUGE_PAGE": false, "UNTYPEDS": 3}"#).unwrap()
    }

    #[test]
    fn reads_enumerations_and_macros() {
        let config = config();
        let mut constants = Constants::new(&config);
        constants
            .read(
                "a.h",
                "typedef enum { seL4_A, seL4_B = 4, seL4_C,\n#ifdef CONFIG_HUGE_PAGE\n seL4_Huge,\n#endif\n seL4_D,\n \
                 SEL4_FORCE_LONG_ENUM(x), } t;\n#define seL4_Bits 12\n#define seL4_Null ((void*)0)\n#define seL4_F(x) 3\n\
                 enum p { seL4_Invalid = -1, seL4_Max = CONFIG_NUM_PRIORITIES - 1 };",
            )
            .unwrap();
        constants
            .read("b.h", "enum { seL4_E = seL4_D, seL4_F };")
            .unwrap();
        for (name, value) in [
            ("seL4_A", 0),
            ("seL4_C", 5),
            ("seL4_D", 6),
            ("seL4_F", 7),
            ("seL4_Bits", 12),
            ("seL4_Invalid", -1),
            ("seL4_Max", 255),
        ] {
            assert_eq!(constants.get(name), Some(value), "{name}");
        }
        assert_eq!(constants.get("seL4_Huge"), None);
        assert_eq!(constants.get("seL4_Null"), None);
        assert!(
            constants
                .emit()
                .contains("pub const seL4_Invalid: i64 = -1;")
        );
    }

    #[test]
    fn refuses_two_values_for_a_name() {
        let config = config();
        let mut constants = Constants::new(&config);
        constants.read("a.h", "#define seL4_X 1").unwrap();
        constants.read("b.h", "#define seL4_X 1").unwrap();
        assert!(constants.read("c.h", "#define seL4_X 2").is_err());
    }

    #[test]
    fn reads_structures() {
        let config = config();
        let found = structures(
            "s.h",
            "typedef struct seL4_IPCBuffer_ { seL4_Word a, b; seL4_Word c[14]; } seL4_IPCBuffer __attribute__ ((__aligned__ (sizeof(struct \
             seL4_IPCBuffer_))));\ntypedef struct { seL4_Uint8 x; /* note; */ seL4_IPCBuffer* p; seL4_Word l[CONFIG_UNTYPEDS]; } SEL4_PACKED \
             seL4_BootInfo;",
            &config,
        )
        .unwrap();
        assert_eq!(found[0].name, "seL4_IPCBuffer");
        let constants = Constants::new(&config);
        let source = found[0].emit(&constants).unwrap();
        assert!(
            source.contains("repr(C, align(128))") && source.contains("pub c: [u64; 14],"),
            "{source}"
        );
        let source = found[1].emit(&constants).unwrap();
        assert!(
            source.contains("repr(C, packed)") && source.contains("pub p: *mut seL4_IPCBuffer,"),
            "{source}"
        );
        assert!(source.contains("pub l: [u64; 3],"), "{source}");
    }

    #[test]
    fn refuses_unknown_member_types() {
        let config = config();
        let found = structures("s.h", "typedef struct { float x; } seL4_Odd;", &config).unwrap();
        assert!(found[0].emit(&Constants::new(&config)).is_err());
    }
}
