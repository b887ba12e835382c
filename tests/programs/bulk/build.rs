//! Links this program as a component.

fn main() {
    let script =
        std::env::var("DEP_ISTHMUS_RUNTIME_LINK_SCRIPT").expect("it depends on isthmus-runtime");
    println!("cargo::rustc-link-arg-bins=-T{script}");
}
