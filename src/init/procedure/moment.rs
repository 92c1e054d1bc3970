//! Time as the procedure knows it: an input, never read here.

use std::ops::Add;
use std::time::Duration;

/// Milliseconds on the machine's clock that never goes back (`CLOCK_MONOTONIC`), so that the moments of two containers of one
/// pod can be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub u64);

impl Moment {
    /// Time that passed since `earlier`; zero if that is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// Keeps the moment since which something holds.
pub fn begins(since: &mut Option<Moment>, holds: bool, now: Moment) {
    *since = holds.then(|| since.unwrap_or(now));
}

/// What time it is, in both senses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// For everything that is measured.
    pub at: Moment,
    /// Milliseconds since the beginning of the present second of the wall clock: dkron's jobs begin at zero.
    pub in_second: u16,
}
