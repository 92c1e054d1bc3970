//! A background program of the tier: logs to a file, and ends with the tier whatever ends the tier.

#[path = "../tied/mod.rs"]
mod tied;

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use super::wait::wait_until;

pub use tied::become_tied;

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
        let child = tied::command(program)?
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
