//! A plain manifest becomes a cluster.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use dkron_ha::contract::path::SERVICE_ACCOUNT;
use serde_json::json;

use crate::client::jobs;
use crate::figures::Row;
use crate::installed::Cluster;
use crate::kubernetes::wait::wait_until;
use crate::servers::Servers;

use super::{FORMED_WITHIN, PLAIN, seconds};

/// One file with the namespace and everything in it, applied once.
pub fn apply(cluster: &Cluster) -> Result<()> {
    let servers = Servers::apply(cluster, "plain", PLAIN)?;
    servers.until_whole(3, FORMED_WITHIN)?;
    let formed = servers.applied.elapsed();
    let restarts: u64 = servers.all()?.iter().map(|server| server.restarts).sum();
    let row = Row::new(
        cluster,
        "`kubectl apply` of a namespace, three plain servers and two agents",
        "a leader and 3 voters <= 20 s",
    )
    .took("leader and 3 voters", formed)
    .at_most(formed, seconds(20), "the first start")
    .claim(restarts == 0, "dkron was restarted");
    if !cluster.parts.real {
        return row.shows("agents", "none: the stand-in does not ask Kubernetes for servers").finish();
    }
    servers.until_members(5, seconds(60))?;
    let joined = servers.applied.elapsed();
    let asked = Instant::now();
    let leader = servers.leader_service()?;
    jobs::create(leader, "on-an-agent", &jobs::soon()?, "true", &json!({"worker": "cron:1"}))?;
    wait_until("a job on an agent to be recorded", seconds(30), || {
        let mut executions = jobs::Executions::new();
        jobs::executions(leader, "on-an-agent", &mut executions)?;
        Ok(jobs::are_one_success(&executions).then_some(()))
    })?;
    row.took("agents are members", joined)
        .took("a job two seconds later on an agent, recorded", asked.elapsed())
        .finish()
}

/// Jobs run in dkron's container. What is mounted there, they have.
pub fn tokens(cluster: &Cluster) -> Result<()> {
    let servers = Servers::apply(cluster, "tokens", PLAIN)?;
    servers.until_whole(3, FORMED_WITHIN)?;
    let token = format!("{SERVICE_ACCOUNT}/token");
    let in_the_server = servers.kubectl.run(&["exec", "dkron-0", "-c=dkron", "--", "cat", &token], None)?;
    let agents = servers.kubectl.list_json("pods", &servers.namespace)?;
    let agent = agents.iter().find(|pod| pod["metadata"]["labels"]["role"] == "agent").context("no agent")?;
    let agent = agent["metadata"]["name"].as_str().context("an agent without a name")?;
    let of_the_agent = servers.run(&["exec", agent, "-c=dkron", "--", "cat", &token])?.stdout;
    // As whoever has the token, and without the administrator's certificate.
    let as_agent = servers.kubectl.with_token(&of_the_agent)?;
    let pods = as_agent.run(&["get", "pods", "-o=name"], None)?;
    let rights = as_agent.run(&["auth", "can-i", "--list", "--no-headers"], None)?.ok()?.stdout;
    // Everybody may ask about himself, and read what the API server tells of itself.
    let own: Vec<&str> =
        rights.lines().filter(|line| !line.starts_with("self") && !line.trim_start().starts_with('[')).collect();
    Row::new(cluster, "tokens in dkron's containers", "none in a server; an agent's lists pods and nothing else")
        .shows("in a server", if in_the_server.status.success() { "a token" } else { "none" })
        .shows(
            "an agent's may",
            format!(
                "{:?}",
                own.iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
            ),
        )
        .claim(!in_the_server.status.success(), "a token is mounted in a server")
        .claim(pods.status.success() && pods.stdout.lines().count() == 5, "an agent cannot list pods")
        .claim(own.len() == 1 && own[0].starts_with("pods ") && own[0].contains("[list]"), "an agent may do more")
        .finish()?;
    ensure!(!of_the_agent.is_empty(), "an empty token");
    Ok(())
}
