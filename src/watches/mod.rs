//! Watches of the API server: what they have told, and when one that was interrupted begins anew.

mod listed;

use std::time::Duration;

use kube::runtime::utils::Backoff;
use kube::runtime::watcher::DefaultBackoff;

pub use listed::Listed;

/// Longest pause between two attempts, but for up to a second that keeps many from coming at once. Whoever waited half a minute, as
/// clients of Kubernetes do by themselves, would go on refusing pods for more than a minute after the API server is back: a first
/// attempt that succeeds is often followed by an error about a version that is too old.
const LONGEST: Duration = Duration::from_secs(2);

/// Pauses of a watch between an interruption and the next attempt.
#[derive(Default)]
pub struct Pauses(DefaultBackoff);

impl Iterator for Pauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.0.next().map(bounded)
    }
}

impl Backoff for Pauses {
    fn reset(&mut self) {
        self.0.reset();
    }
}

/// The fraction of a second is as random as the pause.
fn bounded(pause: Duration) -> Duration {
    if pause <= LONGEST { pause } else { LONGEST + Duration::from_nanos(pause.subsec_nanos().into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn pauses_grow_and_stay_below_three_seconds_and_differ() {
        let pauses: Vec<_> = Pauses::default().take(100).collect();
        assert_eq!(pauses.len(), 100, "nobody gives up");
        assert!(pauses[0] < Duration::from_secs(2) && pauses.iter().all(|pause| *pause < Duration::from_secs(3)));
        assert!(pauses[10..].iter().all(|pause| *pause >= LONGEST));
        assert!(pauses.iter().collect::<BTreeSet<_>>().len() > 50);
    }
}
