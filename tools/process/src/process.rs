//! A process that does not outlive this program.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::cleanup::{Registration, Remains, register};

/// A process in a group of its own that is killed, with its children, when this value goes or this program ends, however it ends.
#[derive(Debug)]
pub struct Isolated {
    child: Child,
    leader: Option<Pid>,
    /// Gone as soon as the process is reaped: its number may then be another's.
    registration: Option<Registration>,
}

/// util-linux's program that sets `PR_SET_PDEATHSIG`; the standard library cannot without `unsafe`.
const SETPRIV: &str = "setpriv";

/// Where `program` is in `PATH`.
#[must_use]
pub fn find_program(program: &OsStr) -> Option<PathBuf> {
    if program.as_encoded_bytes().contains(&b'/') {
        return Some(PathBuf::from(program)).filter(|path| path.is_file());
    }
    let paths = std::env::var_os("PATH")?;
    std::env::split_paths(&paths)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

impl Isolated {
    /// Starts `command`. What it says about standard input, output, environment and folder is kept.
    ///
    /// # Errors
    /// Those of [`Command::spawn`]; `NotFound` if there is no such program.
    pub fn spawn(command: Command, configure: impl FnOnce(&mut Command)) -> io::Result<Self> {
        let program = find_program(command.get_program()).ok_or(io::ErrorKind::NotFound)?;
        let mut guarded = match find_program(SETPRIV.as_ref()) {
            Some(setpriv) => {
                let mut guarded = Command::new(setpriv);
                guarded.args(["--pdeathsig", "KILL", "--"]).arg(program);
                guarded
            }
            None => Command::new(program),
        };
        guarded.args(command.get_args()).process_group(0);
        if let Some(folder) = command.get_current_dir() {
            guarded.current_dir(folder);
        }
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => guarded.env(key, value),
                None => guarded.env_remove(key),
            };
        }
        configure(&mut guarded);
        let child = spawn_from_lasting_thread(guarded)?;
        let leader = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let registration = leader.map(|leader| register(Remains::Processes(leader)));
        Ok(Self {
            child,
            leader,
            registration,
        })
    }

    /// The process, for its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Sends a signal to the process and its children; nothing if it has ended.
    pub fn signal(&mut self, signal: Signal) {
        if self.try_wait().is_none()
            && let Some(leader) = self.leader
        {
            // It may have ended between the two lines; it is not reaped, so the number is still its own.
            let _ = kill_process_group(leader, signal);
        }
    }

    /// How it ended, if it has.
    pub fn try_wait(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().ok().flatten();
        if status.is_some() {
            self.registration = None;
        }
        status
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// Those of [`Child::wait`].
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait()?;
        self.registration = None;
        Ok(status)
    }

    /// Kills it and its children, and waits until it is gone.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        // It cannot refuse, and nobody else waits for it.
        let _ = self.wait();
    }
}

impl Drop for Isolated {
    fn drop(&mut self) {
        self.kill();
    }
}

type Order = (Command, Sender<io::Result<Child>>);

/// The signal at a parent's death is sent when the *thread* that started the process ends, so one that never ends starts them all.
fn spawn_from_lasting_thread(command: Command) -> io::Result<Child> {
    static ORDERS: OnceLock<Mutex<Sender<Order>>> = OnceLock::new();
    let orders = ORDERS.get_or_init(|| {
        let (sender, receiver) = channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, answer) in receiver {
                // Nobody listens only if the one who asked has panicked meanwhile.
                let _ = answer.send(command.spawn());
            }
        });
        Mutex::new(sender)
    });
    let gone = |_| io::Error::other("the thread that starts processes is gone");
    let (sender, receiver) = channel();
    orders
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .send((command, sender))
        .map_err(|_| gone(()))?;
    receiver.recv().map_err(|_| gone(()))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::process::Stdio;

    fn shell(script: &str) -> Isolated {
        let mut command = Command::new("sh");
        command.arg("-c").arg(script);
        Isolated::spawn(command, |command| {
            command.stdout(Stdio::piped());
        })
        .expect("a shell")
    }

    #[test]
    fn a_child_of_a_process_dies_with_it() {
        let mut process = shell("sleep 1000 & echo $!; wait");
        let mut output = process.child().stdout.take().expect("it is piped");
        let mut byte = [0];
        while byte != *b"\n" {
            output.read_exact(&mut byte).expect("a line");
        }
        process.kill();
        let mut rest = Vec::new();
        // The pipe ends only when the last process that holds it is gone.
        output.read_to_end(&mut rest).expect("the end");
    }

    #[test]
    fn it_survives_the_thread_that_asked_for_it() {
        let mut process = std::thread::spawn(|| shell("sleep 0.2; exit 7"))
            .join()
            .expect("no panic");
        assert_eq!(process.wait().expect("it ends").code(), Some(7));
    }

    #[test]
    fn what_is_not_there_is_said_so() {
        let error = Isolated::spawn(Command::new("no-such-program-anywhere"), |_| {})
            .expect_err("it is not there");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
