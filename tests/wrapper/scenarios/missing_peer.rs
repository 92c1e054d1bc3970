//! One of three servers never comes.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::cluster::{Cluster, Dkron, Plan, each, pause, pod_name};
use crate::figures::{Row, Times};

use super::{form, seconds, times};

/// How often those who wait say so.
const SAYING: Duration = seconds(10);

pub fn never_comes() -> Result<()> {
    let dkron = Dkron::main()?;
    let watched = seconds(times(25, 120) as u64);
    let quiet = Cluster::with(Plan::of(&dkron, 3), "missing-peer", |cluster| {
        each(&[0, 1], &[], |one| cluster.start(one))?;
        pause(watched)?;
        anyhow::ensure!(cluster.story_since(Duration::ZERO).gaps.is_empty(), "somebody led");
        for one in [0, 1] {
            let raft = cluster.raft_of(one).unwrap_or_default();
            anyhow::ensure!(raft.is_empty(), "{one} has bootstrapped: {raft:?}");
        }
        let quiet = [0, 1].map(|one| cluster.longest_silence(one, &pod_name(2)));
        let [one, other] = quiet;
        Ok(one?.max(other?))
    })?;
    let mut restarted = Times::default();
    Cluster::with(Plan::of(&dkron, 3), "missing-later", |cluster| {
        let all = form(cluster, 3)?;
        each(&all, &[], |one| cluster.delete(one))?;
        pause(seconds(2))?;
        let from = cluster.now();
        each(&[0, 1], &[], |one| cluster.start(one))?;
        restarted.push(cluster.await_leader(from, seconds(120))?);
        cluster.leader().map(drop).context("nobody leads")
    })?;
    let must = "no bootstrap, clear message every 10 s; an existing quorum restarts without it";
    Row::new("INITIAL_CLUSTER_SIZE=3, one peer never comes", &dkron, 1, must)
        .shows("no bootstrap in", format!("{} s", watched.as_secs()))
        .shows("longest silence about it", format!("{:.1} s", quiet.as_secs_f64()))
        .shows("two of three restarted: leader after", &restarted)
        .claim(quiet <= SAYING + seconds(2), "those who wait do not say so every 10 s")
        .at_most(restarted.longest(), seconds(10), "the restart of a quorum")
        .finish()
}
