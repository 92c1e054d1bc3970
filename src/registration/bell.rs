//! Rings whenever the registration may have changed. It carries nothing: who hears it reads.

use std::pin::pin;
use std::sync::Arc;

use futures_util::StreamExt as _;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use kube::api::PartialObjectMeta;
use kube::runtime::watcher::Config;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client};
use tokio::sync::Notify;

use crate::contract::object::INSTALLATION;
use crate::watches::Pauses;

/// Watches for ever. A watch that is interrupted begins anew by itself; what changed meanwhile rings when it does.
pub(super) async fn ring(client: Client, bell: Arc<Notify>) {
    let api = Api::<PartialObjectMeta<MutatingWebhookConfiguration>>::all(client);
    let own = Config::default().fields(&format!("metadata.name={INSTALLATION}"));
    let mut events = pin!(watcher(api, own).backoff(Pauses::default()));
    let mut is_interrupted = false;
    while let Some(event) = events.next().await {
        match event {
            Ok(_) => {
                is_interrupted = false;
                bell.notify_one();
            }
            // It goes on being read from time to time. Told once for each interruption.
            Err(error) if !std::mem::replace(&mut is_interrupted, true) => {
                tracing::warn!(%error, "the watch of the registration was interrupted");
            }
            Err(error) => tracing::debug!(%error, "the watch of the registration was interrupted"),
        }
    }
}
