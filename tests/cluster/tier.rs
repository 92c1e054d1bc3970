//! One run of the tier: the cluster comes with the first scenario and goes after the last.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::enclosure::interrupt;
use crate::figures;
use crate::installed::Cluster;
use crate::node::LOGS;
use crate::parts::Parts;
use crate::scenarios::Scenario;
use crate::story;

/// Shared by all trials.
pub struct Tier {
    parts: Parts,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    cluster: Lifecycle,
    durations: Vec<(&'static str, Duration)>,
}

#[derive(Default)]
enum Lifecycle {
    #[default]
    NotStarted,
    Running(Box<Cluster>),
    Failed,
}

impl Tier {
    /// Starts nothing: a filter without a hit needs no cluster.
    pub fn new(parts: Parts) -> Self {
        Self { parts, state: Mutex::default() }
    }

    /// Runs one scenario; one at a time. What is seen of a failed one is kept in a folder.
    pub fn run(&self, name: &'static str, scenario: Scenario) -> Result<()> {
        interrupt::check()?;
        let mut state = self.state();
        if matches!(state.cluster, Lifecycle::NotStarted) {
            state.cluster = Lifecycle::Failed;
            let cluster = Cluster::start(&self.parts).context("starting the cluster")?;
            println!("cluster: started in {}", cluster.node.start_up);
            println!("dkron-ha: installed, both replicas ready after {:.1}s", cluster.installed_in.as_secs_f64());
            state.cluster = Lifecycle::Running(Box::new(cluster));
        }
        let Lifecycle::Running(cluster) = &state.cluster else {
            bail!("there is no cluster: see the first scenario");
        };
        let begun = Instant::now();
        let outcome = scenario(cluster);
        let outcome = outcome.map_err(|error| match story::keep(cluster, name) {
            Ok(folder) => error.context(format!("kept in {}", folder.display())),
            Err(problem) => error.context(format!("nothing could be kept of it: {problem:#}")),
        });
        cluster.clear();
        state.durations.push((name, begun.elapsed()));
        outcome
    }

    /// A cluster with dkron-ha in it, for a person, until a signal comes.
    pub fn stay(&self) -> Result<()> {
        let cluster = Cluster::start(&self.parts)?;
        println!("up after {}; logs in {LOGS}", cluster.node.start_up);
        println!("tests/cluster/run --kubectl ARGUMENT… is its kubectl; Ctrl-C ends it");
        while interrupt::check().is_ok() {
            thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    /// Prints which versions ran, for how long, and the table.
    pub fn finish(&self) -> Result<()> {
        let State { cluster, durations } = std::mem::take(&mut *self.state());
        let Lifecycle::Running(cluster) = cluster else { return Ok(()) };
        for (name, took) in &durations {
            println!("{:6.1}s {name}", took.as_secs_f64());
        }
        let total: Duration = durations.iter().map(|(_, took)| took).sum();
        println!("{:6.1}s {} scenarios", total.as_secs_f64(), durations.len());
        figures::print_table()?;
        for version in self.parts.versions() {
            println!("{version}");
        }
        println!("cluster: started in {}; logs in {LOGS}", cluster.node.start_up);
        Ok(())
    }

    /// A scenario that panicked has failed, and that is all: the cluster is as good as before.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
