//! What has to go when the program ends, whichever way it ends: processes are killed, folders removed, also after Ctrl-C, a hang-up or a plain `kill`.
//!
//! A `kill -9` of the program cannot be handled; then the kernel kills the processes that [`crate::Isolated`] started (`PR_SET_PDEATHSIG`), and only
//! the folder under the temporary folder is left.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, Once, PoisonError};

use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, waitpgid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// One thing that has to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remains {
    /// A process group, by its leader.
    Processes(Pid),
    /// A folder with all that is in it.
    Folder(PathBuf),
}

impl Remains {
    fn remove(&self) {
        // Either may be gone already, and there is nobody left to tell.
        match self {
            Self::Processes(leader) => {
                let _ = kill_process_group(*leader, Signal::KILL);
                // Where process 1 is no real `init`, nobody else would ever wait for them. It ends when none of the group is a child of ours.
                while matches!(waitpgid(*leader, WaitOptions::empty()), Ok(Some(_))) {}
            }
            Self::Folder(path) => drop(std::fs::remove_dir_all(path)),
        }
    }
}

struct Registry {
    next: u64,
    remains: BTreeMap<u64, Remains>,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry {
    next: 0,
    remains: BTreeMap::new(),
});
static WATCH: Once = Once::new();

/// As long as this lives, the thing goes when a signal ends the program.
#[derive(Debug)]
pub struct Registration(u64);

/// From now on `remains` go when a signal ends the program.
pub fn register(remains: Remains) -> Registration {
    WATCH.call_once(watch);
    let mut registry = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
    let number = registry.next;
    registry.next += 1;
    registry.remains.insert(number, remains);
    Registration(number)
}

impl Drop for Registration {
    fn drop(&mut self) {
        REGISTRY
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remains
            .remove(&self.0);
    }
}

/// Starts to listen for signals; the first thing registered does it.
fn watch() {
    let signals = Signals::new([SIGINT, SIGTERM, SIGHUP]);
    let watcher = signals.and_then(|mut signals| {
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                if let Some(signal) = signals.forever().next() {
                    end(signal);
                }
            })
    });
    if let Err(error) = watcher {
        eprintln!("warning: Ctrl-C will leave processes and sockets behind: {error}");
    }
}

/// Removes everything, then lets the signal do what it would have done.
fn end(signal: i32) {
    // The lock is kept: nothing new is started while the program ends.
    let registry = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
    // Processes first: they might still make files.
    for remains in registry
        .remains
        .values()
        .filter(|remains| matches!(remains, Remains::Processes(_)))
    {
        remains.remove();
    }
    for remains in registry.remains.values() {
        remains.remove();
    }
    // It does not return for these signals.
    let _ = signal_hook::low_level::emulate_default_handler(signal);
}
