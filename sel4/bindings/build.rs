//! Generates the bindings from the kernel prefix that `SEL4_PREFIX` names.

use std::path::PathBuf;
use std::process::exit;

use sel4_bindings_generator::{Prefix, generate};

const VARIABLE: &str = "SEL4_PREFIX";

const HELP: &str = "Set SEL4_PREFIX to a kernel prefix (target/sel4/<arch>-<debug|release>, an absolute path). `./isthmus build` makes one and \
     sets it; docs/architecture.md says what is in it.";

fn fail(reason: &str) -> ! {
    println!("cargo::error={reason}");
    println!("cargo::error={HELP}");
    exit(1)
}

fn main() {
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    let Some(prefix) = std::env::var_os(VARIABLE).map(PathBuf::from) else {
        fail("SEL4_PREFIX is not set: the bindings are generated from a configured kernel");
    };
    if !prefix.is_absolute() {
        fail(&format!(
            "SEL4_PREFIX is {}, a relative path: it must be absolute",
            prefix.display()
        ));
    }
    for file in Prefix::files() {
        println!("cargo::rerun-if-changed={}", prefix.join(file).display());
    }
    let source = generate(&prefix).unwrap_or_else(|error| fail(&error.to_string()));
    let out =
        PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("bindings.rs");
    if let Err(error) = std::fs::write(&out, source) {
        fail(&format!("cannot write {}: {error}", out.display()));
    }
}
