//! Events on the own pod: what the wrapper of this pod says that people must know, and nobody else's word.

use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::StatusCode;
use k8s_openapi::api::events::v1::{Event, EventSeries};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::LabelConfig;
use super::ask;
use super::ledger::{Draft, Ledger, Outcome};
use super::metrics::Metrics;
use super::set::{Own, Seen};
use crate::contract::{DOMAIN, injected, path};
use crate::init::clock;
use crate::init::notices::Notices;
use crate::init::procedure::Moment;

/// What the reporter did: it looked.
const ACTION: &str = "Watching";

/// A name has at most 253 letters; this many are the pod's.
const OF_THE_NAME: usize = 150;

/// Asks the wrapper and writes, for ever. Whose Events they are is known with the first read.
pub(super) async fn tell(client: Client, config: LabelConfig, metrics: Arc<Metrics>, seen: watch::Receiver<Seen>) {
    let events = Api::<Event>::namespaced(client, &config.namespace);
    let mut ledger = Ledger::new(Instant::now());
    let mut is_forbidden = false;
    loop {
        if let Some(notices) = notices(&config).await {
            let clock = clock::now().at;
            ledger.hear(&notices, Instant::now(), |at| clock.since(Moment(at)));
        }
        let own = seen.borrow().own.clone();
        if let Some(own) = own {
            while let Some(draft) = ledger.next(Instant::now()) {
                let outcome = write(&events, &own, &draft, config.pace.patch, &mut is_forbidden).await;
                metrics.told(outcome);
                ledger.done(draft, outcome, Instant::now());
            }
        }
        sleep(config.pace.notices).await;
    }
}

/// What the wrapper of this pod says; `None` from one that is gone, another pod's, or older than this question.
async fn notices(config: &LabelConfig) -> Option<Notices> {
    let (status, text) = ask::answer(config.wrapper(), path::NOTICES, config.pace.ask).await.ok()?;
    let notices = (status == 200).then(|| serde_json::from_str::<Notices>(&text).ok()).flatten();
    notices.filter(|notices| notices.is_of(&config.namespace, &config.pod))
}

/// Rights that are missing are a person's to mend, and told once until an Event is written.
async fn write(events: &Api<Event>, own: &Own, draft: &Draft, limit: Duration, is_forbidden: &mut bool) -> Outcome {
    let name = name(own, draft);
    let answer = timeout(limit, async {
        if draft.repeated {
            let series = json!({ "series": series(draft) });
            let params = PatchParams { field_manager: Some(injected::LABEL_UPDATER.into()), ..PatchParams::default() };
            events.patch_metadata(&name, &params, &Patch::Merge(series)).await.map(drop)
        } else {
            events.create(&PostParams::default(), &event(own, draft, name.clone())).await.map(drop)
        }
    });
    let error = match answer.await {
        Ok(Ok(())) => {
            *is_forbidden = false;
            tracing::debug!(draft.reason, draft.count, "Event written");
            return Outcome::Written;
        }
        Ok(Err(error)) => error,
        Err(_) => {
            tracing::debug!(draft.reason, "Event not written: no answer from the API server within {limit:?}");
            return Outcome::Failed;
        }
    };
    let outcome = outcome(&error);
    if outcome == Outcome::Refused {
        tracing::warn!(%error, draft.reason, "Event refused");
    } else if is_about_rights(&error) && !mem::replace(is_forbidden, true) {
        tracing::warn!(%error, draft.reason, "Events may not be written, trying again");
    } else {
        tracing::debug!(%error, draft.reason, "Event not written");
    }
    outcome
}

fn is_about_rights(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == StatusCode::FORBIDDEN.as_u16())
}

/// What an error means for the Event.
fn outcome(error: &kube::Error) -> Outcome {
    let kube::Error::Api(status) = error else { return Outcome::Failed };
    match StatusCode::from_u16(status.code) {
        // The answer to an earlier attempt was lost.
        Ok(StatusCode::CONFLICT) => Outcome::Written,
        Ok(StatusCode::NOT_FOUND) => Outcome::Gone,
        // A token is replaced soon, and rights may be given.
        Ok(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS) => Outcome::Failed,
        Ok(code) if code.is_client_error() => Outcome::Refused,
        _ => Outcome::Failed,
    }
}

/// The same for the same draft, so that an Event that was created unheard is not created twice.
fn name(own: &Own, draft: &Draft) -> String {
    let (pod, uid) = (own.pod.name.as_deref().unwrap_or_default(), own.pod.uid.as_deref().unwrap_or_default());
    let part = |text: &str, length: usize| text.chars().take(length).collect::<String>();
    format!("{}.{}.{}", part(pod, OF_THE_NAME), part(uid, 8), draft.key)
}

fn event(own: &Own, draft: &Draft, name: String) -> Event {
    let namespace = own.pod.namespace.clone();
    Event {
        metadata: ObjectMeta { name: Some(name), namespace, ..ObjectMeta::default() },
        event_time: Some(ago(draft.first)),
        reporting_controller: Some(format!("{DOMAIN}/{}", injected::LABEL_UPDATER)),
        reporting_instance: own.pod.name.clone(),
        action: Some(ACTION.into()),
        reason: Some(draft.reason.clone()),
        note: Some(draft.note.clone()),
        type_: Some(if draft.warning { "Warning" } else { "Normal" }.into()),
        regarding: Some(own.pod.clone()),
        related: own.set.clone(),
        series: (draft.count > 1).then(|| series(draft)),
        ..Event::default()
    }
}

fn series(draft: &Draft) -> EventSeries {
    EventSeries { count: i32::try_from(draft.count).unwrap_or(i32::MAX), last_observed_time: ago(draft.last) }
}

/// A moment that has passed, on the wall clock.
fn ago(moment: Instant) -> MicroTime {
    let age = SignedDuration::try_from(moment.elapsed()).unwrap_or(SignedDuration::ZERO);
    MicroTime(Timestamp::now().checked_sub(age).unwrap_or_else(|_| Timestamp::now()))
}
