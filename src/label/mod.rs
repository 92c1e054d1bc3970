//! `dkron-ha label`: the sidecar that keeps the label `dkron-ha.io/leader` on its own pod true to what its dkron says.
//!
//! [`decision`] is pure: what to write, given what was written, what dkron answered and what time it is. Around it stand a
//! question to dkron, a patch at the API server, and a small port for probes and metrics.
//!
//! A native sidecar is told to stop after dkron is gone, so it just takes the label away and ends. As a plain container it is
//! told at the same time as dkron, and would have to wait for dkron's end before it goes: it does not yet.

mod ask;
mod config;
pub mod decision;
mod health;
mod metrics;
mod pod;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

pub use config::{LabelConfig, LabelError, Pace};

use decision::{Observation, Patch, State};
use metrics::Metrics;
use pod::OwnPod;

/// What dkron answers: 200 where this server leads, 404 where it does not.
const IS_LEADER: &str = "/v1/isleader";

/// Between two attempts to take the label away at the end.
const FAREWELL_PAUSE: Duration = Duration::from_millis(250);

/// Keeps the label until `shutdown` completes, then sets it to `"false"`, for [`Pace::farewell`] at most.
///
/// # Errors
/// [`LabelError`] where no client for the API server can be made. Nothing that happens afterwards ends it.
pub async fn run(config: LabelConfig, shutdown: impl Future<Output = ()>) -> Result<(), LabelError> {
    let pod = OwnPod::new(&config)?;
    let metrics = Arc::new(Metrics::default());
    let health = tokio::spawn(health::serve(config.clone(), Arc::clone(&metrics)));
    follow(&config, &pod, &metrics, pin!(shutdown)).await;
    farewell(&config, &pod, &metrics).await;
    health.abort();
    Ok(())
}

/// Polls and patches until told to stop. A patch under way is never abandoned for that: it might be carried out after the
/// last one.
async fn follow(
    config: &LabelConfig,
    pod: &OwnPod,
    metrics: &Metrics,
    mut shutdown: Pin<&mut impl Future<Output = ()>>,
) {
    let mut state = State::new(config.pace);
    let mut polls = interval(config.pace.poll);
    polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let observation = tokio::select! {
            biased;
            () = shutdown.as_mut() => return,
            observation = async {
                polls.tick().await;
                observe(config, metrics).await
            } => observation,
        };
        let Some(patch) = decision::next(&state, observation, Instant::now()) else { continue };
        if write(pod, patch, metrics).await {
            if state.is_news(patch) {
                tracing::info!(leader = patch.leader, "label written");
            }
            state.wrote(patch, Instant::now());
        } else {
            state.failed(patch, Instant::now());
        }
    }
}

async fn observe(config: &LabelConfig, metrics: &Metrics) -> Observation {
    let answer = ask::status(config.dkron(), IS_LEADER, config.pace.ask).await;
    let observation = match &answer {
        Ok(200) => Observation::Leader,
        Ok(_) | Err(_) => Observation::NotLeader,
    };
    if let Err(error) = &answer {
        tracing::debug!(%error, "no answer from dkron");
    }
    metrics.polled(answer.ok());
    observation
}

/// Says whether the patch was accepted.
async fn write(pod: &OwnPod, patch: Patch, metrics: &Metrics) -> bool {
    let outcome = pod.patch(patch).await;
    match &outcome {
        Ok(()) => tracing::debug!(leader = patch.leader, "patch accepted"),
        Err(error) => tracing::warn!(%error, leader = patch.leader, "label not written"),
    }
    metrics.patched(patch, outcome.is_ok());
    outcome.is_ok()
}

async fn farewell(config: &LabelConfig, pod: &OwnPod, metrics: &Metrics) {
    let attempts = async {
        while !write(pod, Patch { leader: false }, metrics).await {
            sleep(FAREWELL_PAUSE).await;
        }
    };
    if timeout(config.pace.farewell, attempts).await.is_ok() {
        tracing::info!(leader = false, "label written for the last time");
    } else {
        tracing::error!("the label could not be taken away in time");
    }
}
