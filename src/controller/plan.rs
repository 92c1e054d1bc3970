//! What to apply, to delete and to say in one namespace. Pure.

mod rollouts;

use k8s_openapi::Metadata;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde_json::Value;

use super::cluster::{Cluster, clusters, of_set};
use super::difference::holds;
use super::rollout::Replace;
use super::world::{World, is_ours, name};
use super::{accounts, budget, services};
use crate::contract::{label, object};

/// Everything that is to be done, in this order.
#[derive(Debug, Default, PartialEq)]
pub struct Plan {
    /// Objects as they are to be, for server-side apply.
    pub apply: Vec<Value>,
    /// Objects that are to go.
    pub delete: Vec<Target>,
    /// How far rollouts are, for annotations of their sets.
    pub progress: Vec<Progress>,
    /// Servers that are to go, and to come back with the new template.
    pub replace: Vec<Replace>,
    /// Time alone changes what is to be done.
    pub soon: bool,
    /// What people are told.
    pub say: Vec<Remark>,
}

/// An object of the namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What it is.
    pub kind: Kind,
    /// What it is called.
    pub name: String,
}

/// What the annotation `dkron-ha.io/rollout-status` of a set is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Name of the set.
    pub set: String,
    /// Its uid.
    pub uid: String,
    /// The text; `None` takes the annotation away.
    pub status: Option<String>,
}

/// Kinds that the controller makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Account of pods.
    ServiceAccount,
    /// Who has which rights.
    RoleBinding,
    /// Names and addresses.
    Service,
    /// What a drain must leave.
    PodDisruptionBudget,
}

impl Kind {
    /// The kind of an object that is to be applied.
    pub fn of(object: &Value) -> Option<Self> {
        Some(match object["kind"].as_str()? {
            "ServiceAccount" => Self::ServiceAccount,
            "RoleBinding" => Self::RoleBinding,
            "Service" => Self::Service,
            "PodDisruptionBudget" => Self::PodDisruptionBudget,
            _ => return None,
        })
    }
}

/// An Event. For one object, or pair of objects, there is one of each reason: what is written of the same reason soon after is
/// counted as the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Remark {
    /// Whom it is about.
    pub about: ObjectReference,
    /// Whom else it is about.
    pub related: Option<ObjectReference>,
    /// Whether it is a warning.
    pub warning: bool,
    /// Its reason.
    pub reason: &'static str,
    /// What people read.
    pub note: String,
}

/// What a namespace needs: everything where it is opted in or dkron pods of ours live there, and nothing of ours afterwards.
pub fn plan(world: &World) -> Plan {
    let mut plan = Plan::default();
    if !world.opted_in && !world.is_inhabited() {
        plan.delete = everything(world);
        return plan;
    }
    for object in accounts::objects(world) {
        plan.keep(world, object);
    }
    for cluster in &clusters(world) {
        let made = [
            plan.names(world, cluster),
            plan.keep(world, services::leader(&world.namespace, cluster)),
            plan.budget(world, cluster),
        ];
        let made: Vec<String> = made.into_iter().flatten().collect();
        if !made.is_empty() {
            let note = format!("made what was missing: {}", made.join(", "));
            plan.say.push(Remark::of(&cluster.regarding, false, "Created", note));
        }
    }
    for set in &world.sets {
        plan.rollout(world, set);
    }
    for set in &world.unstamped {
        let name = name(&set.metadata);
        let note =
            format!("older than the opt-in and left as it is, until: kubectl rollout restart statefulset/{name}");
        plan.say.push(Remark::of(&of_set(&set.metadata), true, "NotInjected", note));
    }
    plan
}

impl Remark {
    fn of(about: &ObjectReference, warning: bool, reason: &'static str, note: String) -> Self {
        Self { about: about.clone(), related: None, warning, reason, note }
    }
}

