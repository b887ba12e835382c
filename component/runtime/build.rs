//! Tells the build scripts of programs where the linker script lies, as `DEP_ISTHMUS_RUNTIME_LINK_SCRIPT`.

fn main() {
    let here = std::env::var("CARGO_MANIFEST_DIR").expect("Cargo sets it");
    println!("cargo::rerun-if-changed=link/component.x");
    println!("cargo::metadata=LINK_SCRIPT={here}/link/component.x");
}
