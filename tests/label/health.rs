//! The label updater's own port.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use crate::neighbours::{Play, Played, Updater, quick};

const FOLLOWER: Play = Play::Answer(404, "\"I am a follower\"");
const ACCEPTED: Play = Play::Answer(200, "");

/// Head and body of the answer, once the port answers at all.
async fn get(port: u16, path: &str) -> (String, String) {
    let exchange = async {
        let mut stream = loop {
            match TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await {
                Ok(stream) => break stream,
                Err(_) => sleep(Duration::from_millis(10)).await,
            }
        };
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.expect("a request");
        let mut text = String::new();
        stream.read_to_string(&mut text).await.expect("an answer, then the end");
        text
    };
    let text = timeout(Duration::from_secs(10), exchange).await.expect("an answer in time");
    let (head, body) = text.split_once("\r\n\r\n").expect("head and body");
    (head.to_owned(), body.to_owned())
}

#[tokio::test]
async fn it_is_ready_when_the_wrapper_is() {
    let (wrapper, api) = (Played::start(Play::Answer(200, "ready")).await, Played::start(ACCEPTED).await);
    let updater = Updater::start(wrapper.address, wrapper.address, api.address, quick()).await;
    let (head, body) = get(updater.port, "/readyz").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(body, "ready\n");
    assert!(wrapper.seen().iter().any(|request| request.uri == "/probe/ready"));
    updater.stop().await;
}

#[tokio::test]
async fn it_is_not_ready_when_the_wrapper_is_not_and_says_why() {
    let waiting = Play::Answer(503, "waits for dkron-1");
    let (wrapper, api) = (Played::start(waiting).await, Played::start(ACCEPTED).await);
    let updater = Updater::start(wrapper.address, wrapper.address, api.address, quick()).await;
    let (head, body) = get(updater.port, "/readyz").await;
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
    assert_eq!(body, "wrapper answers 503: waits for dkron-1\n");

    wrapper.play(Play::Silence);
    let (head, body) = get(updater.port, "/readyz").await;
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
    assert!(body.contains("no answer"), "{body}");

    drop(wrapper);
    sleep(Duration::from_millis(50)).await;
    let (head, body) = get(updater.port, "/readyz").await;
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
    assert!(body.contains("no connection"), "{body}");
    updater.stop().await;
}

#[tokio::test]
async fn metrics_count_polls_and_patches() {
    let (dkron, api) = (Played::start(Play::Answer(200, "yes")).await, Played::start(ACCEPTED).await);
    let updater = Updater::start(dkron.address, dkron.address, api.address, quick()).await;
    api.until(1).await;
    dkron.until(3).await;
    let (head, body) = get(updater.port, "/metrics").await;
    assert!(head.contains("application/openmetrics-text"), "{head}");
    assert!(body.contains("dkron_ha_label_leader 1\n"), "{body}");
    assert!(body.contains("dkron_ha_label_patches_total{outcome=\"written\"} 1\n"), "{body}");
    assert!(body.contains("dkron_ha_label_polls_total{answer=\"leader\"}"), "{body}");
    assert!(body.trim_end().ends_with("# EOF"), "{body}");
    updater.stop().await;
}

#[tokio::test]
async fn other_paths_are_not_found() {
    let (dkron, api) = (Played::start(FOLLOWER).await, Played::start(ACCEPTED).await);
    let updater = Updater::start(dkron.address, dkron.address, api.address, quick()).await;
    assert!(get(updater.port, "/").await.0.starts_with("HTTP/1.1 404"));
    updater.stop().await;
}

#[tokio::test]
async fn a_taken_port_keeps_nobody_from_labelling_and_is_tried_again() {
    let taken = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let (dkron, api) = (Played::start(FOLLOWER).await, Played::start(ACCEPTED).await);
    let updater = Updater::on(port, dkron.address, dkron.address, api.address, quick());
    api.until(1).await;
    assert_eq!(api.leaders(), ["false"]);
    drop(taken);
    assert!(get(port, "/readyz").await.0.starts_with("HTTP/1.1 503"));
    updater.stop().await;
}
