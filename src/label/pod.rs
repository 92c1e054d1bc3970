//! The own pod at the API server.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::PatchParams;
use tokio::time::timeout;

use super::decision::Patch;
use super::{LabelConfig, LabelError};
use crate::contract::injected;

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
    #[error("the API server refused: {0}")]
    Refused(#[source] kube::Error),
}

impl OwnPod {
    pub(super) fn new(config: &LabelConfig) -> Result<Self, LabelError> {
        let mut api = config.api.clone();
        // `decision` knows when to try again, and what has become outdated meanwhile.
        api.default_retry = false;
        let client = kube::Client::try_from(api).map_err(LabelError::Client)?;
        Ok(Self {
            pods: Api::namespaced(client, &config.namespace),
            name: config.pod.clone(),
            limit: config.pace.patch,
        })
    }

    /// Sends the patch, and asks for the pod's metadata only in return.
    pub(super) async fn patch(&self, patch: Patch) -> Result<(), PatchError> {
        let params = PatchParams { field_manager: Some(injected::LABEL_UPDATER.into()), ..PatchParams::default() };
        let body = kube::api::Patch::Merge(patch.body());
        match timeout(self.limit, self.pods.patch_metadata(&self.name, &params, &body)).await {
            Ok(answer) => answer.map(|_| ()).map_err(PatchError::Refused),
            Err(_) => Err(PatchError::TimedOut(self.limit)),
        }
    }
}
