//! A dkron that speaks TLS and wants credentials: the label updater asks it all the same, and the wrapper has a door to it.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use dkron_ha::certs::{development, install_provider};
use dkron_ha::label::{DkronApi, LabelConfig};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::kubernetes::{Kubernetes, pod};
use crate::neighbours::{Play, Played, Updater, config, free_port};

const PATIENCE: Duration = Duration::from_secs(10);

/// A dkron that leads, behind TLS, for who says "Bearer secret"; it notes the heads of what it is asked.
struct Guarded {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Guarded {
    async fn start(directory: &Path) -> Self {
        let pair = development::write(directory, &[], SystemTime::now()).expect("certificates");
        let chain =
            CertificateDer::pem_file_iter(&pair.chain).expect("PEM").collect::<Result<_, _>>().expect("a chain");
        let key = PrivateKeyDer::from_pem_file(&pair.key).expect("a key");
        install_provider();
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).expect("a pair");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let (address, asked) = (listener.local_addr().expect("an address"), Arc::<Mutex<Vec<String>>>::default());
        let (acceptor, notes) = (TlsAcceptor::from(Arc::new(config)), Arc::clone(&asked));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                // Who speaks no TLS, or trusts somebody else, is not answered.
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let head = head(&mut stream).await;
                let known = head.contains("authorization: Bearer secret\r\n");
                notes.lock().expect("no panic while locked").push(head);
                let answer: &[u8] =
                    if known { LEADS } else { b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n" };
                // Who has heard enough goes.
                let _ = stream.write_all(answer).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { address, asked }
    }

    fn asked(&self, line: &str) -> Vec<String> {
        let asked = self.asked.lock().expect("no panic while locked");
        asked.iter().filter(|head| head.starts_with(line)).cloned().collect()
    }
}

const LEADS: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\nSet-Cookie: x=1\r\n\r\n\"I lead\"";

async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).expect("text")
}

struct Scene {
    kubernetes: Kubernetes,
    dkron: Guarded,
    updater: Updater,
    door: PathBuf,
    directory: TempDir,
}

impl Scene {
    async fn start(credentials: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        fs::write(at("credentials"), credentials).expect("written");
        let kubernetes = Kubernetes::start(vec![pod("dkron-0", "10.0.0.1", false)]).await;
        let dkron = Guarded::start(directory.path()).await;
        let api = DkronApi {
            authority: Some(at("ca.crt")),
            credentials: Some(at("credentials")),
            ..DkronApi::plain(dkron.address.port())
        };
        let door = at("dkron.sock");
        // What an earlier life has left behind.
        fs::write(&door, "").expect("written");
        let updater = Updater::with(LabelConfig {
            dkron: api,
            ..config(free_port().await, dkron.address.port(), free_port().await, kubernetes.address, directory.path())
        });
        Self { kubernetes, dkron, updater, door, directory }
    }

    /// As the wrapper would: head and body.
    async fn ask(&self, request: &str) -> (String, String) {
        let exchange = async {
            let mut stream = loop {
                match UnixStream::connect(&self.door).await {
                    Ok(stream) => break stream,
                    Err(_) => sleep(Duration::from_millis(10)).await,
                }
            };
            converse(&mut stream, request).await
        };
        timeout(PATIENCE, exchange).await.expect("an answer in time")
    }
}

async fn converse(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &str) -> (String, String) {
    stream.write_all(request.as_bytes()).await.expect("a request");
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("an answer, then the end");
    let (head, body) = text.split_once("\r\n\r\n").expect("head and body");
    (head.to_owned(), body.to_owned())
}

#[tokio::test]
async fn the_label_follows_a_dkron_behind_tls_and_credentials_also_after_they_are_replaced() {
    let scene = Scene::start("Bearer old").await;
    sleep(Duration::from_millis(300)).await;
    assert!(!scene.kubernetes.leads("dkron-0"), "401 is no leader");
    fs::write(scene.directory.path().join("credentials"), "Bearer secret\n").expect("written");
    scene.kubernetes.until("the label", |kubernetes| kubernetes.leads("dkron-0")).await;
    scene.updater.stop().await;
}

