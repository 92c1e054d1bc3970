//! A background program of the tier: logs to a file, and ends with the tier whatever ends the tier.

use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::os::unix::process::{CommandExt, parent_id};
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};

use crate::wait::wait_until;

/// First argument of the test program when it is to become another program tied to its parent's life.
const TIED: &str = "--tied-to-parent";

const TAIL_LINES: usize = 25;

/// Killed when dropped; killed by the kernel when this process dies without dropping anything.
pub struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

/// The program ended although it should have stayed.
#[derive(Debug, thiserror::Error)]
#[error("{name} ended with {status}; the end of {}:\n{tail}", log.display())]
pub struct Ended {
    name: &'static str,
    status: ExitStatus,
    log: PathBuf,
    tail: String,
}

impl Ended {
    /// Another program took the port between choosing and binding it.
    pub fn for_a_taken_port(&self) -> bool {
        self.tail.to_ascii_lowercase().contains("address already in use")
    }
}

impl Process {
    /// Starts `program` with this environment and no other (no proxy, nothing of the person's); what it logs is added
    /// to `<logs>/<name>.log`.
    pub fn start(
        name: &'static str,
        program: &Path,
        arguments: &[String],
        environment: &[(&str, &OsStr)],
        logs: &Path,
    ) -> Result<Self> {
        let log = logs.join(format!("{name}.log"));
        let output = OpenOptions::new().create(true).append(true).open(&log);
        let output = output.with_context(|| format!("opening {}", log.display()))?;
        let this_program = std::env::current_exe().context("finding the test program")?;
        let child = Command::new(this_program)
            .args([TIED, &process::id().to_string()])
            .arg(program)
            .args(arguments)
            .env_clear()
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(output.try_clone().context("sharing the log")?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        Ok(Self { name, child, log })
    }

    /// An [`Ended`] if the program is gone.
    pub fn check(&mut self) -> Result<()> {
        match self.child.try_wait().with_context(|| format!("asking after {}", self.name))? {
            None => Ok(()),
            Some(status) => Err(Ended { name: self.name, status, log: self.log.clone(), tail: self.tail() }.into()),
        }
    }

    /// As the kernel numbers it.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends TERM and waits for the end that the program then makes of itself.
    pub fn terminate(mut self, within: Duration) -> Result<ExitStatus> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).with_context(|| format!("telling {}", self.name))?;
        wait_until(&format!("{} to end", self.name), within, || Ok(self.child.try_wait()?))
    }

    /// The last lines of its log, under a heading.
    pub fn story(&self) -> String {
        format!("the end of {}:\n{}\n", self.log.display(), self.tail())
    }

    fn tail(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_else(|error| error.to_string().into_bytes());
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nothing of a run is kept, so there is nothing to shut down in good order. Failing means: gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where this process was started by [`Process::start`]: becomes the program asked for, tied to the parent.
///
/// The kernel keeps a parent-death signal across `exec`, so that the one system call can be made here, in a program
/// of our own, instead of between fork and exec, where only unsafe code runs.
pub fn become_tied() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != TIED {
        return None;
    }
    let error = exec_tied(arguments.collect());
    eprintln!("cannot become the program: {error:#}");
    Some(ExitCode::from(127))
}

fn exec_tied(mut arguments: Vec<OsString>) -> anyhow::Error {
    if arguments.len() < 2 {
        return anyhow::anyhow!("{TIED} PARENT PROGRAM [ARGUMENT...]");
    }
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        return error.into();
    }
    let rest = arguments.split_off(2);
    // A parent that died before the call above sends no signal any more.
    if arguments[0] != *parent_id().to_string() {
        return anyhow::anyhow!("the parent is gone");
    }
    Command::new(&arguments[1]).args(rest).exec().into()
}
