//! The key-value server's client in C: this shell looks the server up, `client.c` does the rest.
//!
//! The C part sees the runtime's few functions (`isthmus_runtime::c`) and the header that the build makes of `kv-interface`. Read next: `build.rs`.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

use isthmus_runtime::{Duration, Kernel, Startup, c, say, service, time};
use naming_interface::{NamingClient, Path, resolve};
use timer_interface::TimerClient;

isthmus_runtime::entry!(main);

/// The server's name.
const NAME: &str = "kv";
/// Between two look-ups: its machine may be starting.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

fn main(startup: &'static Startup) -> ! {
    let naming = startup
        .endpoint(NamingClient::<Kernel>::INTERFACE)
        .expect("the description says `uses`");
    let timer = startup
        .endpoint(TimerClient::<Kernel>::INTERFACE)
        .expect("the description says `uses`");
    let timer = TimerClient::new(Kernel, timer);
    let path = Path::new(NAME).expect("a path as in the documentation");
    let server = loop {
        match resolve(&Kernel, naming, &path) {
            Ok(server) => break server,
            Err(_) => {
                // A word fits a message.
                let _ = timer.arm((time::now() + LOOK_AGAIN).ticks());
                let _ = service::wait();
            }
        }
    };
    say!("demo: found `{NAME}`, and hand it over to C");
    c::main(server.slot(), time::now().ticks());
    loop {
        let _ = service::wait();
    }
}
