//! Waiting for what another process does, never for longer than said.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::interrupt;

/// Between two looks: short against what a look by `kubectl` costs itself.
const PAUSE: Duration = Duration::from_millis(50);

/// Nothing came in time.
#[derive(Debug, thiserror::Error)]
#[error("waited {deadline:?} in vain for {what}")]
pub struct Overdue {
    what: String,
    deadline: Duration,
}

/// Looks again and again until `look` gives a value; its errors end the waiting at once. Else an [`Overdue`].
pub fn wait_until<T>(what: &str, deadline: Duration, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        interrupt::check()?;
        if begun.elapsed() >= deadline {
            return Err(Overdue { what: what.to_owned(), deadline }.into());
        }
        thread::sleep(PAUSE);
    }
}
