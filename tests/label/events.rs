//! What the wrapper says that people must know becomes Events on the own pod.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use dkron_ha::init::clock;
use dkron_ha::init::notices::Notices;
use dkron_ha::init::procedure::Saying;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::kubernetes::{Kubernetes, pod};
use crate::neighbours::{Updater, config, free_port};

/// The updater of `dkron-0`, and the wrapper's own list, served as the wrapper serves it.
struct Scene {
    kubernetes: Kubernetes,
    said: Arc<Mutex<Notices>>,
    updater: Updater,
    _directory: TempDir,
}

impl Scene {
    async fn start() -> Self {
        Self::beside("dkron-0").await
    }

    /// Beside the wrapper of this pod.
    async fn beside(pod_of_the_wrapper: &str) -> Self {
        let kubernetes = Kubernetes::start(vec![pod("dkron-0", "10.0.0.1", false)]).await;
        let said = Arc::new(Mutex::new(Notices::new("jobs".into(), pod_of_the_wrapper.into(), clock::now().at)));
        let wrapper = wrapper(Arc::clone(&said)).await;
        let directory = tempfile::tempdir().expect("a directory");
        let updater = Updater::with(config(
            free_port().await,
            wrapper.port(),
            wrapper.port(),
            kubernetes.address,
            directory.path(),
        ));
        Self { kubernetes, said, updater, _directory: directory }
    }

    fn say(&self, saying: &Saying) {
        assert!(self.said.lock().expect("no panic while locked").hear(saying, clock::now().at));
    }

    async fn until_events(&self, count: usize) -> Vec<Value> {
        self.kubernetes.until("Events", |kubernetes| kubernetes.world().events.len() >= count).await;
        self.kubernetes.world().events.clone()
    }
}

/// It answers that one question.
async fn wrapper(said: Arc<Mutex<Notices>>) -> SocketAddr {
    let tell = move || {
        let said = serde_json::to_string(&*said.lock().expect("no panic while locked")).expect("JSON");
        async move { said }
    };
    let router = Router::new().route("/v1/notices", get(tell)).fallback(|| async { StatusCode::NOT_FOUND });
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await.expect("a server") });
    address
}

#[tokio::test]
async fn an_event_tells_what_the_wrapper_said_of_which_pod_and_set() {
    let scene = Scene::start().await;
    scene.say(&Saying::Holding(1, 2));
    let event = scene.until_events(1).await.remove(0);
    assert_eq!(event["reason"], "StopHeld");
    assert_eq!(event["type"], "Warning");
    assert_eq!(event["note"], Saying::Holding(1, 2).to_string());
    assert_eq!(event["regarding"]["kind"], "Pod");
    assert_eq!(event["regarding"]["name"], "dkron-0");
    assert_eq!(event["regarding"]["uid"], "uid of dkron-0");
    assert_eq!(event["related"]["kind"], "StatefulSet");
    assert_eq!(event["related"]["uid"], "set-1");
    assert_eq!(event["reportingController"], "dkron-ha.io/dkron-ha-label-updater");
    assert_eq!(event["reportingInstance"], "dkron-0");
    assert!(event["action"].is_string() && event["eventTime"].is_string(), "{event}");
    assert!(event["series"].is_null(), "{event}");
    scene.updater.stop().await;
}

#[tokio::test]
async fn what_is_said_often_is_told_as_one_event_with_a_count() {
    let scene = Scene::start().await;
    for _ in 0..5 {
        scene.say(&Saying::Died(1, Duration::ZERO));
    }
    let events = scene.until_events(1).await;
    sleep(Duration::from_millis(200)).await;
    for _ in 0..5 {
        scene.say(&Saying::Died(1, Duration::ZERO));
    }
    sleep(Duration::from_millis(500)).await;
    assert_eq!(scene.kubernetes.world().events.len(), 1, "no flood");
    assert!(events[0]["series"]["count"].as_u64().is_none_or(|count| count <= 5), "{}", events[0]);
    scene.updater.stop().await;
}

#[tokio::test]
async fn what_is_said_while_the_api_server_is_away_is_told_later() {
    let scene = Scene::start().await;
    scene.say(&Saying::Stalled);
    scene.until_events(1).await;
    scene.kubernetes.world().away = true;
    scene.say(&Saying::Zombie(Duration::from_secs(15)));
    sleep(Duration::from_millis(800)).await;
    scene.kubernetes.world().away = false;
    let events = scene.until_events(2).await;
    assert!(events.iter().any(|event| event["reason"] == "ZombieRestarted"), "{events:?}");
    scene.updater.stop().await;
}

#[tokio::test]
async fn another_pods_word_on_the_same_network_is_nobodys_event() {
    let scene = Scene::beside("dkron-1").await;
    scene.say(&Saying::Stalled);
    sleep(Duration::from_millis(500)).await;
    assert!(scene.kubernetes.world().events.is_empty());
    scene.updater.stop().await;
}
