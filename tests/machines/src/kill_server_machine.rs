//! The server's machine is killed, stopped for a while, or cut off at every point of a call's way. The caller gets an outcome that is true, in time, and once
//! the machine is back it finds the server again and is answered.
//!
//! The client (`tests/programs/remote`) goes through the points one after the other and says what became of each call. At two points the
//! server holds the request and says so, and the blow comes by hand; at the others the switch strikes at the sight of a frame.
//! What really happened, the server's words and the switch's sightings tell; so that the switch can see, encryption is off.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use isthmus_testkit::{Cluster, Encryption, Failure, Killer, Machine, Verdict, contains, says};
use netipc_protocol::limits::OUTCOME_WITHIN;
use remote_interface::{Call, Point};

use crate::blow::Blow;
use crate::frames::{self, Run};
use crate::lab::Lab;

/// Where the server is.
const SERVER: usize = 1;
/// Where the client is.
const CLIENT: usize = 2;
/// Boot, look-up and call, on a busy host.
const LIMIT: Duration = Duration::from_secs(60);
/// How long a busy host may stop the client's machine, or keep the server's last word from us, within one call.
const STALL: Duration = Duration::from_secs(2);

/// What the switch has seen.
#[derive(Debug)]
struct Seen {
    blow: Blow,
    /// Whether the machine is cut off.
    cut: bool,
    /// Points at which the switch has struck the machine.
    struck: BTreeSet<Point>,
    /// Requests on their way to the server's machine, except those that were lost here and those that came after its death.
    requests: BTreeSet<u64>,
    /// Requests that the client's machine has sent at all.
    sent: BTreeSet<u64>,
    /// Requests whose answer came from the server's machine.
    answered: BTreeSet<u64>,
}

