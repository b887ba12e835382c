//! A machine is killed, stopped or cut off in the middle of a fetch from lent memory, and of a store into it: the call ends in time and truly, nothing is written into what
//! was lent after that, and when all is well again there is as much memory as before.
//! If it is the lender's, or both are cut off, the server's fetch or store ends with the reason, and neither its machine's memory nor a row of its proxy stays in use.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use isthmus_testkit::{Cluster, Failure, Killer, Machine, Verdict, contains};
use netipc_interface::LoanError;
use netipc_protocol::limits::OUTCOME_WITHIN;
use netipc_wire::Kind;

use crate::blow::Blow;
use crate::frames;
use crate::lab::{Lab, wait_for_ok};

/// The borrower's machine.
pub(crate) const SERVER: usize = 1;
/// The lender's.
pub(crate) const CLIENT: usize = 2;
/// Everything that the client does with one direction, on a busy host.
const LIMIT: Duration = Duration::from_secs(120);
/// What the transfer itself takes until then, on a busy host.
const STALL: Duration = Duration::from_secs(2);
/// Of a MiB's 745 chunks, the one at the sight of which the machine is struck.
const CHUNK: u32 = 100;
/// The client lends as `bulk_programs` has it; nobody makes small calls, which would end with the machine.
const ARGUMENTS: &str = "client.check=struck small-client.check=none";
const DIRECTIONS: [&str; 2] = ["fetch", "store"];

/// What the switch has seen, and is to do.
#[derive(Debug)]
struct Seen {
    blow: Blow,
    /// Chunks until the blow; `None`: there is none to come.
    left: Option<u32>,
    struck: bool,
    cut: bool,
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seen {
    fn look(&mut self, kind: Option<Kind>, killer: &Killer) -> Verdict {
        if self.cut {
            return Verdict::Drop;
        }
        if kind != Some(Kind::Data) {
            return Verdict::Pass;
        }
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.left = None;
                self.struck = true;
                self.cut = self.blow.strike(killer);
            }
        }
        Verdict::Pass
    }
}

/// Strikes one of the two machines.
pub(crate) fn struck(lab: &Lab, blow: Blow, machine: usize) -> Result<(), Failure> {
    let cluster = lab.machines(2)?.arguments(ARGUMENTS).prepare()?;
    let seen = Arc::new(Mutex::new(Seen {
        blow,
        left: None,
        struck: false,
        cut: false,
    }));
    let killer = cluster.machine(machine).killer();
    let eyes = Arc::clone(&seen);
    // A frame's kind can be read by anybody.
    cluster.observe(move |sighting| {
        let kind = frames::netipc(sighting.frame).map(|frame| frame.header().kind);
        lock(&eyes).look(kind, &killer)
    });
    cluster.machines().iter().try_for_each(Machine::start)?;
    let one = match (blow, machine) {
        (Blow::Kill, CLIENT) => lender_dies,
        (Blow::Pause, CLIENT) => lender_stops,
        _ => one,
    };
    DIRECTIONS
        .into_iter()
        .try_for_each(|direction| one(&cluster, &seen, direction))
}

/// Waits until the lender is about to call, and makes the switch ready.
fn begin(cluster: &Cluster, seen: &Mutex<Seen>, direction: &str) -> Result<(), Failure> {
    // It calls after a pause, so that the switch is ready by then.
    let begins = contains(&format!("{direction} struck: begins"));
    cluster.machine(CLIENT).wait_for(&begins, LIMIT)?;
    lock(seen).left = Some(CHUNK);
    Ok(())
}

/// The borrower has heard of it: its transfer has ended, and nothing of it is left.
fn borrower_is_told(cluster: &Cluster, direction: &str) -> Result<(), Failure> {
    let server = cluster.machine(SERVER);
    let lost = format!("{direction}: ended with {}", LoanError::PeerLost);
    server.wait_for(&contains(&lost), LIMIT)?;
    for check in ["memory", "rows"] {
        wait_for_ok(server, "server", &format!("{direction} {check}"), LIMIT)?;
    }
    Ok(())
}

/// The lender's machine is killed, and started again: then its client begins anew.
fn lender_dies(cluster: &Cluster, seen: &Mutex<Seen>, direction: &str) -> Result<(), Failure> {
    begin(cluster, seen, direction)?;
    borrower_is_told(cluster, direction)?;
    let client = cluster.machine(CLIENT);
    client.restart()?;
    // Nobody strikes now: the first transfer from the lender's new life.
    wait_for_ok(client, "client", "fetch before", LIMIT)
}

/// The lender's machine is stopped, and goes on when it has been given up.
fn lender_stops(cluster: &Cluster, seen: &Mutex<Seen>, direction: &str) -> Result<(), Failure> {
    begin(cluster, seen, direction)?;
    borrower_is_told(cluster, direction)?;
    let client = cluster.machine(CLIENT);
    client.resume();
    let (outcome, _) = told(cluster, direction)?;
    // It has not been silent: it hears that it was given up.
    if outcome != "Unknown(SessionEnded)" && outcome != "Unknown(PeerLost)" {
        return Err(cluster.failure(format!("{direction}: the call ended with {outcome}")));
    }
    all_is_well(client, direction)
}

/// Nothing was written late, and lending goes on with as much memory as before.
fn all_is_well(client: &Machine, direction: &str) -> Result<(), Failure> {
    ["late", "again", "memory"]
        .into_iter()
        .try_for_each(|check| wait_for_ok(client, "client", &format!("{direction} {check}"), LIMIT))
}

/// The borrower's machine is struck, or both are cut off from each other.
fn one(cluster: &Cluster, seen: &Mutex<Seen>, direction: &str) -> Result<(), Failure> {
    let (server, client) = (cluster.machine(SERVER), cluster.machine(CLIENT));
    wait_for_ok(client, "client", &format!("{direction} before"), LIMIT)?;
    begin(cluster, seen, direction)?;
    let (outcome, took) = told(cluster, direction)?;
    if !lock(seen).struck {
        return Err(cluster.failure(format!("{direction}: the machine was not struck")));
    }
    // The transfer was not at its end, so the server has not answered; and what it has done nobody knows.
    if outcome != "Unknown(PeerLost)" {
        return Err(cluster.failure(format!("{direction}: the call ended with {outcome}")));
    }
    if took > OUTCOME_WITHIN + STALL {
        return Err(cluster.failure(format!("{direction}: the outcome came after {took:?}")));
    }
    let blow = lock(seen).blow;
    if blow == Blow::Cut {
        borrower_is_told(cluster, direction)?;
    }
    {
        let mut seen = lock(seen);
        seen.struck = false;
        seen.cut = false;
    }
    blow.heal(server)?;
    all_is_well(client, direction)
}

/// Reads "OUTCOME after N us", by the clock of the client's machine.
fn told(cluster: &Cluster, direction: &str) -> Result<(String, Duration), Failure> {
    let which = format!("{direction} struck: ended with ");
    let line = cluster.machine(CLIENT).wait_for(&contains(&which), LIMIT)?;
    let words = line.said.words().unwrap_or_default();
    let told = words.split_once(&which).and_then(|(_, rest)| {
        let (outcome, micros) = rest.strip_suffix(" us")?.rsplit_once(" after ")?;
        let took = Duration::from_micros(micros.parse().ok()?);
        Some((outcome.to_owned(), took))
    });
    told.ok_or_else(|| cluster.failure(format!("{words:?} cannot be read")))
}
