//! `kubectl scale`, and a set that goes and comes again.

use std::time::{Duration, Instant};

use anyhow::Result;
use dkron_ha::contract::port::DKRON_HTTP;
use serde_json::json;

use crate::client::{self, jobs};
use crate::figures::Row;
use crate::installed::Cluster;
use crate::kubernetes::wait::wait_until;
use crate::servers::Servers;

use super::{FORMED_WITHIN, PLAIN, seconds};

const PATIENCE: Duration = Duration::from_secs(2);

/// Kept on the disks of the servers.
const JOB: &str = "kept";

pub fn up_and_down(cluster: &Cluster) -> Result<()> {
    let servers = Servers::apply(cluster, "scale", PLAIN)?;
    servers.until_whole(3, FORMED_WITHIN)?;
    let up = scale(&servers, 5)?;
    let down = scale(&servers, 3)?;
    Row::new(cluster, "`kubectl scale` 3 to 5 to 3", "raft has the wanted servers, all ready, <= 30 s")
        .took("up", up)
        .took("down", down)
        .at_most(up, seconds(30), "scaling up")
        .at_most(down, seconds(30), "scaling down")
        .finish()
}

pub fn to_zero_and_back(cluster: &Cluster) -> Result<()> {
    let servers = Servers::apply(cluster, "zero", PLAIN)?;
    servers.until_whole(3, FORMED_WITHIN)?;
    keep_a_job(&servers)?;
    servers.run(&["scale", "statefulset/dkron", "--replicas=0"])?;
    let stopped = Instant::now();
    none_left(&servers)?;
    let stopped = stopped.elapsed();
    let back = scale(&servers, 3)?;
    let kept = has_the_job(&servers)?;
    let row = Row::new(
        cluster,
        "`kubectl scale` to 0 and back",
        "a leader and 3 voters <= 20 s, with all jobs; agents again <= 90 s",
    )
    .took("stop of all", stopped)
    .took("start of all", back)
    .claim(kept, "the job is gone")
    .at_most(back, seconds(20), "the start");
    if !cluster.parts.real {
        return row.finish();
    }
    let begun = Instant::now();
    servers.until_members(5, seconds(180))?;
    let agents = begun.elapsed();
    row.took("agents are members after that", agents).at_most(agents, seconds(90), "the agents").finish()
}

/// The set is deleted, its claims stay; the same manifest is applied again.
pub fn deleted_and_applied_again(cluster: &Cluster) -> Result<()> {
    let servers = Servers::apply(cluster, "again", PLAIN)?;
    servers.until_whole(3, FORMED_WITHIN)?;
    keep_a_job(&servers)?;
    servers.run(&["delete", "statefulset/dkron", "--wait=false"])?;
    none_left(&servers)?;
    let begun = Instant::now();
    servers.kubectl.apply(PLAIN, &[])?.ok()?;
    servers.until_whole(3, seconds(90))?;
    let took = begun.elapsed();
    Row::new(cluster, "the set deleted and applied again, volumes kept", "a leader and 3 voters <= 20 s, with all jobs")
        .took("leader and 3 voters", took)
        .claim(has_the_job(&servers)?, "the job is gone")
        .at_most(took, seconds(20), "the start")
        .finish()
}

fn scale(servers: &Servers<'_>, replicas: usize) -> Result<Duration> {
    let begun = Instant::now();
    servers.run(&["scale", "statefulset/dkron", &format!("--replicas={replicas}")])?;
    servers.until_whole(replicas, seconds(90))?;
    Ok(begun.elapsed())
}

fn none_left(servers: &Servers<'_>) -> Result<()> {
    wait_until("all servers to be gone", seconds(120), || Ok(servers.all()?.is_empty().then_some(())))
}

fn keep_a_job(servers: &Servers<'_>) -> Result<()> {
    // Not before next year.
    jobs::create(servers.leader_service()?, JOB, "0 0 0 1 1 *", "true", &json!({}))
}

fn has_the_job(servers: &Servers<'_>) -> Result<bool> {
    let leader = servers.leader_service()?;
    let answer = client::get((leader, DKRON_HTTP), &format!("/v1/jobs/{JOB}"), PATIENCE)?;
    Ok(answer.status == 200)
}
