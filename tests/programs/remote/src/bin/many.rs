//! A client that has many calls out at once, here and to another machine, gives some up, writes rubbish, and hears servers' events.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;

use isthmus_runtime::abi::{Label, NotExecuted, Outcome, Unknown};
use isthmus_runtime::capabilities::{self, BELL};
use isthmus_runtime::interface::{CallError, Cap, Method, Notification};
use isthmus_runtime::{Duration, Signal, Startup, grants, say, service, time};
use netipc_client::{Calls, Target, all};
use netipc_interface::ring::{ClientEnd, Taken};
use remote_interface::{Hold, Remote, RemoteClient, answer_to, remote};
use remote_programs::{Failure, Finder, Server, failure};
use shared_memory::Producer;

isthmus_runtime::entry!(main);

/// Calls out at once to each of two servers: more than the ring takes, and many more than the protocol has slots.
const CALLS: u64 = 300;
/// For calls that are to be answered.
const PATIENCE: Duration = Duration::from_secs(30);
/// For calls that are not.
const IMPATIENCE: Duration = Duration::from_millis(200);

fn main(startup: &'static Startup) -> ! {
    match run(startup) {
        Ok(()) => say!(
            "demo: ok {} calls out at once, each answered once",
            2 * CALLS
        ),
        Err(reason) => say!("demo: failed: {reason}"),
    }
    loop {
        let _ = service::wait();
    }
}

/// A server, found.
struct Found {
    place: &'static str,
    server: Server,
    target: Target<dyn Remote>,
}

fn run(startup: &'static Startup) -> Result<(), Failure> {
    let calls = Calls::open(startup, "calls").map_err(|error| failure!("the ring: {error}"))?;
    let find = |place, path: &str| {
        let server = Finder::of(startup, path)?.find()?;
        let target = calls
            .register::<dyn Remote>(server.calls().endpoint())
            .map_err(|error| failure!("{place}: register: {error}"))?;
        Ok::<_, Failure>(Found {
            place,
            server,
            target,
        })
    };
    let servers = [
        find("there", "/node/1/remote")?,
        find("here", "/node/2/remote")?,
    ];
    many(&calls, &servers)?;
    rubbish(startup)?;
    many(&calls, &servers)?;
    let bell = capabilities::bell().map_err(|_| failure!("no slot for a bell"))?;
    for found in &servers {
        event(found, &bell)?;
        several(found, &bell)?;
    }
    for found in &servers {
        patient(&calls, found)?;
        given_up(&calls, found)?;
    }
    Ok(())
}

/// Calls to all servers by turns, all at once.
fn many(calls: &Calls, servers: &[Found]) -> Result<(), Failure> {
    let counts = || {
        let count = |found: &Found| found.server.calls().executed();
        let counts = servers.iter().map(count).collect::<Result<Vec<_>, _>>();
        counts.map_err(|error| failure!("executed: {error}"))
    };
    let before = counts()?;
    let requests =
        || (0..CALLS).flat_map(|request| servers.iter().map(move |found| (request, found)));
    let out = requests().map(|(request, found)| {
        let hold = Hold::Nowhere;
        calls.call(&found.target, remote::run { request, hold }, PATIENCE)
    });
    let start = time::now();
    let results = calls.block_on(all(out));
    let took = time::now() - start;
    for ((request, found), result) in requests().zip(results) {
        match result {
            Ok(answer) if answer == answer_to(request) => {}
            Ok(_) => {
                return Err(failure!(
                    "{}: request {request} was answered wrongly",
                    found.place
                ));
            }
            Err(error) => return Err(failure!("{}: request {request}: {error}", found.place)),
        }
    }
    for ((found, before), after) in servers.iter().zip(before).zip(counts()?) {
        if after - before != CALLS {
            return Err(failure!(
                "{}: {CALLS} calls ran {} times",
                found.place,
                after - before
            ));
        }
    }
    say!(
        "{} calls in {} us",
        CALLS * servers.len() as u64,
        took.as_micros()
    );
    Ok(())
}

/// A server signals this client.
fn event(found: &Found, bell: &Cap<Notification>) -> Result<(), Failure> {
    let Found { place, server, .. } = found;
    server
        .calls()
        .watch(bell)
        .map_err(|error| failure!("{place}: watch: {error}"))?;
    server
        .calls()
        .ring()
        .map_err(|error| failure!("{place}: ring: {error}"))?;
    while !service::wait().contains(BELL) {}
    say!("the server {place} has rung");
    Ok(())
}

