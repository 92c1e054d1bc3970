//! A server is to stop while another one is missing: it stays until its going harms nobody.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::cluster::{Cluster, Dkron, Ordinal, Plan, each, pause};
use crate::figures::{Row, Times};

use super::{form, leader_last, seconds, times};

const LONGEST: Duration = seconds(300);

pub fn roll_while_one_is_down() -> Result<()> {
    let dkron = Dkron::main()?;
    let runs = times(1, 4);
    let (mut leaderless, mut held, mut whole) = (Times::default(), Times::default(), Times::default());
    Cluster::with(Plan::of(&dkron, 3), "one-down", |cluster| {
        let all = form(cluster, 3)?;
        for run in 0..runs {
            let order = leader_last(cluster, &all);
            let down = order[0];
            // Once the other follower, once the leader.
            let rolled = order[1 + run % 2];
            cluster.kill(down)?;
            pause(seconds(3))?;
            let from = cluster.now();
            // Its node comes back later than the roll begins.
            let both: [Ordinal; 2] = [rolled, down];
            let stops = each(&both, &[Duration::ZERO, seconds(10)], |one| {
                if one == down { cluster.start(down).map(|()| None) } else { cluster.restart(one).map(Some) }
            })?;
            held.push(stops.into_iter().flatten().next().context("the stop")?.took);
            whole.push(cluster.settled(&all, from, LONGEST)?);
            leaderless.push(cluster.story_since(from).longest_gap());
        }
        Ok(())
    })?;
    Row::new("roll while one server is down", &dkron, runs, "no leaderless time > 3 s while the grace period lasts")
        .shows("leaderless", &leaderless)
        .shows("stop held for", &held)
        .shows("all voters after", &whole)
        .at_most(leaderless.longest(), seconds(3), "the time without a leader")
        .finish()
}

pub fn two_stopped_half_a_second_apart() -> Result<()> {
    let dkron = Dkron::main()?;
    let runs = times(1, 6);
    let (mut leaderless, mut whole) = (Times::default(), Times::default());
    Cluster::with(Plan::of(&dkron, 3), "two-stopped", |cluster| {
        let all = form(cluster, 3)?;
        for run in 0..runs {
            let order = leader_last(cluster, &all);
            let pair = match run % 3 {
                0 => [order[0], order[2]],
                1 => [order[2], order[1]],
                _ => [order[0], order[1]],
            };
            let from = cluster.now();
            each(&pair, &[Duration::ZERO, Duration::from_millis(500)], |one| cluster.restart(one))?;
            whole.push(cluster.settled(&all, from, LONGEST)?);
            leaderless.push(cluster.story_since(from).longest_gap());
        }
        Ok(())
    })?;
    Row::new("two of three stopped 0.5 s apart", &dkron, runs, "no leaderless time > 3 s while the grace period lasts")
        .shows("leaderless", &leaderless)
        .shows("all voters after", &whole)
        .at_most(leaderless.longest(), seconds(3), "the time without a leader")
        .finish()
}
