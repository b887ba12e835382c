//! Puts one aarch64 image together by hand: `cargo run -p microkernel-config --example assemble -- LOADER KERNEL ROOT-TASK OUT`.
//! `isthmus build` does this for whole systems.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [loader, kernel, root_task, out] = arguments.as_slice() else {
        return Err("use: assemble LOADER KERNEL ROOT-TASK OUT".into());
    };
    let [loader, kernel, root_task] = [loader, kernel, root_task].map(std::fs::read);
    std::fs::write(
        out,
        microkernel_config::loader::assemble(&loader?, &kernel?, &root_task?)?,
    )?;
    Ok(())
}
