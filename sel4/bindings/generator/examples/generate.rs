//! Prints the bindings of a prefix: `cargo run --example generate -- PREFIX`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let prefix = std::env::args_os().nth(1).ok_or("usage: generate PREFIX")?;
    print!("{}", sel4_bindings_generator::generate(prefix.as_ref())?);
    Ok(())
}
