//! Carries out a plan.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Pod, Service, ServiceAccount};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, Preconditions};
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::plan::{Kind, Plan, Progress, Remark, Target};
use super::rollout::Replace;
use crate::contract::{annotation, object};

/// What was said is not said again so soon: Kubernetes keeps Events for an hour.
const SAID: Duration = Duration::from_secs(50 * 60);

/// What the reporter does.
const ACTION: &str = "Reconciling";

/// Writes to the API server.
pub struct Actor {
    client: Client,
    recorder: Recorder,
    said: Mutex<HashMap<String, Instant>>,
}

impl Actor {
    /// Writes as this replica.
    pub fn new(client: Client, own: &str) -> Self {
        let reporter = Reporter { controller: object::CONTROLLER_REPORTER.into(), instance: Some(own.into()) };
        Self { recorder: Recorder::new(client.clone(), reporter), client, said: Mutex::default() }
    }

    /// Carries out everything, and goes on where one part fails; the first error is given back.
    pub async fn carry_out(&self, namespace: &str, plan: &Plan) -> Result<(), kube::Error> {
        let mut outcome = Ok(());
        for wanted in &plan.apply {
            outcome = outcome.and(self.apply(namespace, wanted).await);
        }
        for target in &plan.delete {
            outcome = outcome.and(self.delete(namespace, target).await);
        }
        for progress in &plan.progress {
            outcome = outcome.and(self.annotate(namespace, progress).await);
        }
        for replace in &plan.replace {
            outcome = outcome.and(self.replace(namespace, replace).await);
        }
        // What could not be made is not said to have been made.
        if outcome.is_ok() {
            for remark in &plan.say {
                self.say(remark).await;
            }
        }
        outcome
    }

    async fn apply(&self, namespace: &str, wanted: &Value) -> Result<(), kube::Error> {
        let Some(kind) = Kind::of(wanted) else { return Ok(()) };
        let name = wanted["metadata"]["name"].as_str().unwrap_or_default();
        let params = PatchParams::apply(object::CONTROLLER).force();
        let outcome = self.api(namespace, kind).patch(name, &params, &Patch::Apply(wanted)).await;
        if let Err(error) = &outcome {
            tracing::warn!(namespace, ?kind, name, %error, "not applied");
        }
        outcome.map(drop)
    }

    async fn delete(&self, namespace: &str, Target { kind, name }: &Target) -> Result<(), kube::Error> {
        match self.api(namespace, *kind).delete(name, &DeleteParams::default()).await {
            Ok(_) => tracing::info!(namespace, ?kind, name, "deleted: no longer needed"),
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => {
                tracing::warn!(namespace, ?kind, name, %error, "not deleted");
                return Err(error);
            }
        }
        Ok(())
    }

    /// Through the set's status: the controller has no right to change its spec.
    async fn annotate(&self, namespace: &str, Progress { set, uid, status }: &Progress) -> Result<(), kube::Error> {
        let sets = Api::<StatefulSet>::namespaced(self.client.clone(), namespace);
        let annotations = json!({ (annotation::ROLLOUT_STATUS): status });
        let patch = Patch::Merge(json!({ "metadata": { "uid": uid, "annotations": annotations } }));
        let outcome = sets.patch_status(set, &PatchParams::default(), &patch).await;
        if let Err(error) = &outcome {
            tracing::warn!(namespace, set, %error, "not annotated");
        }
        outcome.map(drop)
    }

    /// Deletes a pod, which its set makes anew. If it has changed in any way since it was seen, it is left, and looked at again.
    async fn replace(
        &self,
        namespace: &str,
        Replace { pod, uid, version, leads }: &Replace,
    ) -> Result<(), kube::Error> {
        let pods = Api::<Pod>::namespaced(self.client.clone(), namespace);
        let seen = Preconditions { uid: Some(uid.clone()), resource_version: Some(version.clone()) };
        let params = DeleteParams { preconditions: Some(seen), ..DeleteParams::default() };
        let outcome = pods.delete(pod, &params).await;
        match &outcome {
            Ok(_) => tracing::info!(namespace, pod, leads, "deleted: its set makes it anew"),
            Err(kube::Error::Api(status)) if [404, 409].contains(&status.code) => {
                tracing::info!(namespace, pod, "not replaced: it has changed since it was seen");
            }
            Err(error) => tracing::warn!(namespace, pod, %error, "not replaced"),
        }
        outcome.map(drop)
    }

    fn api(&self, namespace: &str, kind: Kind) -> Api<DynamicObject> {
        let resource = match kind {
            Kind::ServiceAccount => ApiResource::erase::<ServiceAccount>(&()),
            Kind::RoleBinding => ApiResource::erase::<RoleBinding>(&()),
            Kind::Service => ApiResource::erase::<Service>(&()),
            Kind::PodDisruptionBudget => ApiResource::erase::<PodDisruptionBudget>(&()),
        };
        Api::namespaced_with(self.client.clone(), namespace, &resource)
    }

    /// Writes an Event. One that cannot be written is lost: it is no more than a word about what was done.
    async fn say(&self, remark: &Remark) {
        let about = &remark.about;
        let uids = (&about.uid, remark.related.as_ref().map(|related| &related.uid));
        let key = format!("{:?} {uids:?} {} {}", about.namespace, remark.reason, remark.note);
        let now = Instant::now();
        {
            let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            said.retain(|_, at| now.saturating_duration_since(*at) < SAID);
            if said.insert(key, now).is_some() {
                return;
            }
        }
        let event = Event {
            type_: if remark.warning { EventType::Warning } else { EventType::Normal },
            reason: remark.reason.into(),
            note: Some(remark.note.clone()),
            action: ACTION.into(),
            secondary: remark.related.clone(),
        };
        let name = about.name.as_deref();
        tracing::info!(namespace = about.namespace, name, remark.reason, remark.note, "told");
        if let Err(error) = self.recorder.publish(&event, about).await {
            tracing::warn!(%error, remark.reason, "Event not written");
        }
    }
}
