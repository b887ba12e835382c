//! A component that ends in the way that its argument `end` says, with its argument `code`; with `when=told`, when somebody signals it.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use isthmus_runtime::{ExitCode, Startup, exit, say, service};

isthmus_runtime::entry!(main);

fn main(startup: &'static Startup) -> ExitCode {
    let code = startup.argument("code").and_then(|code| code.parse().ok());
    let code = code.map_or(ExitCode::SUCCESS, ExitCode);
    if startup.argument("when") == Some("told") {
        let _ = service::wait();
    }
    match startup.argument("end") {
        Some("return") => code,
        Some("exit") => exit(code),
        Some("panic") => panic!("on purpose"),
        Some("wait") => loop {
            let _ = service::wait();
        },
        Some("spin") => loop {
            core::hint::spin_loop();
        },
        other => {
            say!("FAILED: there is no such end: {other:?}");
            ExitCode::FAILURE
        }
    }
}
