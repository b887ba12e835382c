//! Puts the linker script where the programs' linker looks: a program's own build script says
//! `cargo::rustc-link-arg-bins=-Tsel4-root-task.ld`.

fn main() {
    println!("cargo::rerun-if-changed=sel4-root-task.ld");
    println!(
        "cargo::rustc-link-search={}",
        std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR")
    );
}
