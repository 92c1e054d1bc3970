//! A program that a scenario runs to its end: what it said, and never a hang.

use std::io::{Read, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Deserializer, Value};

use crate::interrupt;

/// No command of the tier takes long; one that does hangs.
const DEADLINE: Duration = Duration::from_secs(60);

/// What a command left behind.
#[derive(Debug)]
pub struct Output {
    command: String,
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

/// Runs to the end; an error only if it could not be run or hung. `title` is how messages call it.
pub fn run(command: &mut Command, stdin: &str, title: String) -> Result<Output> {
    let ended = wait(command, stdin).with_context(|| format!("running {title}"))?;
    let (status, stdout, stderr) = ended;
    Ok(Output { command: title, status, stdout, stderr })
}

fn wait(command: &mut Command, stdin: &str) -> Result<(ExitStatus, String, String)> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (mut input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let begun = Instant::now();
    thread::scope(|scope| {
        // A command that reads no input closes it; that is no error of ours.
        scope.spawn(move || input.take().map(|mut input| input.write_all(stdin.as_bytes())));
        let output = scope.spawn(|| text(output));
        let errors = scope.spawn(|| text(errors));
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break Ok(status);
            }
            let stop = interrupt::check().err();
            if stop.is_some() || begun.elapsed() > DEADLINE {
                child.kill()?;
                child.wait()?;
                break Err(stop.unwrap_or_else(|| anyhow!("no end after {DEADLINE:?}")));
            }
            thread::sleep(Duration::from_millis(2));
        };
        let read = |reader: thread::ScopedJoinHandle<'_, _>| reader.join().unwrap_or_default();
        let (stdout, stderr) = (read(output), read(errors));
        Ok((status?, stdout, stderr))
    })
}

fn text(stream: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    // Whatever was read before an error is still worth showing.
    let _ = stream.map(|mut stream| stream.read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Output {
    /// Itself if the command ended with 0, else an error that shows everything it said.
    pub fn ok(self) -> Result<Self> {
        if self.status.success() {
            return Ok(self);
        }
        bail!("{self}");
    }

    /// What it said on standard error, if it ended with anything but 0; else an error that shows everything it said.
    pub fn refused(self) -> Result<String> {
        if self.status.success() {
            bail!("this should have been refused: {self}");
        }
        Ok(self.stderr)
    }

    /// Its standard output as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.stdout).with_context(|| format!("{} printed no JSON", self.command))
    }

    /// Its standard output as JSON values, one after the other.
    pub fn json_stream(&self) -> Result<Vec<Value>> {
        let values: Result<_, _> = Deserializer::from_str(&self.stdout).into_iter().collect();
        values.with_context(|| format!("{} printed no JSON", self.command))
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}\n{}{}", self.command, self.status, self.stdout, self.stderr)
    }
}
