//! Gives the linker script to the linker, when it is the target that is linked for.

fn main() {
    println!("cargo:rerun-if-changed=loader.ld");
    let bare = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "none");
    if bare {
        let folder = std::env::var("CARGO_MANIFEST_DIR").expect("Cargo sets CARGO_MANIFEST_DIR");
        println!("cargo:rustc-link-arg-bins=-T{folder}/loader.ld");
    }
}
