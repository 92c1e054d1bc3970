//! One run of the tier: the control plane comes with the first scenario and goes after the last.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::cluster::Cluster;
use crate::control_plane::LOGS;
use crate::figures;
use crate::interrupt;
use crate::scenarios::Scenario;

/// Shared by all trials.
pub struct Tier {
    assets: PathBuf,
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
    /// Starts nothing: a list, or a filter without a hit, needs no control plane.
    pub fn new(assets: PathBuf) -> Self {
        Self { assets, state: Mutex::default() }
    }

    /// Runs one scenario; one at a time.
    pub fn run(&self, name: &'static str, scenario: Scenario) -> Result<()> {
        interrupt::check()?;
        let mut state = self.state();
        if matches!(state.cluster, Lifecycle::NotStarted) {
            state.cluster = Lifecycle::Failed;
            let cluster = Cluster::start(&self.assets).context("starting the control plane")?;
            state.cluster = Lifecycle::Running(Box::new(cluster));
        }
        let Lifecycle::Running(cluster) = &state.cluster else {
            bail!("there is no control plane: see the first scenario");
        };
        let begun = Instant::now();
        let outcome = scenario(cluster);
        state.durations.push((name, begun.elapsed()));
        outcome
    }

    /// Stops the control plane and prints which versions ran, for how long.
    pub fn finish(&self) -> Result<()> {
        let State { cluster, durations } = std::mem::take(&mut *self.state());
        let Lifecycle::Running(cluster) = cluster else { return Ok(()) };
        for (name, took) in &durations {
            println!("{:6.1}s {name}", took.as_secs_f64());
        }
        let total: Duration = durations.iter().map(|(_, took)| took).sum();
        println!("{:6.1}s {} scenarios", total.as_secs_f64(), durations.len());
        figures::print_table()?;
        for note in cluster.notes() {
            println!("{note}");
        }
        match cluster.webhook().counts() {
            Ok(counts) => println!("webhook: {} reviews: {counts}", counts.total()),
            Err(error) => println!("webhook: {error:#}"),
        }
        for version in cluster.control_plane().versions() {
            println!("{version}");
        }
        println!("control plane: started in {}", cluster.control_plane().start_up());
        println!("control plane: stopped in {:.1}s; logs in {LOGS}", cluster.stop()?.as_secs_f64());
        Ok(())
    }

    /// A scenario that panicked has failed, and that is all: the cluster is as good as before.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
