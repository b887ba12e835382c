//! The network gets worse and better while machines call each other, by a script of the switch, as users write it: narrow, lossy, cut one way, parted for
//! longer than a session bears, and whole again. Answers are right throughout, what has no answer is told truly, and in the end calls go through.

use std::time::Duration;

use isthmus_testkit::{Counters, Failure, contains};

use crate::lab::Lab;

/// Boot and look-up, on a busy host.
const FOUND: Duration = Duration::from_secs(60);
/// All calls.
const LIMIT: Duration = Duration::from_secs(180);
/// At a megabit a second for all of them they take longer than the script.
const ARGUMENTS: &str = "calls=2000 on-failure=retry";
const SCRIPT: &str = "
0s      bandwidth all 1Mbit/s
100ms   loss all 20%
200ms   corrupt 1>2 20%         # the tag tells, and it counts as lost
400ms   delay 2>1 1ms..5ms      # they overtake each other
600ms   cut 1>2                 # requests arrive, answers do not
700ms   mend 1>2
800ms   partition 1 2           # longer than 450 ms: the session ends
1500ms  clear all
";

pub(crate) fn bad_and_good(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(2)?.arguments(ARGUMENTS).start()?;
    let client = cluster.machine(2);
    client.wait_for(&contains("demo: found it"), FOUND)?;
    cluster.play(SCRIPT)?;
    let summary = client.wait_until_right(LIMIT)?;
    if !summary.starts_with("2000 calls, ") {
        return Err(cluster.failure(format!("not all calls were made: {summary}")));
    }
    let Counters {
        dropped,
        corrupted,
        cut,
        ..
    } = cluster.switch().counters();
    if dropped == 0 || corrupted == 0 || cut == 0 {
        return Err(cluster.failure("the script did not come to pass"));
    }
    Ok(())
}
