//! `rollout: leader-last`: which server of a set is replaced next, or for what that has to wait. Pure.
//!
//! What decides is read anew each time and stands in Kubernetes: the set, and its pods with their readiness, revision and leader
//! label. So whichever replica goes on, goes on where the last one ended, and a template that changes in between, a leader that
//! moves or replicas that change need no care of their own.

mod server;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use self::server::Server;
use super::world::name;
use crate::contract::{annotation, label};
use crate::options::Rollout as By;

/// A server counts once it has been ready for so long, or for the set's `minReadySeconds` if that is longer: raft may still be
/// bringing it what it missed.
pub const SETTLED: SignedDuration = SignedDuration::from_secs(5);

/// A server that has not been ready for so long does not get there by itself.
pub const STUCK: SignedDuration = SignedDuration::from_mins(5);

/// What the status says in the end.
const DONE: &str = "done";

/// How far the servers of a set are, and what is next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// The revision that all are to have, by its name in Kubernetes.
    pub revision: String,
    /// How many have it.
    pub updated: usize,
    /// How many have another.
    pub outdated: usize,
    /// How many servers the set is to have.
    pub servers: usize,
    /// What is next.
    pub step: Step,
}

/// What is next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// All servers have the revision, and are ready.
    Done,
    /// This server is to go, and to come back with the new template.
    Replace(Replace),
    /// Nothing, until this is over. It is expected to be, soon.
    Wait(String),
    /// The same, by time alone: nobody tells when it is.
    Settle(String),
    /// Nothing, until this is over; somebody may have to see to it.
    Pause(String),
}

/// A pod to delete, only if it is still what was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replace {
    /// Its name.
    pub pod: String,
    /// Its uid.
    pub uid: String,
    /// Its `resourceVersion`.
    pub version: String,
    /// It is the leader, and so the last.
    pub leads: bool,
}

/// Whether the controller replaces the servers of this set: its template says so, or says nothing where that is the default, and the
/// StatefulSet pass has kept Kubernetes' own controller from it.
pub fn is_leader_last(set: &StatefulSet, default: Option<By>) -> bool {
    let Some(spec) = &set.spec else { return false };
    let meta = spec.template.metadata.as_ref();
    let serves = meta.and_then(|meta| meta.labels.as_ref()).is_some_and(|labels| labels.contains_key(label::SERVER_OF));
    let said = meta.and_then(|meta| meta.annotations.as_ref()).and_then(|all| all.get(annotation::ROLLOUT));
    let wanted = said.map_or(default == Some(By::LeaderLast), |said| said == "leader-last");
    let strategy = spec.update_strategy.as_ref().and_then(|strategy| strategy.type_.as_deref());
    serves && wanted && strategy == Some("OnDelete")
}

/// How far a set is. `pods` are all of its pods, also those that are not injected; `None` where there is nothing to roll.
pub fn rollout(set: &StatefulSet, pods: &[Pod], now: Timestamp) -> Option<Rollout> {
    let (spec, status) = (set.spec.as_ref()?, set.status.as_ref()?);
    let revision = status.update_revision.clone().filter(|_| set.metadata.deletion_timestamp.is_none())?;
    let start = spec.ordinals.as_ref().map_or(0, |ordinals| i64::from(ordinals.start.unwrap_or(0)));
    let ordinals = start..start + i64::from(spec.replicas.unwrap_or(1));
    let all = pods.iter().filter_map(|pod| Server::of(pod, set, &revision));
    let (mut wanted, surplus): (Vec<_>, Vec<_>) = all.partition(|server| ordinals.contains(&server.ordinal));
    wanted.sort_by_key(|server| server.ordinal);
    let updated = wanted.iter().filter(|server| server.is_new).count();
    let outdated = wanted.len() - updated;
    let replicas = usize::try_from(ordinals.end - ordinals.start).unwrap_or(0);
    let missing = ordinals.clone().find(|ordinal| wanted.iter().all(|server| server.ordinal != *ordinal));
    let step = if status.observed_generation < set.metadata.generation {
        Step::Wait("Kubernetes has yet to see the new template".into())
    } else {
        let missing = missing.map(|ordinal| format!("{}-{ordinal}", name(&set.metadata)));
        let settled = SETTLED.max(SignedDuration::from_secs(spec.min_ready_seconds.unwrap_or(0).into()));
        let waits_in_order = missing.is_some() && spec.pod_management_policy.as_deref() != Some("Parallel");
        Servers { wanted: &wanted, missing, waits_in_order, replicas, surplus: &surplus, settled, now }.step()
    };
    Some(Rollout { revision, updated, outdated, servers: replicas, step })
}

/// The servers of a set.
struct Servers<'s> {
    /// Those that there are to be, by ordinal.
    wanted: &'s [Server<'s>],
    /// The first of them that has no pod.
    missing: Option<String>,
    /// It comes only when those before it are ready.
    waits_in_order: bool,
    replicas: usize,
    /// Those beyond.
    surplus: &'s [Server<'s>],
    settled: SignedDuration,
    now: Timestamp,
}

