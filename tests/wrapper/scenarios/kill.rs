//! A server is killed without a word.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::cluster::{Cluster, Dkron, Plan, pause};
use crate::figures::{Row, Times};

use super::{form, leader_last, seconds, times};

pub fn with_the_same_address() -> Result<()> {
    let dkron = Dkron::main()?;
    let runs = times(4, 12);
    let (mut again, mut leaderless) = (Times::default(), Times::default());
    Cluster::with(Plan::of(&dkron, 3), "kill-same", |cluster| {
        let all = form(cluster, 3)?;
        for run in 0..runs {
            let order = leader_last(cluster, &all);
            let one = if run % 2 == 0 { order[0] } else { order[2] };
            let from = cluster.now();
            // Once the whole container, once dkron alone.
            if run % 4 < 2 {
                cluster.kill_container(one)?;
            } else {
                cluster.kill_dkron(one)?;
            }
            // Until it is seen dead nothing has changed, to those who ask.
            pause(Duration::from_millis(300))?;
            again.push(cluster.settled(&all, from, seconds(120))?);
            leaderless.push(cluster.story_since(from).longest_gap());
            pause(seconds(2))?;
        }
        Ok(())
    })?;
    Row::new("KILL, same address", &dkron, runs, "<= 3 s")
        .shows("all voters, and all hear the leader, after", &again)
        .shows("leaderless", &leaderless)
        .at_most(again.longest(), seconds(3), "the return")
        .finish()
}

pub fn with_a_new_address() -> Result<()> {
    let dkron = Dkron::main()?;
    let runs = times(1, 6);
    let (mut again, mut leaderless) = (Times::default(), Times::default());
    let mut zombies = 0;
    Cluster::with(Plan::of(&dkron, 3), "kill-new", |cluster| {
        let all = form(cluster, 3)?;
        for run in 0..runs {
            let order = leader_last(cluster, &all);
            let one = if run % 2 == 0 { order[0] } else { order[2] };
            let from = cluster.now();
            cluster.force_delete(one)?;
            again.push(cluster.settled(&all, from, seconds(240))?);
            leaderless.push(cluster.story_since(from).longest_gap());
            // A zombie keeps what it had until serf's view of it ends.
            pause(seconds(5))?;
            let alive = cluster.alive_members().context("members")?;
            zombies += usize::from(alive != cluster.present_members());
        }
        Ok(())
    })?;
    Row::new("KILL, new address at once", &dkron, runs, "<= 75 s, never a zombie left")
        .shows("voter again", &again)
        .shows("leaderless", &leaderless)
        .shows("zombies", zombies)
        .at_most(again.longest(), seconds(75), "the return")
        .claim(zombies == 0, "a zombie is left")
        .finish()
}
