//! Events at a real API server, as `kubectl` shows them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use dkron_ha::init::procedure::Saying;
use serde_json::Value;

use crate::cluster::{CONTROLLERS_ACT_WITHIN, Cluster};
use crate::figures::{Row, Times};
use crate::servers::Servers;
use crate::wait::wait_until;

const A_MINUTE_AND_MORE: Duration = Duration::from_secs(90);

/// The rights of the account suffice, the API server takes what is written, and a person finds it where people look. What is said
/// again raises the count; what is said while the API server is away comes later.
pub fn what_people_must_know_becomes_events(cluster: &Cluster) -> Result<()> {
    let servers = Servers::start(cluster, "events")?;
    let member = &servers.members[1];
    let mut times = Times::default();
    for saying in [Saying::Holding(1, 2), Saying::Zombie(Duration::from_secs(15)), Saying::Stalled] {
        let said = Instant::now();
        member.says(&saying);
        let event = until_event(&servers, &saying)?;
        times.push(said.elapsed());
        about_the_pod(&servers, &event).with_context(|| event.to_string())?;
    }
    let described = servers.namespace.run(&["describe", "pod", &member.name])?.stdout;
    let shown = described.split("\nEvents:").nth(1).unwrap_or_default();
    for words in
        ["Warning  StopHeld", "DKHA-304: going now would leave", "Warning  ZombieRestarted", "Warning  StallCured"]
    {
        ensure!(shown.contains(words), "{words} is not in what kubectl describes: {described}");
    }
    ensure!(shown.contains("dkron-ha.io/dkron-ha-label-updater"), "{shown}");
    let other = servers.namespace.run(&["describe", "pod", &servers.members[0].name])?.stdout;
    ensure!(!other.contains("StopHeld"), "another pod's: {other}");

    let died = Saying::Died(1, Duration::ZERO);
    for _ in 0..3 {
        member.says(&died);
    }
    counted(&servers, &died, 3)?;

    servers.wire.cut();
    let leaving = Saying::RemovingSurplus("dkron-4".into());
    member.says(&leaving);
    member.says(&Saying::Stalled);
    std::thread::sleep(Duration::from_secs(5));
    servers.wire.mend();
    let event = until_event(&servers, &leaving)?;
    ensure!(event["type"] == "Normal", "{event}");
    counted(&servers, &Saying::Stalled, 2)?;
    let events = servers.namespace.kubectl.list_json("events.events.k8s.io", &servers.namespace.name)?;
    let of_the_updaters = events.iter().filter(|event| event["reportingInstance"] == member.name.as_str()).count();
    ensure!(of_the_updaters == 5, "one for each reason: {events:?}");
    Row::new("a person must know something", "an Event on the pod, also after an outage")
        .shows("`kubectl` shows it after", &times)
        .at_most(times.longest(), Duration::from_secs(5), "an Event")
        .finish()
}

fn until_event(servers: &Servers<'_>, saying: &Saying) -> Result<Value> {
    let note = saying.to_string();
    wait_until(&format!("the Event {note:?}"), CONTROLLERS_ACT_WITHIN, || {
        let events = servers.namespace.kubectl.list_json("events.events.k8s.io", &servers.namespace.name)?;
        Ok(events.into_iter().find(|event| event["note"] == note.as_str()))
    })
}

/// Waits until the one Event that says so has been said so often. Its count is raised once a minute.
fn counted(servers: &Servers<'_>, saying: &Saying, count: u64) -> Result<()> {
    wait_until(&format!("{count} times {saying}"), A_MINUTE_AND_MORE, || {
        Ok((until_event(servers, saying)?["series"]["count"] == count).then_some(()))
    })
}

fn about_the_pod(servers: &Servers<'_>, event: &Value) -> Result<()> {
    let pod = servers.namespace.get("pod", &servers.members[1].name)?;
    let set = servers.namespace.get("statefulset", "dkron")?;
    ensure!(event["regarding"]["uid"] == pod["metadata"]["uid"] && event["regarding"]["kind"] == "Pod");
    ensure!(event["related"]["uid"] == set["metadata"]["uid"] && event["related"]["kind"] == "StatefulSet");
    ensure!(event["type"] == "Warning");
    ensure!(event["reportingInstance"] == pod["metadata"]["name"]);
    Ok(())
}
