//! How long a thing took, stage by stage.

use std::fmt;
use std::time::{Duration, Instant};

/// Displays as `3.2s (etcd 0.1s, kube-apiserver 2.1s, ...)`.
pub struct Stopwatch {
    begun: Instant,
    laps: Vec<(&'static str, Duration)>,
}

impl Stopwatch {
    pub fn start() -> Self {
        Self { begun: Instant::now(), laps: Vec::new() }
    }

    /// Ends the stage that began at the start or with the lap before.
    pub fn lap(&mut self, stage: &'static str) {
        let before = self.total();
        self.laps.push((stage, self.begun.elapsed().saturating_sub(before)));
    }

    fn total(&self) -> Duration {
        self.laps.iter().map(|(_, took)| took).sum()
    }
}

impl fmt::Display for Stopwatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let laps: Vec<_> =
            self.laps.iter().map(|(stage, took)| format!("{stage} {:.1}s", took.as_secs_f64())).collect();
        write!(f, "{:.1}s ({})", self.total().as_secs_f64(), laps.join(", "))
    }
}
