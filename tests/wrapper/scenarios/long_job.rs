//! The leader stops while a long job runs on it.

use anyhow::{Context, Result};

use crate::cluster::{Cluster, Dkron, Plan, pause};
use crate::figures::{Row, Times};

use super::{form, seconds, times};

pub fn on_the_leader() -> Result<()> {
    let dkron = Dkron::main()?;
    let runs = times(1, 5);
    let length = times(6, 30);
    let (mut stop, mut leaderless) = (Times::default(), Times::default());
    let mut finished = 0;
    Cluster::with(Plan::of(&dkron, 3), "long-job", |cluster| {
        let all = form(cluster, 3)?;
        for run in 0..runs {
            let leader = cluster.leader().context("nobody leads")?;
            let name = format!("long-{run}");
            cluster.run_on(leader, &name, &format!("sleep {length}"))?;
            pause(seconds(3))?;
            let from = cluster.now();
            stop.push(cluster.restart(leader)?.took);
            cluster.settled(&all, from, seconds(120))?;
            leaderless.push(cluster.story_since(from).leaderless());
            finished += usize::from(cluster.is_recorded(&name)?);
        }
        Ok(())
    })?;
    Row::new("long job on the leader while it stops", &dkron, runs, "recorded as finished")
        .shows("recorded as finished", format!("{finished} of {runs}"))
        .shows("job", format!("{length} s"))
        .shows("stop", &stop)
        .shows("leaderless", &leaderless)
        .claim(finished == runs, "a job was not recorded as finished")
        .finish()
}
