//! Every server is replaced, while a job runs each second.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::client::jobs::Ticks;
use crate::figures::Row;
use crate::installed::Cluster;
use crate::servers::Servers;
use crate::watcher::{Seen, Watcher};

use super::{FORMED_WITHIN, PLAIN, seconds};

/// The set of the plain manifest, with one annotation on its template.
const ANNOTATION: &str =
    "    metadata:\n      annotations: {dkron-ha.io/rollout: leader-last}\n      labels: {app: dkron, role: server}";
const LABELS: &str = "    metadata:\n      labels: {app: dkron, role: server}";

/// `kubectl rollout restart`, in the order of Kubernetes: by ordinals, whoever leads.
pub fn restarted(cluster: &Cluster) -> Result<()> {
    let rollout = Rollout::of(cluster, PLAIN)?;
    let must = "the leader's Service answers <= 3 s; at most 3 in 100 ticks missed, none run twice; at most 3 changes of leaders";
    rollout
        .row(Row::new(cluster, "`kubectl rollout restart` under a job each second", must))
        .claim(rollout.seen.changes() <= 3, "too many changes of leaders")
        .finish()
}

/// The same where the controller chooses the order.
pub fn leader_last(cluster: &Cluster) -> Result<()> {
    let annotated = PLAIN.replacen(LABELS, ANNOTATION, 1);
    let rollout = Rollout::of(cluster, &annotated)?;
    rollout
        .row(Row::new(
            cluster,
            "the same with `rollout: leader-last`",
            "exactly 1 change of leaders, <= 60 s; ticks as above",
        ))
        .at_most(rollout.took, seconds(60), "the rollout")
        .claim(rollout.seen.changes() == 1, "not one change of leaders")
        .finish()
}

/// What was seen of one.
struct Rollout {
    took: Duration,
    seen: Seen,
    ticks: Ticks,
}

impl Rollout {
    fn of(cluster: &Cluster, manifest: &str) -> Result<Self> {
        let servers = Servers::apply(cluster, "rollout", manifest)?;
        servers.until_whole(3, FORMED_WITHIN)?;
        servers.job_each_second("tick")?;
        let watcher = Watcher::of(&servers)?;
        let begun = Instant::now();
        servers.run(&["rollout", "restart", "statefulset/dkron"])?;
        servers.until_rolled_out(seconds(180))?;
        servers.until_whole(3, seconds(60))?;
        let took = begun.elapsed();
        thread::sleep(seconds(2));
        Ok(Self { took, seen: watcher.seen()?, ticks: servers.ticks("tick")? })
    }

    fn row(&self, row: Row) -> Row {
        let (seen, ticks) = (&self.seen, &self.ticks);
        row.took("rollout", self.took)
            .shows("changes of leaders", seen.changes())
            .never_long_without_a_leader(seen)
            .shows("answers of followers", format!("{} of {}", seen.of_followers, seen.asked))
            .ticks(ticks)
            .claim(ticks.missed_at_most(3), "too many ticks were missed")
            .claim(ticks.doubled == 0, "a tick was run twice")
    }
}
