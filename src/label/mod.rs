//! `dkron-ha label`: the sidecar that speaks with Kubernetes for its pod. It keeps the label `dkron-ha.io/leader` true to what its dkron
//! says, and tells the wrapper what Kubernetes wants.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`decision`] | what to write into the label, given what was written, what dkron answered and what time it is; pure |
//! | `reign` | when a leader takes the labels of others away; pure |
//! | `desired` | what the set and its pods, as they were read, say; pure |
//! | `set` | reads them, and writes `desired.json` |
//! | `pod` | patches |
//! | `ledger` | which Events are still to be written, of what the wrapper says; pure |
//! | `events` | asks the wrapper, and writes them |
//! | `api_server` | where the API server is, and the token for it |
//! | `ask` | questions to dkron and the wrapper |
//! | `own_dkron` | dkron's HTTP API, with TLS and credentials where it wants them |
//! | `door` | the same for the wrapper, by a Unix socket |
//! | `accept` | connections, of the own port and of the door |
//! | `health`, `metrics` | the own port |
//!
//! A native sidecar is told to stop after dkron is gone. As a plain container it is told at the same time as dkron, and goes on until
//! the wrapper is gone: the wrapper's farewell needs Kubernetes' word, and the leader its label.

mod accept;
mod api_server;
mod ask;
mod config;
pub mod decision;
mod desired;
mod door;
mod events;
mod health;
mod ledger;
mod metrics;
mod own_dkron;
mod pod;
mod reign;
mod set;

use std::error::Error;
use std::mem;
use std::net::Ipv4Addr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::Method;
use serde::Deserialize;
use tokio::sync::{Notify, watch};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

pub use api_server::AccessError;
pub use config::{LabelConfig, LabelError, Pace};
pub use own_dkron::DkronApi;

use crate::contract::path;
use ask::AskError;
use decision::{Observation, Patch, State};
use metrics::Metrics;
use pod::{OwnPod, PatchError};
use reign::Reign;
use set::Seen;

/// What dkron answers: 200 where this server leads, 404 where it does not.
const IS_LEADER: &str = "/v1/isleader";

/// Between two attempts to take the label away at the end.
const FAREWELL_PAUSE: Duration = Duration::from_millis(250);

/// Between two questions whether the wrapper is still there.
const GONE_PAUSE: Duration = Duration::from_millis(200);

/// So often in a row nobody listened: the wrapper is gone.
const GONE: u32 = 3;

/// Between two questions whether the cluster has formed, until it has.
const FORMED_PAUSE: Duration = Duration::from_secs(2);

/// Keeps the label until `shutdown` completes and the wrapper is gone, then sets it to `"false"`, for [`Pace::farewell`] at most.
///
/// # Errors
/// [`LabelError`] where no client for the API server can be made. Nothing that happens afterwards ends it.
pub async fn run(config: LabelConfig, shutdown: impl Future<Output = ()>) -> Result<(), LabelError> {
    let client = api_server::client(config.api.clone()).map_err(LabelError::Client)?;
    let pod = Arc::new(OwnPod::new(client.clone(), &config));
    let metrics = Arc::new(Metrics::default());
    let answered = Arc::new(Notify::new());
    let (tell, seen) = watch::channel(Seen::default());
    let beside = [
        tokio::spawn(health::serve(config.clone(), Arc::clone(&metrics))),
        tokio::spawn(set::follow(client.clone(), config.clone(), Arc::clone(&metrics), Arc::clone(&answered), tell)),
        tokio::spawn(events::tell(client, config.clone(), Arc::clone(&metrics), seen.clone())),
        tokio::spawn(note_formed(config.clone(), Arc::clone(&pod), seen.clone())),
    ];
    let door = config.dkron.is_guarded().then(|| tokio::spawn(door::serve(config.clone())));
    let over = async {
        shutdown.await;
        let _ = timeout(config.pace.outlive, wrapper_is_gone(&config)).await;
    };
    follow(&config, &pod, &metrics, &seen, &answered, pin!(over)).await;
    farewell(&config, &pod, &metrics).await;
    beside.iter().chain(&door).for_each(tokio::task::JoinHandle::abort);
    Ok(())
}

/// Polls and patches until told to stop. A patch under way is never abandoned for that: it might be carried out after the
/// last one.
async fn follow(
    config: &LabelConfig,
    pod: &OwnPod,
    metrics: &Metrics,
    seen: &watch::Receiver<Seen>,
    answered: &Notify,
    mut over: Pin<&mut impl Future<Output = ()>>,
) {
    let mut state = State::new(config.pace);
    let mut reign = Reign::new(config.pace);
    let mut is_told = false;
    let mut polls = interval(config.pace.poll);
    polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let observation = tokio::select! {
            biased;
            () = over.as_mut() => return,
            observation = async {
                polls.tick().await;
                observe(config, metrics, &mut is_told).await
            } => observation,
        };
        let seen = seen.borrow().clone();
        if let Some(at) = seen.at {
            state.saw(seen.own_label, at.into_std());
        }
        reign.observed(observation, Instant::now());
        if let Some(patch) = decision::next(&state, observation, Instant::now()) {
            assert_label(pod, patch, &mut state, metrics, answered).await;
        }
        depose(pod, &seen, &mut reign).await;
    }
}

