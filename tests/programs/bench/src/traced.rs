//! Round trips between two words to the host, which has QEMU log what runs meanwhile.

use bench_logic::BenchClient;
use isthmus_runtime::{Duration, Kernel, Startup, say};
use network_interface::NetworkClient;
use remote_programs::Pause;

use crate::remote::{self, PEER};
use crate::report::Failure;

/// What the host asks for.
pub const NAME: &str = "traced";

/// Round trips of each kind: few, because logging is slow.
const ROUNDS: u8 = 40;
/// Between a word and what it is about: the host must have heard it. The machine sleeps meanwhile.
const BETWEEN: Duration = Duration::from_millis(500);

/// Makes many of one kind.
type Make<'m> = &'m dyn Fn() -> Result<(), Failure>;

/// Raw frames, then calls: the frames as long as those of the calls.
pub fn run(startup: &'static Startup) -> Result<(), Failure> {
    let network = NetworkClient::<Kernel>::INTERFACE;
    let network = startup
        .endpoint(network)
        .map_err(|_| Failure::NoServer(network))?;
    let network = NetworkClient::new(Kernel, network);
    let server = BenchClient::new(Kernel, remote::find(startup)?);
    let pause = Pause::new().map_err(|_| Failure::NoServer("timer"))?;
    let echoes = || {
        let report = network
            .wire_echo(PEER, remote::SHORT_FRAME, ROUNDS)
            .map_err(Failure::Echo)?;
        match report.lost {
            0 => Ok(()),
            _ => Err(Failure::LostFrames),
        }
    };
    let calls = || (0..ROUNDS).try_for_each(|_| Ok(server.nothing()?));
    let kinds: [(&str, Make<'_>); 2] = [("wire_echo", &echoes), ("remote_call", &calls)];
    for (_, make) in kinds {
        make()?;
    }
    for (name, make) in kinds {
        say!("bench: begins {name}");
        pause.sleep(BETWEEN);
        make()?;
        pause.sleep(BETWEEN);
        say!("bench: ended {name} {ROUNDS}");
    }
    Ok(())
}
