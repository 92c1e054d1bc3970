//! What happened, with the time of the trial before each line: the story of the cluster, and what each container says.

use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, PipeReader, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// The clock of one trial.
#[derive(Clone, Copy)]
pub struct Clock(Instant);

impl Clock {
    /// Zero is now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since zero.
    pub fn now(self) -> Duration {
        self.0.elapsed()
    }
}

/// A file of lines with times.
#[derive(Clone)]
pub struct Log {
    clock: Clock,
    file: Arc<Mutex<File>>,
}

impl Log {
    /// Opens the file for adding to it.
    pub fn open(path: &Path, clock: Clock) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.with_context(|| format!("opening {}", path.display()))?;
        Ok(Self { clock, file: Arc::new(Mutex::new(file)) })
    }

    /// Adds a line.
    pub fn line(&self, text: impl Display) {
        let line = format!("{:9.3} {text}\n", self.clock.now().as_secs_f64());
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that cannot be written is missed only when something else fails too.
        let _ = file.write_all(line.as_bytes());
    }

    /// Adds every line that comes out of the pipe, until its last writer is gone.
    pub fn follow(&self, pipe: PipeReader) {
        let log = self.clone();
        thread::spawn(move || {
            let mut lines = BufReader::new(pipe);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                log.line(String::from_utf8_lossy(&line).trim_end());
                line.clear();
            }
        });
    }
}