impl<'s> Servers<'s> {
    fn step(&self) -> Step {
        // As long as one is away, whoever sent it, no other one goes.
        if let Some(leaving) = self.wanted.iter().find(|server| server.is_leaving()) {
            return Step::Wait(format!("{} is stopping", leaving.name()));
        }
        let missing = self.missing.as_ref().map(|missing| Step::Wait(format!("{missing} has no pod yet")));
        if self.old().next().is_none() {
            return missing.or_else(|| self.unready_new()).unwrap_or(Step::Done);
        }
        let hopeless = self.old().filter(|server| self.is_hopeless(server));
        if let Some(hopeless) = hopeless.min_by_key(|server| (server.leads(), server.ordinal)) {
            return replace(hopeless);
        }
        let broken = self.old().filter(|server| !server.is_ready());
        let broken = broken.min_by_key(|server| (server.leads(), server.ordinal)).map(|broken| self.broken(broken));
        if let Some(missing) = missing {
            let unblocks = |step: &Step| self.waits_in_order && matches!(step, Step::Replace(_));
            return broken.filter(unblocks).unwrap_or(missing);
        }
        if let Some(surplus) = self.surplus.first() {
            return Step::Wait(format!("{} is to go, since there are fewer replicas", surplus.name()));
        }
        if let Some(awaited) = self.unready_new() {
            return awaited;
        }
        if let Some(broken) = broken {
            return broken;
        }
        if let Some(fresh) = self.wanted.iter().find(|server| server.lasted(self.now) < self.settled) {
            return Step::Settle(format!("{} has only just become ready", fresh.name()));
        }
        self.healthy()
    }

    fn old(&self) -> impl Iterator<Item = &'s Server<'s>> {
        self.wanted.iter().filter(|server| !server.is_new)
    }

    /// Nobody can be worse off without it: it has never run; or no cluster lives that it could be a voter of, though its pod is not ready.
    /// After a template that never worked, and one that mends it, there is no quorum to be waited for without this.
    fn is_hopeless(&self, server: &Server<'_>) -> bool {
        let lives = self.wanted.iter().any(Server::knows_a_leader);
        // Here one may be ready without a leader, so that the others come to exist.
        let lives = lives && (!self.waits_in_order || self.wanted.iter().any(Server::leads));
        (!server.is_ready() && !server.has_begun()) || (!lives && server.is_stuck(self.now))
    }

    /// One of the new revision that is not ready is awaited.
    fn unready_new(&self) -> Option<Step> {
        let awaited = self.wanted.iter().find(|server| server.is_new && !server.is_ready())?;
        let name = awaited.name();
        Some(if awaited.lasted(self.now) < STUCK {
            Step::Wait(format!("{name} is not ready yet"))
        } else {
            Step::Pause(format!("{name} has the new revision, and has not been ready for 5 minutes"))
        })
    }

    /// An old one that is not ready goes first, where the others are a cluster without it.
    fn broken(&self, broken: &Server<'_>) -> Step {
        let (of, ready) = (self.replicas, self.wanted.iter().filter(|server| server.is_ready()).count());
        // With one or two servers there is no quorum without one of them.
        let needed = (of / 2 + 1).min(of - 1);
        let name = broken.name();
        if ready < needed {
            return Step::Pause(format!("a quorum is at risk: {ready} of {of} servers are ready, and {name} is not"));
        }
        if broken.leads() && broken.lasted(self.now) < STUCK {
            return Step::Wait(format!("{name} is labelled as the leader and is not ready"));
        }
        replace(broken)
    }

    /// All are there and ready: the followers one after another, from the highest down, and the leader when it is the only one left.
    fn healthy(&self) -> Step {
        let follower = self.old().filter(|server| !server.leads()).last();
        let leaders: Vec<_> = self.wanted.iter().filter(|server| server.leads()).collect();
        match (&leaders[..], follower) {
            ([_], Some(follower)) => replace(follower),
            ([leader], None) => replace(leader),
            ([], Some(only)) if self.wanted.len() == 1 || !self.have_a_leader() => replace(only),
            ([], _) if self.wanted.iter().any(|server| server.lasted(self.now) < STUCK) => {
                Step::Wait("no pod is labelled as the leader".into())
            }
            ([], _) => Step::Pause("no pod is labelled as the leader, and all have been ready for 5 minutes".into()),
            (several, _) => {
                let names: Vec<_> = several.iter().map(|server| server.name()).collect();
                Step::Wait(format!("several pods are labelled as the leader: {}", names.join(", ")))
            }
        }
    }

    /// Whether one of them is to be labelled. A pod without a label updater never is, and where no server has ever known a leader,
    /// there is none.
    fn have_a_leader(&self) -> bool {
        self.wanted.iter().all(Server::is_injected) && self.wanted.iter().any(Server::has_formed)
    }
}

fn replace(server: &Server<'_>) -> Step {
    Step::Replace(Replace {
        pod: server.name().to_owned(),
        uid: server.uid().to_owned(),
        version: server.version().to_owned(),
        leads: server.leads(),
    })
}

impl Rollout {
    /// Whether it goes on, or came to its end since somebody was told so. Where all have the revision, and that was told, a pod that
    /// starts anew for another reason is no rollout.
    pub fn is_under_way(&self, told: Option<&str>) -> bool {
        let told = told.map(|text| serde_json::from_str::<Value>(text).unwrap_or_default());
        self.outdated > 0 || told.is_some_and(|told| told["step"] != DONE || told["revision"] != self.revision)
    }

    /// The value of the annotation `dkron-ha.io/rollout-status`.
    pub fn status(&self) -> String {
        let (step, note) = match &self.step {
            Step::Done => (DONE, "all servers have the revision"),
            Step::Replace(replace) => ("replacing", &*replace.pod),
            Step::Wait(note) | Step::Settle(note) => ("waiting", &**note),
            Step::Pause(note) => ("paused", &**note),
        };
        let Self { revision, updated, servers, .. } = self;
        json!({ "revision": revision, "step": step, "updated": updated, "servers": servers, "note": note }).to_string()
    }
}

#[cfg(test)]
mod played;
#[cfg(test)]
mod tests;
