//! One run of the tier: one cluster for all scenarios.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::enclosure::interrupt;
use crate::figures;
use crate::installed::Cluster;
use crate::node::LOGS;
use crate::parts::Parts;
use crate::scenarios::Scenario;
use crate::story;

/// Shared by all trials.
pub struct Tier {
    cluster: Cluster,
    began: Instant,
    durations: Mutex<Vec<(&'static str, Duration)>>,
}

impl Tier {
    /// Starts the cluster. The thread that does so has to live as long as the tier: its processes end with it.
    pub fn start(parts: &Parts) -> Result<Self> {
        let began = Instant::now();
        let cluster = Cluster::start(parts)?;
        println!("cluster: started in {}; logs in {LOGS}", cluster.node.start_up);
        println!("dkron-ha: installed, both replicas ready after {:.1}s", cluster.installed_in.as_secs_f64());
        Ok(Self { cluster, began, durations: Mutex::default() })
    }

    /// Runs one scenario, in this thread. What is seen of a failed one is kept in a folder.
    pub fn run(&self, name: &'static str, scenario: Scenario) -> Result<()> {
        interrupt::check()?;
        let begun = Instant::now();
        let outcome = scenario(&self.cluster);
        let outcome = outcome.map_err(|error| match story::keep(&self.cluster, name) {
            Ok(folder) => error.context(format!("kept in {}", folder.display())),
            Err(problem) => error.context(format!("nothing could be kept of it: {problem:#}")),
        });
        self.cluster.clear();
        self.durations.lock().unwrap_or_else(PoisonError::into_inner).push((name, begun.elapsed()));
        outcome
    }

    /// Prints which versions ran, for how long, and the table.
    pub fn finish(&self) -> Result<()> {
        let durations = self.durations.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, took) in &*durations {
            println!("{:6.1}s {name}", took.as_secs_f64());
        }
        println!("{:6.1}s {} scenarios", self.began.elapsed().as_secs_f64(), durations.len());
        figures::print_table()?;
        for version in self.cluster.parts.versions() {
            println!("{version}");
        }
        Ok(())
    }
}
