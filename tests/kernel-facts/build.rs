//! A root task needs the linker script of `sel4-root-task`.

fn main() {
    println!("cargo::rustc-link-arg-bins=-Tsel4-root-task.ld");
}
