//! One server's pod goes, and comes back with another address.

use anyhow::Result;

use crate::figures::{Row, Times};
use crate::installed::Cluster;
use crate::servers::Servers;
use crate::watcher::Watcher;

use super::{FORMED_WITHIN, PLAIN, seconds, times};

pub fn deleted(cluster: &Cluster) -> Result<()> {
    let seen = each(cluster, &[], times(1, 10))?;
    let must = "a ready voter again <= 15 s; the leader's Service answers from another <= 3 s, one change";
    seen.row(Row::new(cluster, "`kubectl delete pod`, a follower and the leader", must))
        .at_most(seen.follower.longest(), seconds(15), "the follower")
        .at_most(seen.leader.longest(), seconds(15), "the leader")
        .at_most(seen.gap.longest(), seconds(3), "a time without an answer of a leader")
        .claim(seen.changes.iter().all(|changes| *changes == 1), "not one change of leaders")
        .finish()
}

/// dkron is killed after 2 s, so that the others have to find out that it has gone.
pub fn forced(cluster: &Cluster) -> Result<()> {
    let seen = each(cluster, &["--force", "--grace-period=0"], times(1, 5))?;
    seen.row(Row::new(
        cluster,
        "`kubectl delete pod --force`, a follower and the leader",
        "a ready voter again <= 75 s",
    ))
    .at_most(seen.follower.longest(), seconds(75), "the follower")
    .at_most(seen.leader.longest(), seconds(75), "the leader")
    .at_most(seen.gap.longest(), seconds(15), "a time without an answer of a leader")
    .finish()
}

/// Of all runs.
#[derive(Default)]
struct Restarts {
    follower: Times,
    leader: Times,
    gap: Times,
    changes: Vec<usize>,
    of_followers: u32,
    asked: u32,
}

impl Restarts {
    fn row(&self, row: Row) -> Row {
        row.shows("follower is a ready voter again", &self.follower)
            .shows("leader is", &self.leader)
            .shows("longest without an answer of the leader", &self.gap)
            .shows("changes of leaders", format!("{:?}", self.changes))
            .shows("answers of followers", format!("{} of {}", self.of_followers, self.asked))
    }
}

/// A follower, then the leader, so often.
fn each(cluster: &Cluster, flags: &[&str], runs: usize) -> Result<Restarts> {
    let servers = Servers::apply(cluster, "restart", PLAIN)?;
    servers.until_whole(3, FORMED_WITHIN)?;
    let mut all = Restarts::default();
    for _ in 0..runs {
        let watcher = Watcher::of(&servers)?;
        all.follower.push(servers.replace(&servers.follower()?, flags, seconds(150))?);
        all.leader.push(servers.replace(&servers.leader()?, flags, seconds(150))?);
        let seen = watcher.seen()?;
        all.gap.push(seen.longest_gap);
        all.changes.push(seen.changes());
        all.of_followers += seen.of_followers;
        all.asked += seen.asked;
    }
    Ok(all)
}
