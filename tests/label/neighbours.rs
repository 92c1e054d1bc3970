//! dkron, wrapper and API server, played; and the label updater between them.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use dkron_ha::label::{DkronApi, LabelConfig, LabelError, Pace, run};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a played server does with a request.
#[derive(Clone)]
pub enum Play {
    /// Answers with this status and text.
    Answer(u16, &'static str),
    /// Answers after a while.
    Slow(Duration, u16),
    /// Takes the request and says nothing.
    Silence,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub uri: String,
    pub content_type: String,
    pub body: Bytes,
    /// When it had been carried out.
    pub at: Instant,
}

impl Seen {
    /// The label that a patch sets.
    pub fn leader(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).expect("JSON");
        body["metadata"]["labels"]["dkron-ha.io/leader"].as_str().expect("a label").to_owned()
    }
}

type Shared = Arc<Mutex<(Play, Vec<Seen>)>>;

/// A played server.
pub struct Played {
    pub address: SocketAddr,
    shared: Shared,
    server: JoinHandle<()>,
}

impl Drop for Played {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Played {
    pub async fn start(play: Play) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Mutex::new((play, Vec::new())));
        let router = Router::new().fallback(serve).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("a server") });
        Self { address, shared, server }
    }

    fn lock(&self) -> MutexGuard<'_, (Play, Vec<Seen>)> {
        self.shared.lock().expect("no panic while locked")
    }

    pub fn play(&self, play: Play) {
        self.lock().0 = play;
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.lock().1.clone()
    }

    /// Labels of all patches seen.
    pub fn leaders(&self) -> Vec<String> {
        self.seen().iter().map(Seen::leader).collect()
    }

    /// Waits until so many requests were seen.
    pub async fn until(&self, count: usize) {
        let enough = async {
            while self.lock().1.len() < count {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(PATIENCE, enough).await.unwrap_or_else(|_| panic!("{} of {count} requests", self.lock().1.len()));
    }
}

async fn serve(State(shared): State<Shared>, request: Request) -> Response {
    let play = shared.lock().expect("no panic while locked").0.clone();
    let (head, body) = request.into_parts();
    if head.method == Method::GET && head.uri.path().starts_with("/api") {
        // Reads of the set have an API server of their own, in `kubernetes`.
        return (StatusCode::NOT_FOUND, api_answer(404)).into_response();
    }
    if head.uri.path() == "/v1/notices" {
        // A wrapper that has something to say is played in `events`.
        return StatusCode::NOT_FOUND.into_response();
    }
    let body = to_bytes(body, 1 << 20).await.expect("a body");
    if let Play::Slow(delay, _) = play {
        sleep(delay).await;
    }
    let content_type = head.headers.get("content-type").map(|value| value.to_str().expect("text").to_owned());
    let seen = Seen {
        method: head.method.to_string(),
        uri: head.uri.to_string(),
        content_type: content_type.unwrap_or_default(),
        body,
        at: Instant::now(),
    };
    shared.lock().expect("no panic while locked").1.push(seen);
    let code = |status| StatusCode::from_u16(status).expect("a status");
    match play {
        Play::Answer(status, "") | Play::Slow(_, status) => (code(status), api_answer(status)).into_response(),
        Play::Answer(status, text) => (code(status), text).into_response(),
        Play::Silence => std::future::pending().await,
    }
}

/// What an API server says with such a status. dkron's text is never looked at, so it may say the same.
fn api_answer(status: u16) -> String {
    let answer = if status < 300 {
        json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": { "name": "dkron-0" } })
    } else {
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "refused", "reason": "Unknown", "code": status,
        })
    };
    answer.to_string()
}

/// Twenty times as fast as in life, except for what a test waits for or must not see.
pub fn quick() -> Pace {
    Pace {
        poll: Duration::from_millis(50),
        ask: Duration::from_millis(300),
        patch: Duration::from_millis(500),
        first_pause: Duration::from_millis(50),
        longest_pause: Duration::from_millis(400),
        rebind: Duration::from_millis(50),
        confirm: Duration::from_secs(2),
        settle: Duration::from_millis(10),
        reign: Duration::from_millis(200),
        notices: Duration::from_millis(20),
        // dkron and the wrapper are played, and stay.
        outlive: Duration::ZERO,
        ..Pace::default()
    }
}

/// A port that was free a moment ago.
pub async fn free_port() -> u16 {
    let free = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.expect("a port");
    free.local_addr().expect("an address").port()
}

/// What an updater of `dkron-0` is told, whose files lie in `directory`: a plain dkron, and to be quick.
pub fn config(port: u16, dkron: u16, wrapper_port: u16, api: SocketAddr, directory: &Path) -> LabelConfig {
    LabelConfig {
        pod: "dkron-0".into(),
        namespace: "jobs".into(),
        dkron: DkronApi::plain(dkron),
        wrapper_port,
        port,
        desired: directory.join("desired.json"),
        door: directory.join("dkron.sock"),
        api: kube::Config::new(format!("http://{api}").parse().expect("an address")),
        pace: quick(),
    }
}

/// A label updater that runs until it is stopped.
pub struct Updater {
    pub port: u16,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), LabelError>>,
}

impl Updater {
    pub async fn start(dkron: SocketAddr, wrapper: SocketAddr, api: SocketAddr, pace: Pace) -> Self {
        Self::on(free_port().await, dkron, wrapper, api, pace)
    }

    pub fn on(port: u16, dkron: SocketAddr, wrapper: SocketAddr, api: SocketAddr, pace: Pace) -> Self {
        let nowhere = std::env::temp_dir().join("dkron-ha-tests-of-label/never-there");
        Self::with(LabelConfig { pace, ..config(port, dkron.port(), wrapper.port(), api, &nowhere) })
    }

    pub fn with(config: LabelConfig) -> Self {
        let port = config.port;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(run(config, async {
            // A test that ends early drops the sender; that stops the updater too.
            let _ = stopped.await;
        }));
        Self { port, stop, task }
    }

    /// Stops it and says how long that took.
    pub async fn stop(self) -> Duration {
        let asked = Instant::now();
        self.stop.send(()).expect("a running updater");
        timeout(PATIENCE, self.task).await.expect("an end").expect("no panic").expect("no error");
        asked.elapsed()
    }
}
