//! The dkron container of a pod: a process namespace in the pod's sandbox, the first process of which is the wrapper (or, in
//! a pod without it, dkron).

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::enclosure::only_child;

use super::log::Log;
use super::sandbox::Sandbox;

/// What is executed.
#[derive(Clone)]
pub struct Words {
    /// Program and arguments.
    pub words: Vec<OsString>,
    /// The whole environment.
    pub environment: Vec<(String, OsString)>,
}

/// A container that was started.
pub struct Container {
    init: Pid,
    ended: Arc<(Mutex<Option<ExitStatus>>, Condvar)>,
}

impl Container {
    /// Starts it; what it says goes to `log`.
    pub fn start(sandbox: &Sandbox, words: &Words, log: &Log) -> Result<Self> {
        let (reader, writer) = std::io::pipe().context("a pipe for a container")?;
        let mut child = Command::new("nsenter")
            .args(["--target", &sandbox.pid().to_string(), "--net", "--uts", "--mount", "--"])
            // Everything in it ends with its first process, and that with this program.
            .args(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--"])
            .args(&words.words)
            .env_clear()
            .envs(words.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(writer.try_clone().context("a pipe for a container")?)
            .stderr(writer)
            .spawn()
            .context("starting a container")?;
        log.follow(reader);
        let init = first_process(&mut child)?;
        let ended: Arc<(Mutex<Option<ExitStatus>>, Condvar)> = Arc::default();
        let tell = Arc::clone(&ended);
        thread::spawn(move || {
            let status = child.wait().unwrap_or_else(|_| ExitStatus::from_raw(-1));
            *tell.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(status);
            tell.1.notify_all();
        });
        Ok(Self { init, ended })
    }

    /// Sends a signal to its first process. Failing means: gone already.
    pub fn signal(&self, signal: Signal) {
        if self.ended().is_none() {
            let _ = kill_process(self.init, signal);
        }
    }

    /// Sends KILL to the dkron that the wrapper started; says whether there was one.
    pub fn kill_dkron(&self) -> bool {
        let found = dkron_below(self.init);
        found.is_some_and(|dkron| kill_process(dkron, Signal::KILL).is_ok())
    }

    /// How it ended, if it has.
    pub fn ended(&self) -> Option<ExitStatus> {
        *self.ended.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for its end.
    pub fn wait(&self, within: Duration) -> Option<ExitStatus> {
        let ended = self.ended.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.ended.1.wait_timeout_while(ended, within, |ended| ended.is_none());
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        self.wait(Duration::from_secs(5));
    }
}

/// `nsenter` becomes `unshare`, which forks once.
fn first_process(child: &mut Child) -> Result<Pid> {
    let begun = Instant::now();
    loop {
        if let Some(init) = only_child(Pid::from_child(child)) {
            return Ok(init);
        }
        if let Some(status) = child.try_wait().context("asking after a container")? {
            bail!("a container ended before it began: {status}");
        }
        if begun.elapsed() > Duration::from_secs(5) {
            let _ = child.kill();
            bail!("a container does not begin");
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// The child of the wrapper that executes `dkron agent`.
fn dkron_below(init: Pid) -> Option<Pid> {
    let number = init.as_raw_nonzero();
    // The wrapper starts its child from any of its threads.
    let tasks = fs::read_dir(format!("/proc/{number}/task")).ok()?;
    let children = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let children: Vec<String> =
        children.flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect();
    let is_agent = |pid: &&String| {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        words.split(|byte| *byte == 0).any(|word| word == b"agent")
    };
    Pid::from_raw(children.iter().find(is_agent)?.parse().ok()?)
}
