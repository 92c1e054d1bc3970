//! An API server with one set and its pods, played: reads, watches, and merge patches of pods.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// What it holds.
pub struct World {
    pub set: Value,
    pub pods: Vec<Value>,
    pub events: Vec<Value>,
    /// Nothing is answered.
    pub away: bool,
    /// Requests other than watches.
    pub requests: usize,
}

#[derive(Clone)]
struct Shared {
    world: Arc<Mutex<World>>,
    changes: broadcast::Sender<String>,
}

/// The played API server.
pub struct Kubernetes {
    pub address: SocketAddr,
    shared: Shared,
    server: JoinHandle<()>,
}

impl Drop for Kubernetes {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A pod of the set.
pub fn pod(name: &str, ip: &str, leader: bool) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": "jobs", "uid": format!("uid of {name}"), "resourceVersion": "1",
            "labels": {"dkron-ha.io/server-of": "dkron", "dkron-ha.io/leader": leader.to_string()},
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "dkron", "uid": "set-1", "controller": true
            }]
        },
        "status": {"phase": "Running", "podIP": ip}
    })
}

impl Kubernetes {
    pub async fn start(pods: Vec<Value>) -> Self {
        let set = json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": {"name": "dkron", "namespace": "jobs", "uid": "set-1", "resourceVersion": "1"},
            "spec": {"replicas": 3, "podManagementPolicy": "Parallel", "selector": {}, "serviceName": "dkron", "template": {}}
        });
        let world = Arc::new(Mutex::new(World { set, pods, events: Vec::new(), away: false, requests: 0 }));
        let shared = Shared { world, changes: broadcast::channel(64).0 };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().fallback(serve).with_state(shared.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("a server") });
        Self { address, shared, server }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world.lock().expect("no panic while locked")
    }

    /// Changes something, and tells all watches that it has.
    pub fn change(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.world());
        let object = self.world().pods.first().cloned().unwrap_or_default();
        // Nobody may be watching yet.
        let _ = self.shared.changes.send(format!("{}\n", json!({"type": "MODIFIED", "object": object})));
    }

    /// What the leader label of a pod says.
    pub fn leads(&self, name: &str) -> bool {
        let world = self.world();
        let pod = world.pods.iter().find(|pod| pod["metadata"]["name"] == name).expect("the pod");
        pod["metadata"]["labels"]["dkron-ha.io/leader"] == "true"
    }

    /// Waits until something holds.
    pub async fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let holds = async {
            while !condition(self) {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(PATIENCE, holds).await.unwrap_or_else(|_| panic!("not in time: {what}"));
    }
}

async fn serve(State(shared): State<Shared>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.expect("a body");
    let query = head.uri.query().unwrap_or_default();
    if query.contains("watch=true") {
        return watch(&shared);
    }
    let answer = {
        let mut world = shared.world.lock().expect("no panic while locked");
        world.requests += 1;
        if world.away { None } else { Some(answer(&mut world, &head.method, head.uri.path(), &body)) }
    };
    match answer {
        None => std::future::pending().await,
        Some(Some(object)) => object.to_string().into_response(),
        Some(None) => {
            let status = json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": "not found", "reason": "NotFound", "code": 404,
            });
            (StatusCode::NOT_FOUND, status.to_string()).into_response()
        }
    }
}

fn watch(shared: &Shared) -> Response {
    let changes = shared.changes.subscribe();
    let stream = futures_util::stream::unfold(changes, |mut changes| async move {
        let line = changes.recv().await.ok()?;
        Some((Ok::<_, std::io::Error>(line), changes))
    });
    Body::from_stream(stream).into_response()
}

fn answer(world: &mut World, method: &Method, path: &str, body: &[u8]) -> Option<Value> {
    if path.starts_with("/apis/events.k8s.io/v1/namespaces/jobs/events") {
        return event(world, method, path, serde_json::from_slice(body).expect("JSON"));
    }
    if path.ends_with("/statefulsets/dkron") {
        return Some(world.set.clone());
    }
    let list = |kind: &str, items: &[Value]| {
        Some(json!({"kind": kind, "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items}))
    };
    if path.ends_with("/statefulsets") {
        return list("StatefulSetList", std::slice::from_ref(&world.set));
    }
    let Some((_, name)) = path.split_once("/pods/") else { return list("PodList", &world.pods) };
    let pod = world.pods.iter_mut().find(|pod| pod["metadata"]["name"] == name)?;
    if method == Method::PATCH {
        json_patch::merge(pod, &serde_json::from_slice(body).expect("JSON"));
    }
    Some(pod.clone())
}

/// Creates one, or patches what there is.
fn event(world: &mut World, method: &Method, path: &str, body: Value) -> Option<Value> {
    if method == Method::POST {
        world.events.push(body.clone());
        return Some(body);
    }
    let name = path.rsplit('/').next().expect("a name");
    let event = world.events.iter_mut().find(|event| event["metadata"]["name"] == name)?;
    json_patch::merge(event, &body);
    Some(event.clone())
}
