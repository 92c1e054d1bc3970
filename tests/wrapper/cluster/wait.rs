//! Waiting for what other processes do, never for longer than said.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::interrupt;

/// Looks each `pause` until `look` gives a value, and returns it with the time that it took; its errors end the waiting at once.
pub fn wait_until<T>(
    what: &str,
    deadline: Duration,
    pause: Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<(T, Duration)> {
    let begun = Instant::now();
    loop {
        if let Some(found) = look()? {
            return Ok((found, begun.elapsed()));
        }
        interrupt::check()?;
        if begun.elapsed() >= deadline {
            bail!("waited {:.1} s in vain for {what}", deadline.as_secs_f64());
        }
        thread::sleep(pause);
    }
}

/// Sleeps, unless a signal ends the tier.
pub fn pause(time: Duration) -> Result<()> {
    let end = Instant::now() + time;
    while Instant::now() < end {
        interrupt::check()?;
        thread::sleep(end.saturating_duration_since(Instant::now()).min(Duration::from_millis(100)));
    }
    interrupt::check()
}
