//! Links this program as a component; makes the C header of its interface, and compiles what is written in C.
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use isthmus_interface::header;
use kv_interface::kv;

fn main() {
    let variable = |name: &str| env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"));
    println!(
        "cargo::rustc-link-arg-bins=-T{}",
        variable("DEP_ISTHMUS_RUNTIME_LINK_SCRIPT")
    );
    let out = PathBuf::from(variable("OUT_DIR"));
    fs::write(out.join("kv.h"), header::of(kv::NAME, kv::METHODS))
        .expect("the header can be written");
    let object = compile(
        &variable("CARGO_CFG_TARGET_ARCH"),
        Path::new("client.c"),
        &out,
    );
    println!("cargo::rustc-link-arg-bins={}", object.display());
    println!("cargo::rerun-if-changed=client.c");
    println!("cargo::rerun-if-env-changed=CC");
}

/// Compiles for a machine without a C library. `./isthmus setup` installs the compilers.
fn compile(arch: &str, source: &Path, out: &Path) -> PathBuf {
    println!("cargo::rerun-if-env-changed=ISTHMUS_CC");
    let compiler = match arch {
        _ if env::var_os("ISTHMUS_CC").is_some() => env::var("ISTHMUS_CC").expect("it is text"),
        "aarch64" => "aarch64-linux-gnu-gcc".to_owned(),
        _ => "gcc".to_owned(),
    };
    let object = out.join("client.o");
    let status = Command::new(&compiler)
        .args(["-std=c11", "-O2", "-g", "-Wall", "-Wextra", "-Werror"])
        .args([
            "-ffreestanding",
            "-fno-stack-protector",
            "-fno-pic",
            "-fno-pie",
        ])
        .args(["-mgeneral-regs-only", "-ffunction-sections", "-c"])
        .arg("-I")
        .arg(out)
        .arg(source)
        .arg("-o")
        .arg(&object)
        .status();
    match status {
        Ok(status) if status.success() => object,
        Ok(status) => panic!("{compiler}: {status}"),
        Err(error) => panic!("{compiler} cannot be started: {error}"),
    }
}
