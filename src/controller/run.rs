//! When a namespace is looked at: whenever something in it has changed that matters here, and from time to time.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Namespace, Pod, Service, ServiceAccount};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::core::PartialObjectMeta;
use kube::runtime::controller::Action;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::{Controller as Watches, watcher};
use kube::{Api, Client, ResourceExt as _};

use super::act::Actor;
use super::plan::plan;
use super::unstamped::would_be_stamped;
use super::{lease, read};
use crate::contract::{EXCLUDED_NAMESPACES, label, object};
use crate::inject::{Engine, NoClusters};
use crate::settings::Settings;
use crate::watches::Pauses;

/// A namespace is looked at again after this, whatever was missed: somebody else's Service is not watched.
const AGAIN: Duration = Duration::from_secs(120);

/// Where time alone changes what is to be done.
const SOON: Duration = Duration::from_secs(2);

/// After something failed.
const AFTER_ERROR: Duration = Duration::from_secs(5);

/// What the controller is told.
#[derive(Clone, Debug)]
pub struct Controller {
    /// Namespace of the webhook itself: of its lease, and never looked at.
    pub namespace: String,
    /// Name of this replica.
    pub own: String,
    /// What the webhook injects, and who replaces pods where nobody says so.
    pub settings: Settings,
}

/// Watches, and acts while this replica holds the lease, until `over` completes; then gives the lease back.
pub async fn run(client: Client, controller: Controller, over: impl Future<Output = ()>) {
    let acting = lease::while_held(client.clone(), &controller.namespace, &controller.own, || {
        follow(client.clone(), controller.clone())
    });
    tokio::select! {
        () = over => {}
        () = acting => {}
    }
    lease::give_back(client, &controller.namespace, &controller.own).await;
}

struct Context {
    client: Client,
    actor: Actor,
    controller: Controller,
    engine: Engine,
    /// Namespaces in which there was ever something that is ours, since this look began. All others cost nothing.
    inhabited: Mutex<BTreeSet<String>>,
}

impl Context {
    fn note(&self, namespace: Option<String>) -> Option<ObjectRef<PartialObjectMeta<Namespace>>> {
        let namespace = namespace?;
        let found = ObjectRef::new(&namespace);
        self.inhabited.lock().unwrap_or_else(PoisonError::into_inner).insert(namespace);
        Some(found)
    }

    fn is_inhabited(&self, namespace: &str) -> bool {
        self.inhabited.lock().unwrap_or_else(PoisonError::into_inner).contains(namespace)
    }
}

async fn follow(client: Client, controller: Controller) {
    let actor = Actor::new(client.clone(), &controller.own);
    let engine = Engine::new(controller.settings.clone(), Box::new(NoClusters));
    let context = Arc::new(Context { client: client.clone(), actor, controller, engine, inhabited: Mutex::default() });
    let noting = || {
        let context = Arc::clone(&context);
        move |namespace| context.note(namespace)
    };
    let injected = watcher::Config::default().labels(&format!("{}=true", label::INJECTED));
    let ours = watcher::Config::default().labels(&format!("{}={}", label::MANAGED_BY, object::CONTROLLER));
    macro_rules! watched {
        ($watches:expr, $kind:ty, $config:expr) => {{
            let note = noting();
            $watches.watches(Api::<PartialObjectMeta<$kind>>::all(client.clone()), $config.clone(), move |one| {
                note(one.namespace())
            })
        }};
    }
    let mut watches =
        Watches::new(Api::<PartialObjectMeta<Namespace>>::all(client.clone()), watcher::Config::default());
    watches = watched!(watches, StatefulSet, injected);
    watches = watched!(watches, Pod, injected);
    watches = watched!(watches, ServiceAccount, ours);
    watches = watched!(watches, RoleBinding, ours);
    watches = watched!(watches, Service, ours);
    watches = watched!(watches, PodDisruptionBudget, ours);
    watches
        .trigger_backoff(Pauses::default())
        .run(look, |_, _, _| Action::requeue(AFTER_ERROR), context)
        .for_each(|outcome| async move {
            if let Err(error) = outcome {
                tracing::debug!(%error, "a look at a namespace failed");
            }
        })
        .await;
}

/// Reads a namespace and does what is to be done.
async fn look(namespace: Arc<PartialObjectMeta<Namespace>>, context: Arc<Context>) -> Result<Action, kube::Error> {
    let name = namespace.name_any();
    let opted_in = namespace.labels().get(label::INJECTION).is_some_and(|value| value == label::INJECTION_ENABLED);
    let excluded = EXCLUDED_NAMESPACES.contains(&&*name) || name == context.controller.namespace;
    let leaving = namespace.metadata.deletion_timestamp.is_some();
    if excluded || leaving || !(opted_in || context.is_inhabited(&name)) {
        return Ok(Action::await_change());
    }
    let recognise = |set: &StatefulSet| would_be_stamped(&context.engine, &name, set);
    let default = context.controller.settings.options.rollout;
    let world = read::world(&context.client, &name, opted_in, default, recognise).await?;
    let plan = plan(&world);
    context.actor.carry_out(&name, &plan).await?;
    Ok(Action::requeue(if plan.soon { SOON } else { AGAIN }))
}