#[tokio::test]
async fn the_wrapper_asks_through_the_door_without_tls_and_without_credentials() {
    let scene = Scene::start("Bearer secret").await;
    let (head, body) =
        scene.ask("POST /v1/leave HTTP/1.1\r\nHost: x\r\nCookie: a=b\r\nContent-Length: 2\r\n\r\n{}").await;
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(head.contains("content-type: application/json") && !head.to_lowercase().contains("cookie"), "{head}");
    assert_eq!(body, "\"I lead\"");
    let asked = scene.dkron.asked("POST /v1/leave HTTP/1.1");
    assert_eq!(asked.len(), 1);
    assert!(!asked[0].to_lowercase().contains("cookie"), "a new request: {}", asked[0]);
    let mode = fs::metadata(&scene.door).expect("the socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o666, "the wrapper is another user");
    scene.updater.stop().await;
}

#[tokio::test]
async fn nothing_else_comes_through_the_door() {
    let scene = Scene::start("Bearer secret").await;
    for line in ["GET /v1/jobs", "POST /v1/jobs", "DELETE /v1/jobs/a", "POST /v1/members", "GET /v1/leader?a=b"] {
        let (head, _) = scene.ask(&format!("{line} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
        assert!(head.starts_with("HTTP/1.1 403 Forbidden"), "{line}: {head}");
        assert!(scene.dkron.asked(line).is_empty(), "{line}");
    }
    // Whom the authority does not vouch for is not told the credentials.
    let other = tempfile::tempdir().expect("a directory");
    development::write(other.path(), &[], SystemTime::now()).expect("certificates");
    fs::copy(other.path().join("ca.crt"), scene.directory.path().join("ca.crt")).expect("copied");
    let (head, body) = scene.ask("GET /v1/busy HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 502 Bad Gateway"), "{head}");
    assert!(body.contains("no TLS") && !body.contains("secret"), "{body}");
    assert!(scene.dkron.asked("GET /v1/busy").is_empty());
    scene.updater.stop().await;
}

#[tokio::test]
async fn a_plain_dkron_has_no_door() {
    let (dkron, api) = (Played::start(Play::Answer(200, "yes")).await, Played::start(Play::Answer(200, "")).await);
    let directory = tempfile::tempdir().expect("a directory");
    let door = directory.path().join("dkron.sock");
    let updater = Updater::with(config(
        free_port().await,
        dkron.address.port(),
        dkron.address.port(),
        api.address,
        directory.path(),
    ));
    api.until(1).await;
    sleep(Duration::from_millis(200)).await;
    assert!(!door.exists());
    updater.stop().await;
}

#[tokio::test]
async fn a_dkron_at_the_address_of_the_pod_alone_is_found_there() {
    let (dkron, api) = (Played::start(Play::Answer(200, "yes")).await, Played::start(Play::Answer(200, "")).await);
    // On Linux all of 127.0.0.0/8 is the own machine: nobody listens at the first address.
    let elsewhere = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).await.expect("a port");
    let port = elsewhere.local_addr().expect("an address").port();
    let target = dkron.address;
    tokio::spawn(async move {
        loop {
            let (mut near, _) = elsewhere.accept().await.expect("a connection");
            let mut far = tokio::net::TcpStream::connect(target).await.expect("dkron");
            let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
        }
    });
    let directory = tempfile::tempdir().expect("a directory");
    let updater = Updater::with(LabelConfig {
        dkron: DkronApi { pod_ip: "127.0.0.2".parse().ok(), ..DkronApi::plain(port) },
        ..config(free_port().await, port, dkron.address.port(), api.address, directory.path())
    });
    api.until(1).await;
    assert_eq!(api.leaders()[0], "true");
    updater.stop().await;
}
