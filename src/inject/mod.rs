//! The injection engine: an object in, a verdict out. No I/O, no async, no clock.
//!
//! [`Engine::decide`] is the whole decision. `stateful_set` and `pod` are the two passes; each other file answers one
//! question of them.

mod account;
mod agent;
mod annotations;
mod command;
mod container;
mod containers;
mod doubts;
mod edit;
mod entry_point;
mod environment;
mod identity;
mod image;
mod owner;
mod pod;
mod probes;
mod recognise;
mod role;
mod shape;
mod size;
mod spread;
mod stateful_set;
mod storage;
mod verdict;
mod volumes;
mod well_formed;

pub use shape::{REVIEW, WORKLOAD};
pub use verdict::{Decision, Rejection, Verdict, WARNING_LENGTH, Warning};

use crate::contract::{EXCLUDED_NAMESPACES, label};
use crate::json::Node;
use crate::settings::Settings;
use std::borrow::Cow;

/// What is reviewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `v1` Pod.
    Pod,
    /// `apps/v1` StatefulSet.
    StatefulSet,
}

/// An object on its way into the API server.
#[derive(Debug)]
pub struct Request<'n> {
    /// Its kind.
    pub kind: Kind,
    /// Namespace of the request; objects need not carry it.
    pub namespace: Cow<'n, str>,
    /// The object, read with [`WORKLOAD`].
    pub object: &'n Node<'n>,
    /// The object before an UPDATE; `None` at CREATE.
    pub old: Option<&'n Node<'n>>,
}

impl Request<'_> {
    /// `metadata.name`; empty where the API server has yet to generate one.
    fn name(&self) -> Cow<'_, str> {
        self.object.get("metadata").get("name").str().unwrap_or_default()
    }
}

/// Which clusters are known: asked only for agents that name none.
pub trait Clusters: Send + Sync {
    /// The stamped clusters of a namespace.
    fn of(&self, namespace: &str) -> KnownClusters;
}

/// What is known of the clusters of a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KnownClusters {
    /// Nobody watches them: agents name theirs.
    NotWatched,
    /// The first complete list is on its way.
    NotYet,
    /// These, by name.
    These(Vec<KnownCluster>),
}

/// A cluster of a stamped StatefulSet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KnownCluster {
    /// Its name, which is the set's.
    pub name: String,
    /// The headless Service that names its servers.
    pub service: String,
}

/// Nobody watches clusters.
#[derive(Clone, Copy, Debug)]
pub struct NoClusters;

impl Clusters for NoClusters {
    fn of(&self, _: &str) -> KnownClusters {
        KnownClusters::NotWatched
    }
}

/// Why a pass came to no end.
#[derive(Debug)]
pub enum Undecided {
    /// The object is refused.
    Refused(Rejection),
    /// Something that is about to be known is missing.
    NotYet,
}

impl From<Rejection> for Undecided {
    fn from(rejection: Rejection) -> Self {
        Self::Refused(rejection)
    }
}

/// Texts of the injected containers.
#[derive(Clone, Debug)]
struct ContainerTexts {
    install: String,
    label_updater: String,
}

/// The engine: settings, and what was prepared from them once.
pub struct Engine {
    settings: Settings,
    clusters: Box<dyn Clusters>,
    /// For pods that override nothing, without and with a user of their own.
    prepared: [ContainerTexts; 2],
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Engine {
    /// Prepares an engine.
    pub fn new(settings: Settings, clusters: Box<dyn Clusters>) -> Self {
        let text = |inherits_user| {
            let plain = containers::Injected { options: &settings.options, inherits_user, dkron_port: None };
            ContainerTexts { install: plain.install(), label_updater: plain.label_updater(&settings) }
        };
        let prepared = [text(false), text(true)];
        Self { settings, clusters, prepared }
    }

    /// Decides about an object.
    pub fn decide<'n>(&self, request: &'n Request<'n>) -> Verdict {
        let namespace = &*request.namespace;
        if EXCLUDED_NAMESPACES.contains(&namespace) || namespace == self.settings.namespace {
            return Verdict::skip();
        }
        if let Err(rejection) = well_formed::check(request) {
            return rejection.into();
        }
        let verdict = match request.kind {
            Kind::Pod => pod::pod(self, request),
            Kind::StatefulSet => stateful_set::stateful_set(self, request),
        };
        verdict.unwrap_or_else(|undecided| match undecided {
            Undecided::Refused(rejection) => rejection.into(),
            Undecided::NotYet => Verdict::of(Decision::NotYet, Vec::new()),
        })
    }

    /// Texts of the injected containers, prepared where the pod overrides nothing that they show.
    fn containers<'a>(&'a self, wanted: &containers::Injected<'_>) -> Cow<'a, ContainerTexts> {
        let ours = containers::Injected { options: &self.settings.options, ..wanted.clone() };
        if wanted.dkron_port.is_none() && wanted.shown() == ours.shown() {
            return Cow::Borrowed(&self.prepared[usize::from(wanted.inherits_user)]);
        }
        Cow::Owned(ContainerTexts { install: wanted.install(), label_updater: wanted.label_updater(&self.settings) })
    }
}

/// What the label `dkron-ha.io/inject` says.
fn opted(labels: &Node<'_>) -> Option<bool> {
    match labels.get(label::INJECT).str().as_deref() {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ => None,
    }
}
