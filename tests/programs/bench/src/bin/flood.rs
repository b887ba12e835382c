//! A client that asks for too much: at each event of `bench` it makes many remote calls, as many at once as the ring has room for, and says when it is over.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::collections::VecDeque;
use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::task::Poll;

use bench_logic::{Bench, bench};
use isthmus_runtime::interface::Cap;
use isthmus_runtime::{Duration, Kernel, Startup, grants, say, service};
use naming_interface::{NamingClient, Path, resolve};
use netipc_client::{Calls, Target};

isthmus_runtime::entry!(main);

/// Calls of a flood.
const CALLS: usize = 6000;
/// Calls out at once: all slots to a peer.
const OUT: usize = 32;
/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(4);

fn main(startup: &'static Startup) -> ! {
    if let Err(reason) = floods(startup) {
        say!("bench: failed: flood: {reason}");
    }
    loop {
        let _ = service::wait();
    }
}

fn floods(startup: &'static Startup) -> Result<(), &'static str> {
    let over = grants::signal("bench").map_err(|_| "it cannot tell bench")?;
    let begin = startup.event("bench").map_err(|_| "bench cannot tell it")?;
    let naming = startup.endpoint(NamingClient::<Kernel>::INTERFACE);
    let naming = naming.map_err(|_| "it has no naming")?;
    loop {
        while !service::wait().contains(begin) {}
        // By now the other machine is there: bench has called it.
        let path = Path::new("/node/1/bench").map_err(|_| "a bad path")?;
        let server = resolve(&Kernel, naming, &path).map_err(|_| "the server is not found")?;
        let calls = Calls::open(startup, "flood").map_err(|_| "it has no ring")?;
        let server: Cap<dyn Bench> = server.cast();
        let target = calls.register(server.slot()).map_err(|_| "no target")?;
        calls.block_on(all(&calls, &target));
        over.signal();
    }
}

/// What becomes of a call does not matter here: one that is refused for want of room is one that was made.
async fn all(calls: &Calls, target: &Target<dyn Bench>) {
    let mut left = CALLS;
    let mut out = VecDeque::with_capacity(OUT);
    poll_fn(|context| {
        loop {
            while out.len() < OUT && left > 0 {
                left -= 1;
                let mut call = calls.call(target, bench::nothing {}, PATIENCE);
                if Pin::new(&mut call).poll(context).is_pending() {
                    out.push_back(call);
                }
            }
            let Some(first) = out.front_mut() else {
                return Poll::Ready(());
            };
            if Pin::new(first).poll(context).is_pending() {
                return Poll::Pending;
            }
            out.pop_front();
        }
    })
    .await;
}