/// Writes the own label, and notes what became of it.
async fn assert_label(pod: &OwnPod, patch: Patch, state: &mut State, metrics: &Metrics, answered: &Notify) {
    match write(pod, patch, metrics).await {
        Ok(()) => {
            if state.is_news(patch) {
                tracing::info!(leader = patch.leader, "label written");
            }
            state.wrote(patch, Instant::now());
            answered.notify_one();
        }
        // An outage is told once, not every two seconds.
        Err(error) if state.failed(patch, Instant::now()) => {
            tracing::warn!(error = whole(&error), leader = patch.leader, "label not written, trying again");
        }
        Err(error) => tracing::debug!(%error, leader = patch.leader, "label not written"),
    }
}

/// Takes the labels of others away where it is time to.
async fn depose(pod: &OwnPod, seen: &Seen, reign: &mut Reign) {
    let Some(at) = seen.at.map(tokio::time::Instant::into_std) else { return };
    if seen.rivals.is_empty() || !reign.is_due(at, Instant::now()) {
        return;
    }
    let mut well = true;
    for rival in &seen.rivals {
        match pod.depose(rival).await {
            Ok(()) => tracing::info!(pod = rival, "label taken away from a server that leads no more"),
            Err(error) => {
                well = false;
                tracing::warn!(
                    error = whole(&error),
                    pod = rival,
                    "label of a server that leads no more not taken away"
                );
            }
        }
    }
    reign.tried(at, well, Instant::now());
}

/// Notes once that the wrapper has heard of a leader, so that it is known also after all wrappers have been replaced.
async fn note_formed(config: LabelConfig, pod: Arc<OwnPod>, mut seen: watch::Receiver<Seen>) {
    let mut failed = false;
    while seen.wait_for(|seen| seen.at.is_some()).await.is_ok_and(|seen| !seen.own_formed) {
        if has_formed(&config).await {
            match pod.note_formed().await {
                Ok(()) => return tracing::info!("noted that the cluster has formed"),
                Err(error) if !mem::replace(&mut failed, true) => {
                    tracing::warn!(error = whole(&error), "not noted that the cluster has formed, trying again");
                }
                Err(error) => tracing::debug!(%error, "not noted that the cluster has formed"),
            }
        }
        sleep(FORMED_PAUSE).await;
    }
}

/// What is read of the wrapper's state.
#[derive(Deserialize)]
struct Told {
    namespace: String,
    pod: String,
    formed: bool,
}

async fn has_formed(config: &LabelConfig) -> bool {
    let answer = ask::answer(config.wrapper(), path::STATE, config.pace.ask).await;
    let state = |text: String| serde_json::from_str::<Told>(&text).ok();
    let state = answer.ok().filter(|(status, _)| *status == 200).and_then(|(_, text)| state(text));
    // On the network of a node the port may be another pod's.
    state.is_some_and(|state| state.formed && (&state.namespace, &state.pod) == (&config.namespace, &config.pod))
}

/// Completes when nobody listens at the wrapper's port any more.
async fn wrapper_is_gone(config: &LabelConfig) {
    let mut missed = 0;
    while missed < GONE {
        let answer = ask::status(config.wrapper(), path::PROBE_LIVE, config.pace.ask).await;
        missed = if let Err(AskError::Connect { .. }) = answer { missed + 1 } else { 0 };
        sleep(GONE_PAUSE).await;
    }
}

/// Asks the own dkron. Files that it cannot be asked with are a person's to mend, and told once until it answers.
async fn observe(config: &LabelConfig, metrics: &Metrics, is_told: &mut bool) -> Observation {
    let question = async { Ok(config.dkron.send(Method::GET, IS_LEADER).await?.status().as_u16()) };
    let at = (Ipv4Addr::LOCALHOST, config.dkron.port).into();
    let answer = ask::within(at, config.pace.ask, question).await;
    let observation = match &answer {
        Ok(200) => Observation::Leader,
        Ok(_) | Err(_) => Observation::NotLeader,
    };
    match &answer {
        Ok(_) => *is_told = false,
        Err(error @ AskError::Guard { .. }) if !mem::replace(is_told, true) => {
            tracing::warn!(%error, "dkron cannot be asked over TLS or with its credentials");
        }
        Err(error) => tracing::debug!(%error, "no answer from dkron"),
    }
    metrics.polled(answer.ok());
    observation
}

async fn write(pod: &OwnPod, patch: Patch, metrics: &Metrics) -> Result<(), PatchError> {
    let outcome = pod.patch(patch).await;
    metrics.patched(patch, outcome.is_ok());
    outcome
}

/// With what led to it: kube alone says no more than "client error (Connect)".
fn whole(error: &PatchError) -> &(dyn Error + 'static) {
    error
}

async fn farewell(config: &LabelConfig, pod: &OwnPod, metrics: &Metrics) {
    let mut last = None;
    let attempts = async {
        while let Err(error) = write(pod, Patch { leader: false }, metrics).await {
            last = Some(error);
            sleep(FAREWELL_PAUSE).await;
        }
    };
    if timeout(config.pace.farewell, attempts).await.is_ok() {
        tracing::info!(leader = false, "label written for the last time");
    } else {
        tracing::error!(error = last.as_ref().map(whole), "the label could not be taken away in time");
    }
}
