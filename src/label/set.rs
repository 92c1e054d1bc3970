//! The own set and its pods at the API server: read whole, whenever a watch says that something has changed and from time to time,
//! told to the wrapper, and to whoever keeps the label.
//!
//! A watch alone would not do: one that is silent may be broken, and the wrapper removes servers by what it is told. So the file
//! counts from the moment when a consistent read began, and is not renewed by anything less.

use std::error::Error;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{BoxStream, select};
use futures_util::{Stream, StreamExt as _};
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{ObjectReference, Pod};
use kube::api::ListParams;
use kube::core::PartialObjectMeta;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, Resource as _};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};

use super::desired;
use super::metrics::Metrics;
use super::{LabelConfig, Pace};
use crate::contract::label;
use crate::init::clock;
use crate::init::disk::desired as file;
use crate::init::disk::whole_file::{self, Kind};
use crate::init::procedure::Moment;
use crate::watches::Pauses;

/// What one read says of the labels.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// When the read began; `None` before the first one.
    pub at: Option<Instant>,
    /// What the label of the own pod says, if it says anything.
    pub own_label: Option<bool>,
    /// The own pod is annotated as having known a leader.
    pub own_formed: bool,
    /// Other pods of the set whose labels say that they lead.
    pub rivals: Vec<String>,
    /// Whom Events are about.
    pub own: Option<Own>,
}

/// The own pod and its set, as other objects name them.
#[derive(Clone, Debug)]
pub(super) struct Own {
    pub pod: ObjectReference,
    pub set: Option<ObjectReference>,
}

/// Everything that was read at once.
struct Read {
    at: (Moment, Instant),
    own: Pod,
    pods: Vec<Pod>,
    set: Option<StatefulSet>,
}

#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error("no answer from the API server within {0:?}")]
    TimedOut(Duration),
    #[error("the request failed: {0}")]
    Failed(#[from] kube::Error),
}

/// Reads, writes the file, and tells, for ever. `answered` says that the API server has answered somebody else: after an outage
/// nobody waits longer than that.
pub(super) async fn follow(
    client: Client,
    config: LabelConfig,
    metrics: Arc<Metrics>,
    answered: Arc<Notify>,
    tell: watch::Sender<Seen>,
) {
    let sets = Api::<StatefulSet>::namespaced(client.clone(), &config.namespace);
    let pods = Api::<Pod>::namespaced(client.clone(), &config.namespace);
    let boot = file::boot_id();
    let mut changes: Option<BoxStream<'static, ()>> = None;
    let mut pause = config.pace.first_pause;
    let mut was_away = false;
    let mut selector = None;
    loop {
        let outcome = tokio::select! {
            outcome = read(&sets, &pods, &mut selector, &config) => outcome,
            // This one may hang in a connection from before.
            () = answered.notified(), if was_away => continue,
        };
        let wait = match outcome {
            Ok(read) => {
                metrics.read(true);
                if std::mem::take(&mut was_away) {
                    tracing::info!("the API server answers again");
                    // The watches from before may hang, or wait long until they try again.
                    changes = None;
                }
                pause = config.pace.first_pause;
                note(&read, &config, boot.as_deref());
                tell.send_replace(seen(&read));
                if changes.is_none() {
                    changes = watched(&read, &client, &config.namespace);
                }
                config.pace.confirm
            }
            Err(error) => {
                metrics.read(false);
                if !std::mem::replace(&mut was_away, true) {
                    let error: &dyn Error = &error;
                    tracing::warn!(
                        error,
                        "the set and its pods cannot be read: the wrapper does without Kubernetes' word soon"
                    );
                }
                let wait = pause;
                pause = (pause * 2).min(config.pace.longest_read_pause);
                wait
            }
        };
        tokio::select! {
            () = change(changes.as_mut(), wait, config.pace) => {}
            () = answered.notified(), if was_away => {}
        }
    }
}

