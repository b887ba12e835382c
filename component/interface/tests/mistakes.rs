//! What is wrong with an interface is said at the user's own line: each file of `tests/mistakes` is compiled, and each error must stand at a line that
//! ends in `//~` and a part of its text, and the other way round.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// An error's line, counted from 1, and its text.
type Mistake = (u64, String);

/// The library that this test was linked with: the one that was built last.
fn library(deps: &Path) -> PathBuf {
    let built = |entry: &fs::DirEntry| entry.metadata().and_then(|m| m.modified()).ok();
    let is_library = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with("libisthmus_interface-") && name.ends_with(".rlib")
    };
    let entries = fs::read_dir(deps).expect("the test lies among its dependencies");
    entries
        .flatten()
        .filter(is_library)
        .max_by_key(built)
        .expect("the library was built before its test")
        .path()
}

fn compile(source: &Path) -> Vec<Mistake> {
    let deps = std::env::current_exe().expect("a test has a path");
    let deps = deps.parent().expect("it lies in a folder");
    let out = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut with = std::ffi::OsString::from("isthmus_interface=");
    with.push(library(deps));
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .args(["--edition=2024", "--crate-type=lib", "--emit=metadata"])
        .args(["--error-format=json", "--cap-lints=allow", "-L"])
        .arg(deps)
        .arg("--extern")
        .arg(with)
        .arg("--out-dir")
        .arg(out)
        .arg(source)
        .output()
        .expect("the compiler runs");
    let text = String::from_utf8(output.stderr).expect("the compiler speaks UTF-8");
    text.lines().filter_map(mistake).collect()
}

/// What a line of the compiler's output says, if it is an error that has a place.
fn mistake(line: &str) -> Option<Mistake> {
    let message: Value = serde_json::from_str(line).ok()?;
    if message["level"] != "error" {
        return None;
    }
    let spans = message["spans"].as_array()?;
    let primary = spans.iter().find(|span| span["is_primary"] == true)?;
    let mut text = message["message"].as_str()?.to_owned();
    for child in message["children"].as_array()? {
        text.push('\n');
        text.push_str(child["message"].as_str()?);
    }
    Some((primary["line_start"].as_u64()?, text))
}

fn expected(source: &str) -> Vec<Mistake> {
    let lines = source.lines().zip(1..);
    lines
        .filter_map(|(line, number)| Some((number, line.split_once("//~ ")?.1.to_owned())))
        .collect()
}

#[test]
fn mistakes_are_shown_where_they_are_made() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mistakes");
    let mut files = 0;
    for entry in fs::read_dir(folder)
        .expect("the mistakes are there")
        .flatten()
    {
        let path = entry.path();
        let found = compile(&path);
        let wanted = expected(&fs::read_to_string(&path).expect("it can be read"));
        for (line, text) in &wanted {
            assert!(
                found
                    .iter()
                    .any(|(at, said)| at == line && said.contains(text)),
                "{}:{line}: no error says `{text}`; there are {found:#?}",
                path.display()
            );
        }
        for (line, text) in &found {
            assert!(
                wanted.iter().any(|(at, _)| at == line),
                "{}:{line}: an error that is not the user's: {text}",
                path.display()
            );
        }
        files += 1;
    }
    assert_eq!(files, 3, "every file was compiled");
}
