//! Labels that are not as they should be, and whose fault that is.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use dkron_ha::contract::annotation;
use dkron_ha::contract::label::LEADER;
use dkron_ha::contract::path::READYZ;

use crate::cluster::{CONTROLLERS_ACT_WITHIN, Cluster};
use crate::figures::{Row, Times};
use crate::servers::{COUNT, Servers};
use crate::wait::wait_until;

const PATIENCE: Duration = Duration::from_secs(60);

/// The leader and a follower.
const ROTATED: [usize; 2] = [0, 2];

/// Longer than the API server remembers that a token was good.
const REMEMBERED: Duration = Duration::from_secs(12);

/// By hand, by a new pod, and with a token that was replaced and whose predecessor is worth nothing any more.
pub fn edited_re_created_and_rotated_the_label_is_right_again(cluster: &Cluster) -> Result<()> {
    let mut servers = Servers::start(cluster, "mending")?;
    servers.lead(Some(0));
    servers.until_labelled(Some(0), PATIENCE)?;
    what_else_it_does(&servers)?;

    let mut edited = Times::default();
    for (pod, edit) in [(0, format!("{LEADER}=false")), (1, format!("{LEADER}=true")), (0, format!("{LEADER}-"))] {
        edited.push(after_edit(&servers, pod, &edit)?);
    }
    let mut re_created = Times::default();
    for ordinal in [1, 0] {
        re_created.push(re_create(&mut servers, ordinal)?);
    }
    for ordinal in ROTATED {
        rotate(&servers, ordinal)?;
    }
    thread::sleep(REMEMBERED);
    let mut rotated = Times::default();
    for ordinal in ROTATED {
        rotated.push(after_edit(&servers, ordinal, &format!("{LEADER}-"))?);
    }
    // The end of a leader: TERM, while nobody is left in its pod.
    let updater = servers.members[0].updater.take().context("no updater")?;
    drop(std::mem::replace(&mut servers.members[0].wrapper, crate::played::Played::start(|_| (503, String::new()))?));
    let told = Instant::now();
    updater.terminate()?;
    ensure!(servers.labels.now() == crate::servers::expected(None), "{:?}", servers.labels.now());
    let ended = told.elapsed();

    let limit = Duration::from_secs(5);
    Row::new("edited by hand, pod re-created, token rotated", "re-asserted <= 5 s")
        .shows("edited", &edited)
        .shows("re-created, from the start of the container", &re_created)
        .shows("token rotated and the old one void", &rotated)
        .shows("`false` and gone after TERM", format!("{:.2} s", ended.as_secs_f64()))
        .at_most(edited.longest(), limit, "an edit")
        .at_most(re_created.longest(), limit, "a new pod")
        .at_most(rotated.longest(), limit, "an edit after a rotation")
        .finish()
}

/// Readiness is the wrapper's, and that the cluster has formed is noted.
fn what_else_it_does(servers: &Servers<'_>) -> Result<()> {
    for member in &servers.members {
        let answer = member.updater()?.ask(READYZ)?;
        ensure!(answer.status == 200 && answer.body == "this server takes part\n", "{} {}", answer.status, answer.body);
        wait_until("the annotation that the cluster has formed", CONTROLLERS_ACT_WITHIN, || {
            let pod = servers.namespace.get("pod", &member.name)?;
            Ok((pod["metadata"]["annotations"][annotation::FORMED] == "true").then_some(()))
        })?;
    }
    Ok(())
}

/// How long a label is wrong after this edit by a person.
fn after_edit(servers: &Servers<'_>, pod: usize, edit: &str) -> Result<Duration> {
    let edited = Instant::now();
    servers.namespace.run(&["label", "--overwrite", &format!("pod/dkron-{pod}"), edit])?;
    let what = || format!("{edit} of dkron-{pod}");
    servers.labels.until(PATIENCE, |said| *said != crate::servers::expected(Some(0))).with_context(what)?;
    let right = servers.until_labelled(Some(0), PATIENCE).with_context(what)?;
    Ok(right.saturating_duration_since(edited))
}

/// The controller makes the pod anew, and the kubelet, played here, starts its container.
fn re_create(servers: &mut Servers<'_>, ordinal: usize) -> Result<Duration> {
    let name = servers.members[ordinal].name.clone();
    let before = servers.namespace.get("pod", &name)?["metadata"]["uid"].clone();
    servers.members[ordinal].updater = None;
    servers.namespace.run(&["delete", "pod", &name, "--wait=false"])?;
    wait_until("the controller to make the pod anew", CONTROLLERS_ACT_WITHIN, || {
        let pod = servers.namespace.kubectl.find("pod", &servers.namespace.name, &name)?;
        Ok(pod.filter(|pod| pod["metadata"]["uid"] != before).map(drop))
    })?;
    servers.namespace.pods("dkron", COUNT)?;
    ensure!(servers.labels.now() != crate::servers::expected(Some(0)), "a new pod comes without the label");
    let started = Instant::now();
    servers.start_updater(ordinal)?;
    Ok(servers.until_labelled(Some(0), PATIENCE)?.saturating_duration_since(started))
}

/// A token that is bound to a Secret is void once that is gone.
fn rotate(servers: &Servers<'_>, ordinal: usize) -> Result<()> {
    let directory = servers.members[ordinal].directory.path();
    let bind = |name: &str| -> Result<()> {
        servers.namespace.run(&["create", "secret", "generic", name])?;
        servers.write_token(directory, &["--bound-object-kind=Secret", &format!("--bound-object-name={name}")])
    };
    let (first, second) = (format!("first-{ordinal}"), format!("second-{ordinal}"));
    bind(&first)?;
    after_edit(servers, ordinal, &format!("{LEADER}-"))?;
    bind(&second)?;
    servers.namespace.run(&["delete", "secret", &first])?;
    Ok(())
}
