//! Two servers, of which one goes: the other alone is no majority of the two.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::cluster::{Cluster, Dkron, Plan};
use crate::figures::{Row, Times};

use super::{form, seconds, times};

pub fn each_restarts() -> Result<()> {
    let dkron = Dkron::main()?;
    let runs = times(1, 6);
    let (mut follower, mut leader, mut again) = (Times::default(), Times::default(), Times::default());
    Cluster::with(Plan::of(&dkron, 2), "two-servers", |cluster| {
        let all = form(cluster, 2)?;
        for run in 0..runs * 2 {
            let leads = cluster.leader().context("nobody leads")?;
            let one = if run % 2 == 0 { 1 - leads } else { leads };
            let from = cluster.now();
            cluster.restart(one)?;
            again.push(cluster.settled(&all, from, seconds(120))?);
            let longest = cluster.story_since(from).longest_gap();
            if run % 2 == 0 { follower.push(longest) } else { leader.push(longest) }
        }
        Ok(())
    })?;
    let longest: Duration = follower.longest().max(leader.longest());
    Row::new("two servers, follower and leader restart", &dkron, runs, "a leader again <= 3 s")
        .shows("leaderless, follower restarts", &follower)
        .shows("leader restarts", &leader)
        .shows("both voters after", &again)
        .at_most(longest, seconds(3), "the time without a leader")
        .finish()
}
