//! The six requests, each with a deadline and, where it writes, with a condition.

use std::time::Duration;

use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Client};
use tokio::time::timeout;

use super::Outcome;
use super::shape;
use crate::certs::Sight;
use crate::certs::keyring::Data;
use crate::contract::object::{AUTHORITY_SECRET, BUNDLE_MANAGER, INSTALLATION};

/// For one request; an API server answers in a few milliseconds.
const DEADLINE: Duration = Duration::from_secs(10);

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// The condition does not hold: somebody else was first.
    #[error("somebody else was first: {0}")]
    Conflict(String),
    /// The object would not be valid.
    #[error("it would not be valid: {0}")]
    Invalid(String),
    /// Anything else that the API server says.
    #[error("the API server refuses it: {0}")]
    Refused(String),
    /// There was no answer.
    #[error("the API server cannot be reached: {0}")]
    Unreachable(String),
    /// There was no answer in time.
    #[error("the API server has not answered within {} s", DEADLINE.as_secs())]
    Late,
}

impl Refusal {
    pub(super) fn outcome(&self) -> Outcome {
        if let Self::Conflict(_) = self { Outcome::Conflict } else { Outcome::Failed }
    }
}

/// Both objects, by name.
pub(super) struct ApiServer {
    registrations: Api<MutatingWebhookConfiguration>,
    secrets: Api<Secret>,
}

impl ApiServer {
    pub(super) fn new(client: Client, namespace: &str) -> Self {
        Self { registrations: Api::all(client.clone()), secrets: Api::namespaced(client, namespace) }
    }

    pub(super) async fn registration(&self) -> Result<Sight, Refusal> {
        let found = within(self.registrations.get_opt(INSTALLATION)).await?;
        Ok(found.map_or(Sight::Absent, |registration| Sight::Seen(shape::live(registration))))
    }

    pub(super) async fn secret(&self) -> Result<Option<Secret>, Refusal> {
        within(self.secrets.get_opt(AUTHORITY_SECRET)).await
    }

    pub(super) async fn create(&self, data: Data) -> Result<(), Refusal> {
        within(self.secrets.create(&PostParams::default(), &shape::secret(data))).await.map(drop)
    }

    /// Over the Secret as it was read: its version is the condition.
    pub(super) async fn replace(&self, read: Secret, data: Data) -> Result<(), Refusal> {
        let secret = shape::replaced(read, data);
        within(self.secrets.replace(AUTHORITY_SECRET, &PostParams::default(), &secret)).await.map(drop)
    }

    pub(super) async fn discard(&self, uid: String, version: String) -> Result<(), Refusal> {
        let preconditions = Some(Preconditions { uid: Some(uid), resource_version: Some(version) });
        let params = DeleteParams { preconditions, ..DeleteParams::default() };
        within(self.secrets.delete(AUTHORITY_SECRET, &params)).await.map(drop)
    }

    pub(super) async fn publish(&self, version: &str, entries: &[String], bundle: &str) -> Result<(), Refusal> {
        let patch = Patch::Apply(shape::bundles(version, entries, bundle));
        let params = PatchParams::apply(BUNDLE_MANAGER).force();
        within(self.registrations.patch(INSTALLATION, &params, &patch)).await.map(drop)
    }
}

async fn within<T>(request: impl Future<Output = kube::Result<T>>) -> Result<T, Refusal> {
    let answer = timeout(DEADLINE, request).await.map_err(|_| Refusal::Late)?;
    answer.map_err(|error| match error {
        kube::Error::Api(status) => match status.code {
            // What was to be changed is gone: as good as changed by somebody else.
            404 | 409 => Refusal::Conflict(status.message),
            422 => Refusal::Invalid(status.message),
            _ => Refusal::Refused(status.message),
        },
        error => Refusal::Unreachable(whole(&error)),
    })
}

/// With what led to it: kube alone says no more than "client error (Connect)".
fn whole(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
