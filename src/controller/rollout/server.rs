//! One server of a set, as its pod shows it.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Pod, PodCondition};
use k8s_openapi::jiff::{SignedDuration, Timestamp};

use super::STUCK;
use crate::contract::{annotation, env, label};
use crate::controller::world::name;

/// A pod that its set owns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Server<'p> {
    pod: &'p Pod,
    pub ordinal: i64,
    /// It was made from the template that counts now.
    pub is_new: bool,
}

impl<'p> Server<'p> {
    /// The server that a pod is; `None` of a pod that is not the set's.
    pub fn of(pod: &'p Pod, set: &StatefulSet, revision: &str) -> Option<Self> {
        let mut owners = pod.metadata.owner_references.iter().flatten();
        owners.find(|owner| owner.controller == Some(true) && Some(&owner.uid) == set.metadata.uid.as_ref())?;
        let ordinal = name(&pod.metadata).strip_prefix(name(&set.metadata))?.strip_prefix('-')?.parse().ok()?;
        let mut server = Self { pod, ordinal, is_new: false };
        server.is_new = server.label("controller-revision-hash") == Some(revision);
        Some(server)
    }

    pub fn name(&self) -> &'p str {
        name(&self.pod.metadata)
    }

    pub fn uid(&self) -> &'p str {
        self.pod.metadata.uid.as_deref().unwrap_or_default()
    }

    pub fn version(&self) -> &'p str {
        self.pod.metadata.resource_version.as_deref().unwrap_or_default()
    }

    /// It was told to stop.
    pub fn is_leaving(&self) -> bool {
        self.pod.metadata.deletion_timestamp.is_some()
    }

    /// All its containers are ready: of one with a wrapper that means a voter that knows its leader.
    pub fn is_ready(&self) -> bool {
        self.readiness().is_some_and(|condition| condition.status == "True")
    }

    /// It is labelled as the leader.
    pub fn leads(&self) -> bool {
        self.label(label::LEADER) == Some("true")
    }

    /// It has a wrapper and a label updater.
    pub fn is_injected(&self) -> bool {
        self.label(label::INJECTED) == Some("true")
    }

    /// It has known a leader in this pod's life.
    pub fn has_formed(&self) -> bool {
        let annotations = self.pod.metadata.annotations.as_ref();
        annotations.and_then(|all| all.get(annotation::FORMED)).is_some_and(|value| value == "true")
    }

    /// For how long it has been as ready, or unready, as it is. Nodes have clocks of their own: where one is ahead of ours, a server
    /// that is ready has been for long, and one that is not has not.
    pub fn lasted(&self, now: Timestamp) -> SignedDuration {
        let changed = self.readiness().and_then(|condition| condition.last_transition_time.as_ref());
        let since = changed.or(self.pod.metadata.creation_timestamp.as_ref());
        let lasted = since.map_or(SignedDuration::ZERO, |since| now.duration_since(since.0));
        if lasted.is_negative() && self.is_ready() { SignedDuration::MAX } else { lasted }
    }

    /// It is a sign that a cluster lives: without a quorum there is no leader to be known.
    pub fn knows_a_leader(&self) -> bool {
        self.is_ready() && (self.has_formed() || !self.is_injected())
    }

    /// It will not be ready by itself, and no data of a cluster go with it.
    pub fn is_stuck(&self, now: Timestamp) -> bool {
        let loses_nothing = self.keeps_disk() || (self.is_injected() && !self.has_formed());
        !self.is_ready() && self.lasted(now) >= STUCK && loses_nothing
    }

    /// A container of it runs, or has run.
    pub fn has_begun(&self) -> bool {
        let status = self.pod.status.as_ref();
        let mut containers = status.iter().flat_map(|status| status.container_statuses.iter().flatten());
        containers.any(|container| {
            let mut states = [&container.state, &container.last_state].into_iter().flatten();
            container.restart_count > 0 || states.any(|state| state.running.is_some() || state.terminated.is_some())
        })
    }

    /// Its disk outlives it, as the webhook has told the wrapper.
    fn keeps_disk(&self) -> bool {
        let containers = self.pod.spec.iter().flat_map(|spec| &spec.containers);
        let mut variables = containers.flat_map(|container| container.env.iter().flatten());
        variables.any(|variable| variable.name == env::STORAGE && variable.value.as_deref() == Some("persistent"))
    }

    fn readiness(&self) -> Option<&'p PodCondition> {
        let conditions = self.pod.status.as_ref()?.conditions.as_ref()?;
        conditions.iter().find(|condition| condition.type_ == "Ready")
    }

    fn label(&self, key: &str) -> Option<&'p str> {
        self.pod.metadata.labels.as_ref()?.get(key).map(String::as_str)
    }
}
