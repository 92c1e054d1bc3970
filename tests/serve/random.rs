//! Chance for lags, pauses and choices.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// A number below `end`, which is not zero.
pub fn below(end: usize) -> usize {
    usize::try_from(RandomState::new().build_hasher().finish() % end as u64).unwrap_or(0)
}

/// A time from `least` to `most`.
pub fn between(least: Duration, most: Duration) -> Duration {
    let micros = usize::try_from(most.saturating_sub(least).as_micros()).unwrap_or(usize::MAX - 1);
    least + Duration::from_micros(below(micros + 1) as u64)
}
