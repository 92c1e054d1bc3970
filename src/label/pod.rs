//! The own pod at the API server.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::PatchParams;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::LabelConfig;
use super::decision::Patch;
use crate::contract::{annotation, injected};

/// The pod that this program runs in.
pub(super) struct OwnPod {
    pods: Api<Pod>,
    name: String,
    limit: Duration,
}

/// Why a patch is not known to have been carried out.
#[derive(Debug, thiserror::Error)]
pub(super) enum PatchError {
    #[error("no answer from the API server within {0:?}")]
    TimedOut(Duration),
    #[error("the request failed: {0}")]
    Failed(#[source] kube::Error),
}

impl OwnPod {
    pub(super) fn new(client: kube::Client, config: &LabelConfig) -> Self {
        Self { pods: Api::namespaced(client, &config.namespace), name: config.pod.clone(), limit: config.pace.patch }
    }

    /// Patches the label.
    pub(super) async fn patch(&self, patch: Patch) -> Result<(), PatchError> {
        self.send(&self.name, patch.body()).await
    }

    /// Takes the label of another pod away, which leads no more and cannot do it itself.
    pub(super) async fn depose(&self, rival: &str) -> Result<(), PatchError> {
        self.send(rival, Patch { leader: false }.body()).await
    }

    /// Notes on the own pod that it has known a leader.
    pub(super) async fn note_formed(&self) -> Result<(), PatchError> {
        self.send(&self.name, json!({ "metadata": { "annotations": { annotation::FORMED: "true" } } })).await
    }

    /// Sends a patch, and asks for the pod's metadata only in return.
    async fn send(&self, name: &str, body: Value) -> Result<(), PatchError> {
        let params = PatchParams { field_manager: Some(injected::LABEL_UPDATER.into()), ..PatchParams::default() };
        let body = kube::api::Patch::Merge(body);
        match timeout(self.limit, self.pods.patch_metadata(name, &params, &body)).await {
            Ok(answer) => answer.map(|_| ()).map_err(PatchError::Failed),
            Err(_) => Err(PatchError::TimedOut(self.limit)),
        }
    }
}
