//! The way out.

use std::time::Duration;

use dkron_ha::server::{Drain, Ended};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::raw;
use crate::support::server::Server;
use crate::support::{soon, until};

async fn start(delay: Duration, idle: Duration, finish: Duration) -> Server {
    Server::start_with(|config| {
        config.drain = Drain { delay, idle, finish };
        config.limits.large_review = 0;
    })
    .await
}

const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn while_draining_all_is_served_but_readiness_and_connections_end() {
    let server = start(Duration::from_secs(2), Duration::ZERO, LONG).await;
    let mut old = server.client().await;
    assert!(!old.review("a").await.closes);
    assert_eq!(raw::get(server.admin, "/readyz").await.unwrap().0, 200);

    server.trigger.drain();
    server.unready().await;
    let (status, text) = raw::get(server.admin, "/readyz").await.unwrap();
    assert_eq!(status, 503);
    assert!(text.contains("shutting down"), "{text}");
    assert_eq!(raw::get(server.admin, "/healthz").await.unwrap().0, 200);

    let mut new = server.client().await;
    for client in [&mut old, &mut new] {
        let answer = client.review("b").await;
        assert_eq!(answer.status, 200);
        assert!(answer.closes);
        client.closed().await;
    }

    let address = server.address;
    assert_eq!(soon("the end", server.task).await.unwrap().unwrap(), Ended::Drained);
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn what_is_under_way_is_finished() {
    let server = start(Duration::ZERO, Duration::ZERO, LONG).await;
    let mut client = server.client().await;
    let address = server.address;
    let answer = async {
        let answer = client.review("wait").await;
        assert_eq!(answer.status, 200);
        assert!(answer.closes);
    };
    let ending = async {
        until("the review to begin", || server.script.is_waiting()).await;
        server.trigger.drain();
        soon("the listener to close", async { while TcpStream::connect(address).await.is_ok() {} }).await;
        assert!(!server.task.is_finished());
        server.script.open();
    };
    tokio::join!(answer, ending);
    assert_eq!(soon("the end", server.task).await.unwrap().unwrap(), Ended::Drained);
}

#[tokio::test]
async fn half_a_request_may_be_completed_after_the_listener_closed() {
    let server = start(Duration::ZERO, Duration::ZERO, LONG).await;
    let mut stream = server.stream().await;
    stream.write_all(raw::head_of(4).as_bytes()).await.unwrap();
    stream.write_all(b"ab").await.unwrap();
    until("the request to begin", || server.counts("dkron_ha_admission_in_flight 1")).await;
    server.trigger.drain();
    soon("the listener to close", async { while TcpStream::connect(server.address).await.is_ok() {} }).await;
    stream.write_all(b"cd").await.unwrap();
    assert_eq!(raw::answer(&mut stream).await, Some((200, "{\"length\":4}".into())));
    drop(stream);
    assert_eq!(soon("the end", server.task).await.unwrap().unwrap(), Ended::Drained);
}

#[tokio::test]
async fn idle_connections_do_not_hold_up_the_end() {
    let server = start(Duration::ZERO, Duration::ZERO, LONG).await;
    let mut idle = server.client().await;
    idle.review("a").await;
    let mut fresh = server.stream().await;
    assert_eq!(server.end().await, Ended::Drained);
    idle.closed().await;
    let mut end = Vec::new();
    soon("the goodbye", fresh.read_to_end(&mut end)).await.unwrap();
    assert!(end.is_empty());
}

#[tokio::test]
async fn connections_are_left_to_their_clients_until_these_have_surely_given_them_up() {
    let server = start(Duration::ZERO, LONG, LONG).await;
    let (mut used, mut unused) = (server.client().await, server.client().await);
    used.review("a").await;
    unused.review("a").await;
    let mut silent = server.stream().await;
    let address = server.address;
    server.trigger.drain();
    soon("the listener to close", async { while TcpStream::connect(address).await.is_ok() {} }).await;
    let answer = used.review("b").await;
    assert_eq!((answer.status.as_u16(), answer.closes), (200, true));
    used.closed().await;
    silent.write_all(raw::head_of(4).as_bytes()).await.unwrap();
    silent.write_all(b"abcd").await.unwrap();
    assert_eq!(raw::answer(&mut silent).await, Some((200, "{\"length\":4}".into())));
    assert!(!server.task.is_finished());
    drop(unused);
    assert_eq!(soon("the end", server.task).await.unwrap().unwrap(), Ended::Drained);
}

#[tokio::test]
async fn a_connection_that_nobody_uses_is_closed_when_its_time_is_over() {
    let server = start(Duration::ZERO, Duration::from_millis(200), LONG).await;
    let mut idle = server.client().await;
    idle.review("a").await;
    assert_eq!(server.end().await, Ended::Drained);
    idle.closed().await;
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_dropped_and_counted() {
    let server = start(Duration::ZERO, Duration::ZERO, Duration::from_millis(200)).await;
    let mut stream = server.stream().await;
    stream.write_all(raw::head_of(4).as_bytes()).await.unwrap();
    until("the request to begin", || server.counts("dkron_ha_admission_in_flight 1")).await;
    assert_eq!(server.end().await, Ended::Cut { connections: 1 });
    assert_eq!(raw::answer(&mut stream).await, None);
}

#[tokio::test]
async fn a_second_request_to_end_waits_for_nothing() {
    let server = start(LONG, LONG, LONG).await;
    let mut stream = server.stream().await;
    stream.write_all(raw::head_of(4).as_bytes()).await.unwrap();
    until("the request to begin", || server.counts("dkron_ha_admission_in_flight 1")).await;
    server.trigger.drain();
    server.unready().await;
    assert!(!server.task.is_finished());
    let asked = std::time::Instant::now();
    server.trigger.end();
    assert_eq!(soon("the end", server.task).await.unwrap().unwrap(), Ended::Cut { connections: 1 });
    assert!(asked.elapsed() < LONG / 2, "neither the delay nor the finish was waited for");
}