impl Plan {
    /// Applies an object unless somebody else's has its name, or it is as it is to be. Gives back what it is called where there was
    /// none.
    fn keep(&mut self, world: &World, mut wanted: Value) -> Option<String> {
        let kind = Kind::of(&wanted)?;
        let called = wanted["metadata"]["name"].as_str()?.to_owned();
        let present = metas(world, kind).find(|meta| name(meta) == called);
        if present.is_some_and(|meta| !is_ours(meta)) {
            return None;
        }
        wanted["metadata"]["labels"][label::MANAGED_BY] = object::CONTROLLER.into();
        let is_missing = present.is_none();
        if is_missing || !holds(&present_as_json(world, kind, &called), &wanted) {
            self.apply.push(wanted);
        }
        is_missing.then(|| format!("{kind:?} {called}"))
    }

    /// The Service that gives the servers their names. Somebody's own is left alone; the wrappers also look at addresses.
    fn names(&mut self, world: &World, cluster: &Cluster) -> Option<String> {
        let present = world.services.iter().find(|service| name(&service.metadata) == cluster.service);
        let Some(theirs) = present.filter(|service| !is_ours(&service.metadata)) else {
            return self.keep(world, services::peers(&world.namespace, cluster));
        };
        let faults = services::faults(theirs, cluster).join("; ");
        if !faults.is_empty() {
            let note = format!("Service {}, which is to give the servers their names: {faults}", cluster.service);
            self.say.push(Remark::of(&cluster.regarding, true, "ServiceCannotWork", note));
        }
        None
    }

    /// The budget, unless somebody's own is about the same pods.
    fn budget(&mut self, world: &World, cluster: &Cluster) -> Option<String> {
        let ours = |meta: &ObjectMeta| is_ours(meta) && name(meta) == cluster.name;
        let theirs = world.budgets.iter().any(|one| !ours(&one.metadata) && budget::selects(one, &cluster.labels));
        if !theirs {
            return self.keep(world, budget::budget(&world.namespace, cluster));
        }
        let ours = world.budgets.iter().filter(|one| ours(&one.metadata));
        self.delete.extend(ours.map(|one| target(Kind::PodDisruptionBudget, &one.metadata)));
        None
    }
}

/// All that the controller has made here, rights last: nobody is without them who may still need them.
fn everything(world: &World) -> Vec<Target> {
    let kinds = [Kind::Service, Kind::PodDisruptionBudget, Kind::RoleBinding, Kind::ServiceAccount];
    let of_kind = |kind| metas(world, kind).filter(|meta| is_ours(meta)).map(move |meta| target(kind, meta));
    kinds.into_iter().flat_map(of_kind).collect()
}

fn target(kind: Kind, meta: &ObjectMeta) -> Target {
    Target { kind, name: name(meta).to_owned() }
}

/// The objects of one kind that were read.
fn metas(world: &World, kind: Kind) -> Box<dyn Iterator<Item = &ObjectMeta> + '_> {
    match kind {
        Kind::ServiceAccount => Box::new(world.accounts.iter().map(|one| &one.metadata)),
        Kind::RoleBinding => Box::new(world.bindings.iter().map(|one| &one.metadata)),
        Kind::Service => Box::new(world.services.iter().map(|one| &one.metadata)),
        Kind::PodDisruptionBudget => Box::new(world.budgets.iter().map(|one| &one.metadata)),
    }
}

/// One of them in whole; null where there is none.
fn present_as_json(world: &World, kind: Kind, called: &str) -> Value {
    fn one<K: Metadata<Ty = ObjectMeta> + Serialize>(all: &[K], called: &str) -> Value {
        let found = all.iter().find(|one| name(one.metadata()) == called);
        found.and_then(|found| serde_json::to_value(found).ok()).unwrap_or_default()
    }
    match kind {
        Kind::ServiceAccount => one(&world.accounts, called),
        Kind::RoleBinding => one(&world.bindings, called),
        Kind::Service => one(&world.services, called),
        Kind::PodDisruptionBudget => one(&world.budgets, called),
    }
}

#[cfg(test)]
mod tests;
