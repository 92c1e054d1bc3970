//! A single server of three is deleted and comes back with a new address.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::cluster::{Cluster, Dkron, Plan, pause};
use crate::figures::{Row, Times};

use super::{form, leader_last, seconds, times};

/// Whatever takes longer has failed.
const LONGEST: Duration = seconds(120);

/// What is special about a restart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Special {
    Nothing,
    NoVolume,
    VolumeLost,
    NoLabelUpdater,
}

pub fn follower_with_its_disk() -> Result<()> {
    follower("follower restart, disk kept", Special::Nothing)
}

pub fn follower_without_its_disk() -> Result<()> {
    follower("follower restart, no volume", Special::NoVolume)
}

pub fn follower_whose_volume_is_lost() -> Result<()> {
    follower("follower restart, volume lost", Special::VolumeLost)
}

pub fn follower_without_label_updater() -> Result<()> {
    follower("follower restart, no label updater", Special::NoLabelUpdater)
}

fn follower(scenario: &str, special: Special) -> Result<()> {
    let dkron = Dkron::main()?;
    let plan = Plan { persistent: special != Special::NoVolume, ..Plan::of(&dkron, 3) };
    let runs = times(1, 10);
    let (mut again, mut stop, mut leaderless) = (Times::default(), Times::default(), Times::default());
    let mut codes = Vec::new();
    Cluster::with(plan, "follower-restart", |cluster| {
        let all = form(cluster, 3)?;
        if special == Special::NoLabelUpdater {
            cluster.silence_desired();
        }
        for run in 0..runs {
            let from = cluster.now();
            let one = leader_last(cluster, &all)[run % 2];
            let stopped = cluster.delete(one)?;
            stop.push(stopped.took);
            codes.push(stopped.code);
            if special == Special::VolumeLost {
                cluster.lose_disk(one)?;
            }
            cluster.come_back(one)?;
            again.push(cluster.voter(one, from, LONGEST)?);
            leaderless.push(cluster.story_since(from).leaderless());
            cluster.settled(&all, from, LONGEST)?;
        }
        Ok(())
    })?;
    Row::new(scenario, &dkron, runs, "voter again <= 6 s after TERM")
        .shows("voter again", &again)
        .shows("stop", &stop)
        .shows("leaderless", &leaderless)
        .at_most(again.longest(), seconds(6), "the return")
        .claim(codes.iter().all(|code| *code == Some(0)), &format!("exit codes {codes:?}"))
        .finish()
}

pub fn leader() -> Result<()> {
    let dkron = Dkron::main()?;
    let runs = times(2, 20);
    let (mut leaderless, mut again, mut stop) = (Times::default(), Times::default(), Times::default());
    Cluster::with(Plan::of(&dkron, 3), "leader-restart", |cluster| {
        let all = form(cluster, 3)?;
        for _ in 0..runs {
            let from = cluster.now();
            let leader = cluster.leader().context("nobody leads")?;
            stop.push(cluster.restart(leader)?.took);
            again.push(cluster.voter(leader, from, LONGEST)?);
            leaderless.push(cluster.story_since(from).leaderless());
            cluster.settled(&all, from, LONGEST)?;
            pause(seconds(1))?;
        }
        Ok(())
    })?;
    let short = leaderless.within(Duration::from_millis(100));
    Row::new("leader restart", &dkron, runs, "leaderless <= 0.1 s in 9 of 10; <= 3 s always")
        .shows("leaderless", &leaderless)
        .shows("within 0.1 s:", format!("{short} of {runs}"))
        .shows("stop", &stop)
        .shows("voter again", &again)
        .claim(short * 10 >= runs * 9 || runs < 10, "leaderless for more than 0.1 s in more than 1 of 10")
        .at_most(leaderless.longest(), seconds(3), "the time without a leader")
        .finish()
}
