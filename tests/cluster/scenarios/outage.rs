//! Something that dkron does not need is away for a while, or everything is.

use std::thread;
use std::time::Instant;

use anyhow::{Result, ensure};
use dkron_ha::contract::object::INSTALLATION;

use crate::figures::Row;
use crate::installed::Cluster;
use crate::servers::Servers;
use crate::watcher::Watcher;

use super::{FORMED_WITHIN, PLAIN, seconds};

/// No replica of the webhook while a pod is to come back.
pub fn of_the_webhook(cluster: &Cluster) -> Result<()> {
    let servers = Servers::apply(cluster, "webhook-down", PLAIN)?;
    servers.until_whole(3, FORMED_WITHIN)?;
    let watcher = Watcher::of(&servers)?;
    let scale = |replicas: &str| {
        cluster.kubectl().run(&["scale", "deployment", INSTALLATION, "-n", INSTALLATION, replicas], None)?.ok()
    };
    scale("--replicas=0")?;
    cluster.end_replicas()?;
    let follower = servers.follower()?;
    servers.delete(&follower, &[])?;
    thread::sleep(seconds(20));
    let meanwhile = servers.all()?;
    ensure!(
        !meanwhile.iter().any(|server| server.name == follower.name && server.uid != follower.uid),
        "the pod came without the webhook"
    );
    scale("--replicas=2")?;
    cluster.until_rolled_out()?;
    let begun = Instant::now();
    servers.until_whole(3, seconds(300))?;
    let took = begun.elapsed();
    let seen = watcher.seen()?;
    Row::new(
        cluster,
        "a follower deleted while no webhook runs",
        "no plain pod comes; it is back <= 60 s after the webhook; a leader all the time",
    )
    .took("three voters after the webhook is back", took)
    .never_long_without_a_leader(&seen)
    .at_most(took, seconds(60), "coming back")
    .claim(seen.changes() == 0, "the leader changed")
    .finish()
}

/// dkron goes on; what changed meanwhile is made good.
pub fn of_the_api_server(cluster: &Cluster) -> Result<()> {
    let servers = Servers::apply(cluster, "api-down", PLAIN)?;
    servers.until_whole(3, FORMED_WITHIN)?;
    servers.job_each_second("tick")?;
    let watcher = Watcher::of(&servers)?;
    thread::sleep(seconds(3));
    cluster.node.kill_component("kube-apiserver")?;
    thread::sleep(seconds(60));
    cluster.node.start_component("kube-apiserver")?;
    cluster.node.wait_for_api_server()?;
    let begun = Instant::now();
    // Kubernetes' own controllers call every pod "not ready" now and take a minute and more to look again: 80 s were seen.
    servers.until_whole(3, seconds(240))?;
    let took = begun.elapsed();
    // That a pod is admitted in a new namespace is ours.
    let asked = Instant::now();
    cluster.installer()?;
    let admitted = asked.elapsed();
    let seen = watcher.seen()?;
    let ticks = servers.ticks("tick")?;
    Row::new(
        cluster,
        "no API server for 60 s",
        "one leader all the time, no tick missed or run twice; whole <= 150 s after it; a new server admitted <= 10 s after that",
    )
    .took("whole after it is back", took)
    .at_most(took, seconds(150), "being whole")
    .took("a server admitted in a new namespace after that", admitted)
    .at_most(admitted, seconds(10), "admitting pods")
    .never_long_without_a_leader(&seen)
    .shows("changes of leaders", seen.changes())
    .ticks(&ticks)
    .claim(seen.changes() == 0, "the leader changed")
    .claim(ticks.missed_at_most(1) && ticks.doubled == 0, "ticks were missed or run twice")
    .finish()
}

/// Every container of the node is killed, the webhook's too.
pub fn of_the_node(cluster: &Cluster) -> Result<()> {
    let servers = Servers::apply(cluster, "reboot", PLAIN)?;
    // Kubernetes' own controllers ask a minute and more apart after the outage before: until they do, no pod has what it mounts.
    servers.until_whole(3, seconds(240))?;
    let before = servers.all()?;
    let begun = Instant::now();
    cluster.node.reboot()?;
    let up = begun.elapsed();
    servers.until_other_containers(&before, seconds(120))?;
    servers.until_whole(3, seconds(180))?;
    let took = begun.elapsed();
    cluster.until_rolled_out()?;
    Row::new(
        cluster,
        "every container of the node killed at once, kubelet and containerd restarted",
        "a leader and 3 voters again <= 120 s",
    )
    .took("kubelet is back", up)
    .took("leader and 3 voters", took)
    .at_most(took, seconds(120), "coming back")
    .finish()
}
