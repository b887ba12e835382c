//! Calls to a server on another machine, beside raw frames between the same machines' drivers, by the host's clock.

use bench_logic::{Bench, BenchClient, Samples, Unit, answer_to, question};
use isthmus_runtime::interface::Cap;
use isthmus_runtime::{Duration, Kernel, Startup, time};
use naming_interface::{NamingClient, Path, resolve};
use network_interface::NetworkClient;
use remote_programs::Pause;

use crate::asked::Asked;
use crate::report::{Failure, check, report};

/// Round trips in a batch: of raw frames, then of calls, by turns, for the host's load changes from one second to the next.
const BATCH: usize = 25;
/// Batches of each.
const BATCHES: usize = 40;
/// Batches of each before: sessions, caches, other components' first steps.
const WARM_UP: usize = 2;
/// Samples of each.
const SAMPLES: usize = BATCH * BATCHES;

/// The machine whose server is called, and whose driver echoes.
pub const PEER: u8 = 1;
/// Bytes of the short frames.
pub const SHORT_FRAME: u16 = 64;
/// How long to look for the server: its machine may be starting.
const LOOK_FOR: Duration = Duration::from_secs(60);
/// Between two look-ups.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A figure of calls, and the one of raw frames under it.
pub struct Pair {
    /// The raw frames' name.
    echo: &'static str,
    /// The calls'.
    call: &'static str,
    /// The second over the first, batch by batch.
    ratio: &'static str,
    /// Bytes of a frame.
    frame: u16,
    /// Makes a call, and looks at the answer.
    make: fn(&Client, u64) -> Result<(), Failure>,
}

/// All of them.
pub const PAIRS: [Pair; 2] = [
    Pair {
        echo: "wire_echo",
        call: "remote_call",
        ratio: "remote_call_ratio",
        frame: SHORT_FRAME,
        make: |bench, _| Ok(bench.nothing()?),
    },
    Pair {
        echo: "wire_echo_1100",
        call: "remote_call_120",
        ratio: "remote_call_120_ratio",
        frame: 1100,
        make: |bench, round| {
            let words = question(round);
            check(bench.full(words)? == answer_to(words))
        },
    },
];

type Client = BenchClient<Kernel>;

/// What a pair's measurement has brought, in ticks; the ratios in hundredths.
struct Measured {
    echo: Samples<SAMPLES>,
    call: Samples<SAMPLES>,
    ratio: Samples<BATCHES>,
}

impl Pair {
    /// The figures' names.
    pub const fn names(&self) -> [&'static str; 3] {
        [self.echo, self.call, self.ratio]
    }

    /// Measures both, and tells what was asked for.
    pub fn measure(&self, startup: &'static Startup, asked: Asked<'_>) -> Result<(), Failure> {
        let network = NetworkClient::<Kernel>::INTERFACE;
        let network = startup
            .endpoint(network)
            .map_err(|_| Failure::NoServer(network))?;
        let network = NetworkClient::new(Kernel, network);
        let Measured {
            mut echo,
            mut call,
            mut ratio,
        } = self.take_turns(&network, &BenchClient::new(Kernel, find(startup)?))?;
        let hundredths = |ticks| time::duration(ticks).as_nanos() as u64 / 10;
        if asked.contains(self.echo) {
            report(self.echo, Unit::Micros, &mut echo, hundredths)?;
        }
        if asked.contains(self.call) {
            report(self.call, Unit::Micros, &mut call, hundredths)?;
        }
        if asked.contains(self.ratio) {
            report(self.ratio, Unit::Ratio, &mut ratio, |hundredths| hundredths)?;
        }
        Ok(())
    }

    /// Batches of frames and of calls by turns; sees that the server has run each call once.
    fn take_turns(
        &self,
        network: &NetworkClient<Kernel>,
        bench: &Client,
    ) -> Result<Measured, Failure> {
        let mut measured = Measured {
            echo: Samples::new(),
            call: Samples::new(),
            ratio: Samples::new(),
        };
        let before = bench.executed()?;
        for round in 0..WARM_UP + BATCHES {
            let mut echoes = self.echoes(network)?;
            let mut calls = self.calls(bench, round)?;
            if round < WARM_UP {
                continue;
            }
            measured.echo.append(&echoes)?;
            measured.call.append(&calls)?;
            let median = |of: &mut Samples<BATCH>| of.summary().map(|summary| summary.p50);
            let (echo, call) = median(&mut echoes)
                .filter(|echo| *echo > 0)
                .zip(median(&mut calls))
                .ok_or(Failure::NoTime)?;
            measured.ratio.push(call * 100 / echo)?;
        }
        let made = ((WARM_UP + BATCHES) * BATCH) as u64;
        match bench.executed()?.checked_sub(before) {
            Some(executed) if executed == made => Ok(measured),
            _ => Err(Failure::Miscounted),
        }
    }

    fn echoes(&self, network: &NetworkClient<Kernel>) -> Result<Samples<BATCH>, Failure> {
        let report = network
            .wire_echo(PEER, self.frame, BATCH as u8)
            .map_err(Failure::Echo)?;
        if report.lost > 0 || report.round_trips.len() != BATCH {
            return Err(Failure::LostFrames);
        }
        let mut samples = Samples::new();
        for ticks in report.round_trips {
            samples.push(ticks)?;
        }
        Ok(samples)
    }

    fn calls(&self, bench: &Client, round: usize) -> Result<Samples<BATCH>, Failure> {
        let mut samples = Samples::new();
        for call in 0..BATCH {
            let start = time::now();
            (self.make)(bench, (round * BATCH + call) as u64)?;
            samples.push(time::now().ticks().wrapping_sub(start.ticks()))?;
        }
        Ok(samples)
    }
}

/// Finds the other machine's server by its name, as every client does.
pub fn find(startup: &'static Startup) -> Result<Cap<dyn Bench>, Failure> {
    let naming = NamingClient::<Kernel>::INTERFACE;
    let naming = startup
        .endpoint(naming)
        .map_err(|_| Failure::NoServer(naming))?;
    let pause = Pause::new().map_err(|_| Failure::NoServer("timer"))?;
    let path = Path::new("/node/1/bench").expect("a path as in the documentation");
    let end = time::now() + LOOK_FOR;
    loop {
        match resolve(&Kernel, naming, &path) {
            Ok(server) => return Ok(server.cast()),
            Err(error) if time::now() >= end => return Err(Failure::NotFound(error)),
            Err(_) => pause.sleep(LOOK_AGAIN),
        }
    }
}
