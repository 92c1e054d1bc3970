//! The child and the orphans: started, signalled, reaped. Only the thread of the main loop calls these, so that a process
//! identifier is never used after its process was reaped.

use std::fmt;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, wait};

use super::command::Prepared;
use super::exit::Exit;

/// A child that could not be started.
#[derive(Debug)]
pub struct StartError {
    program: PathBuf,
    source: io::Error,
}

impl StartError {
    /// The code that shells give.
    pub fn exit(&self) -> Exit {
        match self.source.kind() {
            io::ErrorKind::NotFound => Exit::NotFound,
            io::ErrorKind::OutOfMemory | io::ErrorKind::WouldBlock => Exit::System,
            _ => Exit::NotExecutable,
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot execute {}: {}", self.program.display(), self.source)?;
        match self.exit() {
            Exit::NotFound => f.write_str("; is the interpreter that it names missing?"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Makes every orphan below this program its child, also where it is not PID 1 (`shareProcessNamespace`).
///
/// # Errors
/// What the system says.
pub fn adopt_orphans() -> io::Result<()> {
    let own = getpid();
    if own.is_init() { Ok(()) } else { Ok(set_child_subreaper(Some(own))?) }
}

/// Starts the file `program` with this program's directory, standard streams and process group.
///
/// # Errors
/// [`StartError`].
pub fn start(program: &Path, prepared: &Prepared) -> Result<Pid, StartError> {
    let mut words = prepared.words.iter();
    let mut command = Command::new(program);
    command.arg0(words.next().map_or(program.as_os_str(), |word| word.as_os_str())).args(words);
    for name in &prepared.unset {
        command.env_remove(name);
    }
    command.envs(prepared.set.iter().map(|(name, value)| (name, value)));
    let child = command.spawn().map_err(|source| StartError { program: program.to_owned(), source })?;
    Ok(Pid::from_child(&child))
}

/// Sends a signal to one process alone: plugins and jobs share dkron's group.
pub fn send(pid: Pid, signal: Signal) {
    // It may have ended just now; then there is nobody to tell.
    let _ = kill_process(pid, signal);
}

/// A process that has ended.
#[derive(Debug)]
pub struct Reaped {
    /// Which.
    pub pid: Pid,
    /// How.
    pub exit: Exit,
}

/// Takes in every process that has ended; never waits for one.
pub fn reap() -> Vec<Reaped> {
    let mut reaped = Vec::new();
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) => reaped.extend(Exit::of(status).map(|exit| Reaped { pid, exit })),
            Err(Errno::INTR) => {}
            Ok(None) | Err(_) => return reaped,
        }
    }
}
