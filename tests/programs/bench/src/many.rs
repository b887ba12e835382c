//! Several remote calls out at once, through the ring that a client shares with netipc's proxy.

extern crate alloc;

use alloc::collections::VecDeque;
use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::task::Poll;

use bench_logic::{Bench, BenchClient, Samples, Unit, bench};
use isthmus_runtime::interface::Cap;
use isthmus_runtime::{Duration, Kernel, Startup, time};
use netipc_client::{Calls, Target};

use crate::report::{Failure, report};

/// The figure: what a call takes, while so many are out.
pub const NAME: &str = "remote_calls_8";

/// Calls out at once.
const OUT: usize = 8;
/// Calls in a sample: many times those that are out, so that the beginning and the end do not count.
const CALLS: usize = 200;
/// Samples.
const SAMPLES: usize = 40;
/// Samples before, which are not told.
const WARM_UP: usize = 2;
/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(4);
/// The channel to the proxy.
const CHANNEL: &str = "calls";

/// Measures, and sees that the server has run each call once.
pub fn measure(startup: &'static Startup, server: Cap<dyn Bench>) -> Result<(), Failure> {
    let counted = BenchClient::new(Kernel, server);
    let calls = Calls::open(startup, CHANNEL).map_err(|_| Failure::NoServer(CHANNEL))?;
    let target = calls.register::<dyn Bench>(counted.endpoint().slot());
    let target = target.map_err(|_| Failure::NoServer(CHANNEL))?;
    let before = counted.executed()?;
    let mut samples = Samples::<SAMPLES>::new();
    for sample in 0..WARM_UP + SAMPLES {
        let ticks = row(&calls, &target)?;
        if sample >= WARM_UP {
            samples.push(ticks)?;
        }
    }
    let made = ((WARM_UP + SAMPLES) * CALLS) as u64;
    if counted.executed()?.checked_sub(before) != Some(made) {
        return Err(Failure::Miscounted);
    }
    let each = |ticks| time::duration(ticks).as_nanos() as u64 / 10 / CALLS as u64;
    report(NAME, Unit::Micros, &mut samples, each)
}

/// A row of calls, [`OUT`] at a time: the ticks that it takes. A call goes out when it is first polled.
fn row(calls: &Calls, target: &Target<dyn Bench>) -> Result<u64, Failure> {
    let mut left = CALLS;
    let mut out = VecDeque::with_capacity(OUT);
    let all = poll_fn(|context| {
        loop {
            while out.len() < OUT && left > 0 {
                left -= 1;
                let mut call = calls.call(target, bench::nothing {}, PATIENCE);
                match Pin::new(&mut call).poll(context) {
                    Poll::Ready(result) => result?,
                    Poll::Pending => out.push_back(call),
                }
            }
            let Some(first) = out.front_mut() else {
                return Poll::Ready(Ok::<_, Failure>(()));
            };
            match Pin::new(first).poll(context) {
                Poll::Ready(result) => result?,
                Poll::Pending => return Poll::Pending,
            }
            out.pop_front();
        }
    });
    let start = time::now();
    calls.block_on(all)?;
    Ok(time::now().ticks().wrapping_sub(start.ticks()))
}
