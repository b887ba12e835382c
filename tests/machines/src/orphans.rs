//! An import is made for one component and dies with it: a component that imports is killed and started again, more often than there are rows, and both machines' tables
//! are what they were; the copy that it gave to another is gone with it, and what others import is not.

use std::time::{Duration, Instant};

use holder_interface::{FIRST_OBJECT, HolderClient, NAME};
use isthmus_interface::CallError;
use isthmus_testkit::{Condition, Failure};

use crate::lab::Lab;
use crate::sites::Site;

/// More than there are rows for the imports from one machine (128); of every cycle that is seen through, four imports are left.
const CYCLES: usize = 140;
/// Of so many cycles one is seen through; the others are cut short, in the middle of whatever it is at.
const SEEN_THROUGH: usize = 4;
/// As the importer has it.
const PLACE: u8 = 7;
/// What it imports when nobody disturbs it.
const IMPORTED: u64 = 4;
const LIMIT: Duration = Duration::from_secs(60);
/// Some round trips.
const SETTLED_WITHIN: Duration = Duration::from_secs(5);

/// How many capabilities the first machine exports, and the second imports.
fn rows(sites: &[Site<'_>]) -> Result<[u64; 2], Failure> {
    Ok([
        sites[0].statistics()?.exports,
        sites[1].statistics()?.imports,
    ])
}

pub(crate) fn end_with_their_component(lab: &Lab) -> Result<(), Failure> {
    let cluster = lab.machines(2)?.start()?;
    let sites = Site::all(&cluster)?;
    let [home, there] = &sites[..] else {
        return Err(cluster.failure("two machines were asked for"));
    };
    // What the importer asks for, and what another component imports and keeps.
    let made = home.right("make", home.holder(home.node)?.make(FIRST_OBJECT))?;
    home.right("keep", home.holder(home.node)?.keep(PLACE, &made))?;
    let others = there.holder(home.node)?;
    there.right("ran", others.ran(FIRST_OBJECT))?;
    let local = HolderClient::new(&there.agent, there.agent.find(NAME)?);
    let importer = there.machine().component("importer")?;
    let before = rows(&sites)?;
    let come_to = |wanted: [u64; 2], what: &str, within: Duration| {
        let end = Instant::now() + within;
        loop {
            let now = rows(&sites)?;
            if now == wanted {
                return Ok(());
            }
            if Instant::now() > end {
                return Err(there.failure(format!(
                    "{what}: {now:?} exports and imports, not {wanted:?}"
                )));
            }
        }
    };
    for cycle in 0..CYCLES {
        importer.restart()?;
        if cycle % SEEN_THROUGH == 0 {
            let full = before.map(|count| count + IMPORTED);
            come_to(full, "while it lives", LIMIT)?;
        }
        importer.kill()?;
        importer.wait_until(Condition::Ended, LIMIT)?;
        come_to(before, &format!("after cycle {cycle}"), SETTLED_WITHIN)?;
    }
    // The copy of the first import that was given on.
    let copy = local.show(PLACE);
    let answered = copy.map(|copy| HolderClient::new(&there.agent, copy).ran(FIRST_OBJECT));
    match answered {
        Err(CallError::Outcome(_)) | Ok(Err(CallError::Outcome(_))) => {}
        other => {
            let what = "what a dead component gave on still leads somewhere";
            return Err(there.failure(format!("{what}: {other:?}")));
        }
    }
    there.right("what another imports", others.ran(FIRST_OBJECT))?;
    let orphaned = there.statistics()?.orphaned;
    if orphaned < (CYCLES / SEEN_THROUGH) as u64 * IMPORTED {
        return Err(there.failure(format!("{orphaned} were given up")));
    }
    Ok(())
}
