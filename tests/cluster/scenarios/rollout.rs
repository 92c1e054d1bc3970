//! Every server is replaced, while a job runs each second.

use std::time::Instant;

use anyhow::Result;

use crate::figures::{Row, Times};
use crate::installed::Cluster;
use crate::servers::Servers;
use crate::watcher::Watcher;

use super::{FORMED_WITHIN, PLAIN, seconds};

/// `kubectl rollout restart`, in the order of Kubernetes: by ordinals, whoever leads.
pub fn restarted(cluster: &Cluster) -> Result<()> {
    let servers = Servers::apply(cluster, "rollout", PLAIN)?;
    servers.until_whole(3, FORMED_WITHIN)?;
    servers.job_each_second("tick")?;
    let watcher = Watcher::of(&servers)?;
    let begun = Instant::now();
    servers.run(&["rollout", "restart", "statefulset/dkron"])?;
    servers.until_rolled_out(seconds(180))?;
    servers.until_whole(3, seconds(60))?;
    let took = begun.elapsed();
    std::thread::sleep(seconds(2));
    let seen = watcher.seen()?;
    let ticks = servers.ticks("tick")?;
    let must = "the leader's Service answers <= 3 s; at most 3 in 100 ticks missed, none run twice; at most 3 changes of leaders";
    Row::new(cluster, "`kubectl rollout restart` under a job each second", must)
        .shows("rollout", Times(vec![took]))
        .shows("changes of leaders", seen.changes())
        .shows("longest without an answer of the leader", Times(vec![seen.longest_gap]))
        .shows("answers of followers", format!("{} of {}", seen.of_followers, seen.asked))
        .shows("ticks missed", format!("{} of {}", ticks.missed, ticks.expected))
        .shows("run twice", ticks.doubled)
        .at_most(seen.longest_gap, seconds(3), "a time without answer of a leader")
        .claim(seen.changes() <= 3, "too many changes of leaders")
        .claim(ticks.missed_at_most(3), "too many ticks were missed")
        .claim(ticks.doubled == 0, "a tick was run twice")
        .finish()
}