/// Waits until something may have changed.
async fn change(changes: Option<&mut BoxStream<'static, ()>>, at_most: Duration, pace: Pace) {
    let Some(changes) = changes else { return sleep(at_most).await };
    if let Ok(Some(())) = timeout(at_most, changes.next()).await {
        // Changes come in groups.
        sleep(pace.settle).await;
        while let Ok(Some(())) = timeout(Duration::ZERO, changes.next()).await {}
    }
}

/// Reads the pods that `selector` selects; the first time the own pod says which those are.
async fn read(
    sets: &Api<StatefulSet>,
    pods: &Api<Pod>,
    selector: &mut Option<String>,
    config: &LabelConfig,
) -> Result<Read, ReadError> {
    let limit = config.pace.read;
    let whole = async {
        let at = (clock::now().at, Instant::now());
        if selector.is_none() {
            *selector = selects(&pods.get(&config.pod).await?);
        }
        let listed = match &selector {
            Some(selector) => pods.list(&ListParams::default().labels(selector)).await?.items,
            None => Vec::new(),
        };
        let own = match listed.iter().find(|pod| pod.metadata.name.as_ref() == Some(&config.pod)) {
            Some(own) => own.clone(),
            None => pods.get(&config.pod).await?,
        };
        let set = match desired::owner(&own) {
            Some(owner) => sets.get_opt(&owner.name).await?,
            None => None,
        };
        Ok(Read { at, own, pods: listed, set })
    };
    timeout(limit, whole).await.unwrap_or(Err(ReadError::TimedOut(limit)))
}

/// What selects the servers of the own pod's cluster.
fn selects(own: &Pod) -> Option<String> {
    own.metadata.labels.as_ref()?.get(label::SERVER_OF).map(|cluster| format!("{}={cluster}", label::SERVER_OF))
}

fn seen(read: &Read) -> Seen {
    Seen {
        at: Some(read.at.1),
        own_label: desired::leader_label(&read.own),
        own_formed: desired::is_formed(&read.own),
        rivals: desired::rivals(read.set.as_ref(), &read.pods, &read.own),
        own: Some(Own { pod: read.own.object_ref(&()), set: read.set.as_ref().map(|set| set.object_ref(&())) }),
    }
}

/// Writes the file; without it the wrapper goes on, only with less.
fn note(read: &Read, config: &LabelConfig, boot: Option<&str>) {
    let Some(desired) = read.set.as_ref().and_then(|set| desired::desired(set, &read.pods, &config.pod)) else {
        return;
    };
    let Some(boot) = boot else { return };
    let failed = |error: &dyn Display| tracing::warn!(%error, path = %config.desired.display(), "not written");
    match file::to_json(&desired, boot, read.at.0) {
        Ok(text) => {
            if let Err(error) = whole_file::write(&config.desired, text.as_bytes(), Kind::News) {
                failed(&error);
            }
        }
        Err(error) => failed(&error),
    }
}

/// Something of the set or its pods has changed. Only that it has: what it is now, a read says.
fn watched(read: &Read, client: &Client, namespace: &str) -> Option<BoxStream<'static, ()>> {
    let of_pods = watcher::Config::default().labels(&selects(&read.own)?);
    let pods = Api::<PartialObjectMeta<Pod>>::namespaced(client.clone(), namespace);
    let pods = events(watcher(pods, of_pods).backoff(Pauses::default()));
    // Bare pods have no set.
    let Some(owner) = desired::owner(&read.own) else { return Some(pods) };
    let of_set = watcher::Config::default().fields(&format!("metadata.name={}", owner.name));
    let sets = Api::<PartialObjectMeta<StatefulSet>>::namespaced(client.clone(), namespace);
    Some(select(pods, events(watcher(sets, of_set).backoff(Pauses::default()))).boxed())
}

/// One item for each event; an interruption is worth a read too, and the watch goes on by itself.
fn events<T, E>(stream: impl Stream<Item = Result<T, E>> + Send + 'static) -> BoxStream<'static, ()>
where
    T: Send + 'static,
    E: Display + Send + 'static,
{
    let tell = |event: Result<T, E>| {
        if let Err(error) = event {
            tracing::debug!(%error, "a watch was interrupted");
        }
    };
    stream.map(tell).boxed()
}
