//! Every server goes, and all come back with new addresses and their disks.

use std::time::Duration;

use anyhow::Result;

use crate::cluster::{Cluster, Dice, Dkron, Ordinal, Plan, each, pause};
use crate::figures::{Row, Times};

use super::{form, seconds, times};

/// How all go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The set is scaled to zero, and later up again.
    Scaled,
    /// All pods are deleted; each comes back as soon as its predecessor has gone.
    Deleted,
    /// All are killed, as when the power fails.
    Killed,
    /// The set is scaled to zero, and later up again; meanwhile one disk is lost.
    OneDiskLost,
}

pub fn scaled() -> Result<()> {
    restart("all servers at once: scaled to 0 and back", &Dkron::main()?, Way::Scaled)
}

pub fn deleted() -> Result<()> {
    restart("all servers at once: all pods deleted", &Dkron::main()?, Way::Deleted)
}

pub fn killed() -> Result<()> {
    restart("all servers at once: all killed", &Dkron::main()?, Way::Killed)
}

pub fn scaled_of_version_three() -> Result<()> {
    restart("all servers at once: scaled to 0 and back", &Dkron::three()?, Way::Scaled)
}

pub fn deleted_of_version_three() -> Result<()> {
    restart("all servers at once: all pods deleted", &Dkron::three()?, Way::Deleted)
}

pub fn scaled_and_a_disk_lost() -> Result<()> {
    restart("all servers at once: scaled to 0 and back, one disk lost", &Dkron::main()?, Way::OneDiskLost)
}

pub fn scaled_and_a_disk_lost_of_version_three() -> Result<()> {
    restart("all servers at once: scaled to 0 and back, one disk lost", &Dkron::three()?, Way::OneDiskLost)
}

fn restart(scenario: &str, dkron: &Dkron, way: Way) -> Result<()> {
    let runs = times(1, 5);
    let (mut leader, mut whole, mut stop) = (Times::default(), Times::default(), Times::default());
    Cluster::with(Plan::of(dkron, 3), "all-at-once", |cluster| {
        let all = form(cluster, 3)?;
        for run in 0..runs {
            let (stopped, from) = away_and_back(cluster, way, &all, run as u64)?;
            stop.push(stopped);
            leader.push(cluster.await_leader(from, seconds(120))?);
            whole.push(cluster.settled(&all, from, seconds(120))?);
        }
        Ok(())
    })?;
    let kept = if way == Way::OneDiskLost { "two disks of three kept" } else { "disks kept" };
    Row::new(scenario, dkron, runs, &format!("new addresses, {kept}: leader <= 10 s"))
        .shows("leader after", &leader)
        .shows("all voters after", &whole)
        .shows("longest stop", &stop)
        .at_most(leader.longest(), seconds(10), "the way to a leader")
        // Nothing is to be waited for: no server stays.
        .at_most(stop.longest(), seconds(30), "the stop")
        .finish()
}

/// The longest stop, and when the last server was started.
fn away_and_back(cluster: &Cluster, way: Way, all: &[Ordinal], run: u64) -> Result<(Duration, Duration)> {
    let begun = cluster.now();
    match way {
        Way::Deleted => {
            let stops = each(all, &[], |one| cluster.restart(one))?;
            return Ok((stops.iter().map(|stop| stop.took).max().unwrap_or_default(), cluster.now()));
        }
        Way::Scaled | Way::OneDiskLost => {
            cluster.want(0);
            each(all, &[], |one| cluster.delete(one).map(drop))?;
        }
        Way::Killed => drop(each(all, &[], |one| cluster.kill(one))?),
    }
    let stopped = cluster.since(begun);
    if way == Way::OneDiskLost {
        cluster.lose_disk(all[0])?;
    }
    pause(seconds(2))?;
    let from = cluster.now();
    cluster.want(3);
    cluster.start_all(Duration::ZERO, &mut Dice::new(run))?;
    Ok((stopped, from))
}
