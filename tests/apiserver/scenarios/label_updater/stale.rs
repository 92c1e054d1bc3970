//! A leader that is killed takes no label away.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::cluster::Cluster;
use crate::figures::{Row, Times};
use crate::servers::Servers;

const PATIENCE: Duration = Duration::from_secs(30);

/// An election takes as long with dkron.
const ELECTION: Duration = Duration::from_secs(2);

/// Its node is gone, so that its pod stays as it was; whoever is elected clears the label.
pub fn stale_label_of_a_killed_leader_is_cleared(cluster: &Cluster) -> Result<()> {
    let mut servers = Servers::start(cluster, "stale")?;
    let mut times = Times::default();
    for (leader, next) in [(0, 1), (1, 2), (2, 0)] {
        servers.lead(Some(leader));
        servers.until_labelled(Some(leader), PATIENCE)?;
        servers.members[leader].updater = None;
        servers.lead(None);
        thread::sleep(ELECTION);
        ensure!(servers.labels.now() == crate::servers::expected(Some(leader)), "nobody could know yet");
        let elected = Instant::now();
        servers.lead(Some(next));
        let cleared = servers.until_labelled(Some(next), PATIENCE)?;
        times.push(cleared.saturating_duration_since(elected));
        servers.start_updater(leader)?;
    }
    Row::new("the leader's pod is killed and gone", "stale label cleared <= 5 s after the new election")
        .shows("cleared after", &times)
        .at_most(times.longest(), Duration::from_secs(5), "clearing")
        .finish()
}
