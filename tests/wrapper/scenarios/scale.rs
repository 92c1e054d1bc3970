//! The wanted number of servers changes.

use std::time::Duration;

use anyhow::Result;

use crate::cluster::{Cluster, Dkron, Ordinal, Plan, each};
use crate::figures::{Row, Times};

use super::{form, seconds, times};

pub fn three_to_one() -> Result<()> {
    down("scale 3 to 1, both stop at once", 3, 1, times(1, 6))
}

pub fn five_to_two() -> Result<()> {
    down("scale 5 to 2, all three stop at once", 5, 2, times(1, 4))
}

fn down(scenario: &str, from_size: u32, to_size: u32, runs: usize) -> Result<()> {
    let dkron = Dkron::main()?;
    let (mut leaderless, mut whole) = (Times::default(), Times::default());
    let stay: Vec<Ordinal> = (0..to_size).collect();
    let go: Vec<Ordinal> = (to_size..from_size).collect();
    for _ in 0..runs {
        Cluster::with(Plan::of(&dkron, from_size), "scale-down", |cluster| {
            form(cluster, from_size)?;
            let from = cluster.now();
            cluster.want(to_size);
            each(&go, &[], |one| cluster.delete(one))?;
            whole.push(cluster.settled(&stay, from, seconds(120))?);
            leaderless.push(cluster.story_since(from).longest_gap());
            Ok(())
        })?;
    }
    Row::new(scenario, &dkron, runs, "a leader again <= 3 s")
        .shows("leaderless", &leaderless)
        .shows("raft's configuration as wanted after", &whole)
        .at_most(leaderless.longest(), seconds(3), "the time without a leader")
        .finish()
}

pub fn up_and_down() -> Result<()> {
    let dkron = Dkron::main()?;
    let runs = times(1, 5);
    let (mut up, mut down, mut leaderless) = (Times::default(), Times::default(), Times::default());
    Cluster::with(Plan::of(&dkron, 3), "scale-up-down", |cluster| {
        let all = form(cluster, 3)?;
        for _ in 0..runs {
            up.push(grow(cluster)?);
            let from = cluster.now();
            cluster.want(3);
            each(&[3, 4], &[], |one| cluster.delete(one))?;
            down.push(cluster.settled(&all, from, seconds(120))?);
            leaderless.push(cluster.story_since(from).longest_gap());
        }
        Ok(())
    })?;
    Row::new("scale 3 to 5 to 3", &dkron, runs, "raft's configuration as wanted <= 10 s")
        .shows("3 to 5", &up)
        .shows("5 to 3", &down)
        .shows("leaderless", &leaderless)
        .at_most(up.longest(), seconds(10), "scaling up")
        .at_most(down.longest(), seconds(10), "scaling down")
        .finish()
}

pub fn down_by_killing() -> Result<()> {
    let dkron = Dkron::main()?;
    let runs = times(1, 5);
    let mut down = Times::default();
    Cluster::with(Plan::of(&dkron, 3), "scale-kill", |cluster| {
        let all = form(cluster, 3)?;
        for _ in 0..runs {
            grow(cluster)?;
            let from = cluster.now();
            cluster.want(3);
            each(&[3, 4], &[], |one| cluster.kill(one))?;
            down.push(cluster.settled(&all, from, seconds(150))?);
        }
        Ok(())
    })?;
    Row::new("scale 5 to 3 by killing the surplus", &dkron, runs, "raft's configuration as wanted <= 40 s")
        .shows("after", &down)
        .at_most(down.longest(), seconds(40), "scaling down")
        .finish()
}

/// From three to five.
fn grow(cluster: &Cluster) -> Result<Duration> {
    let from = cluster.now();
    cluster.want(5);
    each(&[3, 4], &[], |one| cluster.start(one))?;
    cluster.settled(&[0, 1, 2, 3, 4], from, seconds(150))
}
