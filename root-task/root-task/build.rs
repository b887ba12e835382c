//! Links this program as a root task.

fn main() {
    println!("cargo::rustc-link-arg-bins=-Tsel4-root-task.ld");
}