/// Two capabilities with a call, and two with its reply: each still rings the bell.
fn several(found: &Found, bell: &Cap<Notification>) -> Result<(), Failure> {
    let Found { place, server, .. } = found;
    let (second, first) = server
        .calls()
        .turn(bell, bell)
        .map_err(|error| failure!("{place}: turn: {error}"))?;
    for back in [first, second] {
        back.signal();
        while !service::wait().contains(BELL) {}
    }
    say!("two capabilities came back from {place}");
    Ok(())
}

/// The generated client, with a deadline for each call.
fn patient(calls: &Calls, found: &Found) -> Result<(), Failure> {
    let client = RemoteClient::over(calls.within(&found.target, PATIENCE));
    let full: remote_interface::Bytes = (0..remote_interface::BYTES).map(|i| i as u8).collect();
    match (client.run(7, Hold::Nowhere), client.echo(full.clone())) {
        (Ok(answer), Ok(bytes)) if answer == answer_to(7) && bytes == full => Ok(()),
        other => Err(failure!("{}: within: {other:?}", found.place)),
    }
}

/// A server that never answers, and the calls behind it.
fn given_up(calls: &Calls, found: &Found) -> Result<(), Failure> {
    let held = || remote::run {
        request: 1,
        hold: Hold::BeforeAnswering,
    };
    let start = time::now();
    let results = calls.block_on(all(
        (0..4).map(|_| calls.call(&found.target, held(), IMPATIENCE))
    ));
    let took = time::now() - start;
    let late = |result: &Result<u64, _>| {
        matches!(
            result,
            Err(CallError::Outcome(
                Outcome::Unknown(Unknown::DeadlinePassed)
                    | Outcome::NotExecuted(NotExecuted::DeadlinePassed)
            ))
        )
    };
    if !results.iter().all(late) {
        return Err(failure!("{}: given up: {results:?}", found.place));
    }
    say!(
        "the server {} was given up after {} ms",
        found.place,
        took.as_millis()
    );
    Ok(())
}

/// What a well-behaved client never writes: each record that has a token is answered, and the proxy goes on.
fn rubbish(startup: &'static Startup) -> Result<(), Failure> {
    let missing = |missing| failure!("{missing}");
    let memory = grants::shared_memory("rubbish").map_err(missing)?;
    let proxy = grants::channel_signal("rubbish").map_err(missing)?;
    let event = startup.channel_event("rubbish").map_err(missing)?;
    let (submissions, _) = memory
        .split_at(memory.len() / 2)
        .map_err(|_| failure!("the channel is small"))?;
    let mut end = ClientEnd::attach(memory).map_err(|error| failure!("{error}"))?;
    let full = |_| failure!("the ring is full");
    let method = remote::run::LABEL.bits();
    end.submit(1, 0, 0, method, &[]).map_err(full)?;
    end.submit(2, u64::MAX, 0, method, &[]).map_err(full)?;
    end.submit(3, 0, 0, 1, &[]).map_err(full)?;
    // A record that is too short, and one without so much as a token.
    let mut raw =
        Producer::attach(submissions.words()).map_err(|_| failure!("the ring is small"))?;
    for bytes in [&4_u64.to_le_bytes()[..], &[5; 3], &[6; 11]] {
        let mut record = raw
            .reserve(bytes.len())
            .map_err(|_| failure!("the ring is full"))?;
        record
            .append(bytes)
            .map_err(|_| failure!("the record is short"))?;
        let _ = record.commit();
    }
    proxy.signal();
    let mut end = ClientEnd::attach(memory).map_err(|error| failure!("{error}"))?;
    let mut told = Vec::new();
    while told.len() < 5 {
        match end.complete() {
            Some(Taken::Record(completion)) => {
                let word = completion.words.first().copied().unwrap_or(0);
                let label = Label::from_bits(completion.label);
                told.push((completion.token, Outcome::decode(label, word)));
            }
            Some(other) => return Err(failure!("the proxy wrote {other:?}")),
            None => {
                if end.prepare_to_wait() == shared_memory::Wait::Sleep {
                    while !service::wait().contains(event) {}
                }
            }
        }
    }
    told.sort_by_key(|(token, _)| *token);
    let not = |reason| Some(Outcome::NotExecuted(reason));
    let expected = [
        (1, not(NotExecuted::NoSuchObject)),
        (2, not(NotExecuted::NoSuchObject)),
        (3, not(NotExecuted::UnknownMethod)),
        (4, not(NotExecuted::BadArguments)),
        (u64::from_le_bytes([6; 8]), not(NotExecuted::BadArguments)),
    ];
    if told == expected {
        Ok(())
    } else {
        Err(failure!("rubbish was answered {told:?}"))
    }
}