pub(crate) fn struck(lab: &Lab, blow: Blow) -> Result<(), Failure> {
    let cluster = lab
        .machines(2)?
        .encryption(Encryption::OffForTests)
        .prepare()?;
    let seen = Arc::new(Mutex::new(Seen::before(blow)));
    let killer = cluster.machine(SERVER).killer();
    let eyes = Arc::clone(&seen);
    cluster.observe(move |sighting| {
        let mut seen = lock(&eyes);
        match frames::run(sighting.frame) {
            Some(run) => seen.look(run, &killer),
            None if seen.cut => Verdict::Drop,
            None => Verdict::Pass,
        }
    });
    cluster.machines().iter().try_for_each(Machine::start)?;
    Point::ALL
        .into_iter()
        .try_for_each(|point| one(&cluster, &seen, point))?;
    cluster.machine(CLIENT).wait_until_right(LIMIT).map(drop)
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seen {
    fn before(blow: Blow) -> Self {
        Self {
            blow,
            cut: false,
            struck: BTreeSet::new(),
            requests: BTreeSet::new(),
            sent: BTreeSet::new(),
            answered: BTreeSet::new(),
        }
    }

    /// Notes a frame, and strikes the machine at its sight if this is the point.
    fn look(&mut self, run: Run, killer: &Killer) -> Verdict {
        if let Run::Request(request) = run {
            self.sent.insert(request);
        }
        if self.cut {
            return Verdict::Drop;
        }
        match run {
            Run::Request(request) => {
                if request == Point::BeforeItArrives.request(Call::Struck, 0) {
                    self.strike(Point::BeforeItArrives, killer);
                    return Verdict::Drop;
                }
                if !self.comes_too_late(request) {
                    self.requests.insert(request);
                }
            }
            Run::Reply(request) => {
                self.answered.insert(request);
                if request == Point::BeforeTheReplyLeaves.request(Call::Struck, 0) {
                    self.strike(Point::BeforeTheReplyLeaves, killer);
                    return Verdict::Drop;
                }
                // This answer arrives: the client makes its next call at once, to a machine that is no more.
                if request == Point::BeforeItLeaves.request(Call::Before, 0) {
                    self.strike(Point::BeforeItLeaves, killer);
                }
            }
        }
        Verdict::Pass
    }

    /// Strikes the machine, once for each point: a frame may be repeated.
    fn strike(&mut self, point: Point, killer: &Killer) {
        if self.struck.insert(point) {
            self.cut |= self.blow.strike(killer);
        }
    }

    /// Whether it is a request to a machine that the switch has struck before.
    fn comes_too_late(&self, request: u64) -> bool {
        let point = Point::BeforeItLeaves;
        request == point.request(Call::Struck, 0) && self.struck.contains(&point)
    }
}

/// What became of a call, as the client says.
struct Told {
    outcome: String,
    took: Duration,
}

fn one(cluster: &Cluster, seen: &Mutex<Seen>, point: Point) -> Result<(), Failure> {
    let name = point.name();
    strike_by_hand(cluster, seen, point)?;
    let struck = told(cluster, &format!("{name} struck: "))?;
    true_to_what_happened(cluster, &lock(seen), point, &struck)?;
    never_left(cluster, seen, point)?;
    let server = cluster.machine(SERVER);
    let blow = {
        let mut seen = lock(seen);
        seen.cut = false;
        seen.blow
    };
    blow.heal(server)?;
    let client = cluster.machine(CLIENT);
    client
        .wait_for(&contains(&format!("{name} again: answered")), LIMIT)
        .map(drop)
}

/// At the points that only the server knows: it says that the request is there, and waits.
fn strike_by_hand(cluster: &Cluster, seen: &Mutex<Seen>, point: Point) -> Result<(), Failure> {
    let how_far = match point {
        Point::AfterItArrived => "has arrived",
        Point::AfterItRan => "has run",
        Point::BeforeItLeaves | Point::BeforeItArrives | Point::BeforeTheReplyLeaves => {
            return Ok(());
        }
    };
    let request = point.request(Call::Struck, 0);
    let server = cluster.machine(SERVER);
    server.wait_for(
        &says("remote-server", &format!("request {request} {how_far}")),
        LIMIT,
    )?;
    let mut seen = lock(seen);
    seen.cut = seen.blow.strike(&server.killer());
    Ok(())
}

/// Reads "WHICH OUTCOME after N us", by the clock of the client's machine. No outcome takes longer than netipc says, whatever its deadline.
fn told(cluster: &Cluster, which: &str) -> Result<Told, Failure> {
    let line = cluster.machine(CLIENT).wait_for(&contains(which), LIMIT)?;
    let words = line.said.words().unwrap_or_default();
    let told = words
        .split_once(which)
        .and_then(|(_, rest)| rest.strip_suffix(" us")?.rsplit_once(" after "))
        .and_then(|(outcome, us)| {
            Some(Told {
                outcome: outcome.to_owned(),
                took: Duration::from_micros(us.parse().ok()?),
            })
        });
    match told {
        Some(told) if told.took <= OUTCOME_WITHIN + STALL => Ok(told),
        Some(told) => Err(cluster.failure(format!("{which}came after {:?}", told.took))),
        None => Err(cluster.failure(format!("{words:?} cannot be read"))),
    }
}

/// The request had left, or was about to in a session that still stood; so all that can be said is that nobody knows. That is said of a machine that was
/// lost, not of a deadline that has passed. And the machine did die where it was meant to.
fn true_to_what_happened(
    cluster: &Cluster,
    seen: &Seen,
    point: Point,
    struck: &Told,
) -> Result<(), Failure> {
    let request = point.request(Call::Struck, 0);
    let has_run = cluster
        .machine(SERVER)
        .lines()
        .iter()
        .filter_map(|line| line.said.words())
        .any(|words| words.contains(&format!("request {request} has run")));
    let struck_there = seen.struck.contains(&point);
    let arrived = seen.requests.contains(&request);
    let answered = seen.answered.contains(&request);
    let as_meant = match point {
        Point::BeforeItLeaves | Point::BeforeItArrives => struck_there && !arrived && !answered,
        Point::AfterItArrived => arrived && !has_run && !answered,
        Point::AfterItRan => arrived && has_run && !answered,
        Point::BeforeTheReplyLeaves => struck_there && arrived && answered,
    };
    if !as_meant {
        return Err(cluster.failure(format!(
            "{}: the machine was not struck where it was to be: by the switch {struck_there}, arrived {arrived}, ran {has_run}, answered {answered}",
            point.name()
        )));
    }
    if struck.outcome != "Unknown(PeerLost)" {
        return Err(cluster.failure(format!(
            "{}: the call ended with {}",
            point.name(),
            struck.outcome
        )));
    }
    Ok(())
}

/// What is asked of a machine that is known to be gone does not leave the client's: neither a call through the old capability, whose session has ended, nor
/// a look-up, which waits for a new session that does not come.
fn never_left(cluster: &Cluster, seen: &Mutex<Seen>, point: Point) -> Result<(), Failure> {
    let name = point.name();
    for (which, outcome) in [
        ("after", "NotExecuted(SessionEnded)"),
        ("look-up", "NotExecuted(PeerUnreachable)"),
    ] {
        let told = told(cluster, &format!("{name} {which}: "))?;
        if told.outcome != outcome {
            return Err(cluster.failure(format!("{name} {which}: ended with {}", told.outcome)));
        }
    }
    if lock(seen).sent.contains(&point.request(Call::After, 0)) {
        return Err(cluster.failure(format!("{name}: what was not executed had been sent")));
    }
    Ok(())
}
