//! Size and time of one request.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use crate::support::raw::{self, head, head_of};
use crate::support::server::Server;
use crate::support::{client, soon, until};

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn three_mebibytes_are_reviewed() {
    let server = Server::start().await;
    let answer = server.client().await.review(vec![b'x'; 3 * MIB + 64 * 1024]).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "{\"length\":3211264}"));
}

#[tokio::test]
async fn a_body_announced_too_large_is_refused_and_the_client_gets_to_know() {
    let server = Server::start().await;
    // Again and again: a reset that overtakes the answer would not show every time.
    for _ in 0..5 {
        let answer = server.client().await.review(vec![b'x'; 4 * MIB]).await;
        assert_eq!(answer.status, 413);
        assert!(answer.closes && answer.text.contains("3211264"), "{}", answer.text);
    }
    assert_eq!(server.script.seen(), 0);
    assert_eq!(server.client().await.review("a").await.status, 200);
}

/// One that reads only after it has sent everything: without reading on after the answer, its connection would be reset.
#[tokio::test]
async fn a_client_that_sends_all_before_it_reads_gets_to_know_too() {
    let server = Server::start().await;
    let mut stream = server.stream().await;
    stream.write_all(head_of(4 * MIB).as_bytes()).await.unwrap();
    soon("sending", stream.write_all(&vec![b'x'; 4 * MIB])).await.unwrap();
    assert_eq!(raw::answer(&mut stream).await.unwrap().0, 413);
}

#[tokio::test]
async fn an_announced_length_is_refused_before_a_byte_of_the_body_is_sent() {
    let server = Server::start().await;
    let mut stream = server.stream().await;
    stream.write_all(head_of(4 * MIB).as_bytes()).await.unwrap();
    assert_eq!(raw::answer(&mut stream).await.unwrap().0, 413);

    // And one who asks first is not told to go on.
    let mut stream = server.stream().await;
    let asking = head(&format!("content-length: {}\r\nexpect: 100-continue\r\n", 4 * MIB));
    stream.write_all(asking.as_bytes()).await.unwrap();
    assert_eq!(raw::answer(&mut stream).await.unwrap().0, 413);
}

#[tokio::test]
async fn a_body_without_length_is_refused_once_it_is_too_large() {
    let server = Server::start().await;
    let stream = server.stream().await;
    let (mut reader, mut writer) = tokio::io::split(stream);
    let writing = tokio::spawn(async move {
        writer.write_all(head("transfer-encoding: chunked\r\n").as_bytes()).await?;
        for _ in 0..64 {
            writer.write_all(b"10000\r\n").await?;
            writer.write_all(&vec![b'x'; 0x10000]).await?;
            writer.write_all(b"\r\n").await?;
        }
        writer.write_all(b"0\r\n\r\n").await
    });
    assert_eq!(raw::answer(&mut reader).await.unwrap().0, 413);
    drop(soon("the writer", writing).await);
    assert_eq!(server.script.seen(), 0);
}

#[tokio::test]
async fn a_small_body_without_length_is_reviewed() {
    let server = Server::start().await;
    let mut stream = server.stream().await;
    let request = format!("{}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", head("transfer-encoding: chunked\r\n"));
    stream.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(raw::answer(&mut stream).await, Some((200, "{\"length\":5}".into())));
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let server = Server::start_with(|config| config.limits.body_read = Duration::from_millis(200)).await;
    let mut stream = server.stream().await;
    stream.write_all(head_of(100).as_bytes()).await.unwrap();
    stream.write_all(b"the beginning").await.unwrap();
    assert_eq!(raw::answer(&mut stream).await.unwrap().0, 408);
    assert_eq!(server.script.seen(), 0);
    assert!(server.counts("dkron_ha_http_responses_total{status=\"408\"} 1"));
}

#[tokio::test]
async fn the_clients_own_patience_ends_the_wait_for_a_body() {
    let server = Server::start().await;
    let mut stream = server.stream().await;
    let request = head_of(100).replace("/mutate", "/mutate?timeout=1s");
    stream.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(raw::answer(&mut stream).await.unwrap().0, 408);
}

#[tokio::test]
async fn a_head_that_does_not_come_is_given_up() {
    let server = Server::start_with(|config| config.limits.first_request = Duration::from_millis(200)).await;
    let mut silent = server.stream().await;
    let mut slow = server.stream().await;
    slow.write_all(b"POST /mutate HTTP/1.1\r\nhost: ").await.unwrap();
    assert_eq!(raw::answer(&mut silent).await, None);
    assert_eq!(raw::answer(&mut slow).await, None);
    until("both places to be free", || server.counts("dkron_ha_connections 0")).await;
}

#[tokio::test]
async fn a_handshake_that_does_not_come_is_given_up() {
    let server = Server::start_with(|config| config.limits.handshake = Duration::from_millis(200)).await;
    let _silent = tokio::net::TcpStream::connect(server.address).await.unwrap();
    until("the failure to be counted", || server.counts("dkron_ha_handshake_failures_total{reason=\"deadline\"} 1"))
        .await;
    assert_eq!(server.client().await.review("a").await.status, 200);
}

#[tokio::test]
async fn a_client_that_leaves_within_its_body_harms_nobody() {
    let server = Server::start().await;
    for _ in 0..3 {
        let mut stream = server.stream().await;
        stream.write_all(head_of(100_000).as_bytes()).await.unwrap();
        stream.write_all(&vec![b'x'; 50_000]).await.unwrap();
        stream.flush().await.unwrap();
        stream.shutdown().await.unwrap();
    }
    until("the connections to be gone", || server.counts("dkron_ha_connections 0")).await;
    assert!(server.counts("dkron_ha_admission_in_flight 0"));
    assert_eq!(server.script.seen(), 0, "half a body is never reviewed");
    assert_eq!(server.client().await.review("a").await.status, 200);
}

#[tokio::test]
async fn a_head_larger_than_the_buffer_is_refused() {
    let server = Server::start().await;
    let stream = server.stream().await;
    let (mut reader, mut writer) = tokio::io::split(stream);
    let long = "x".repeat(256 * 1024);
    let writing = tokio::spawn(async move { writer.write_all(head(&format!("a: {long}\r\n")).as_bytes()).await });
    let answer = raw::answer(&mut reader).await;
    assert_eq!(answer.map(|(status, _)| status), Some(431));
    drop(soon("the writer", writing).await);
    assert_eq!(server.client().await.review("a").await.status, 200);
}

#[tokio::test]
async fn bytes_that_are_no_http_end_their_own_connection_only() {
    let server = Server::start().await;
    let mut bystander = server.client().await;
    for garbage in [&b"\0\xff\xfe\r\n\r\n"[..], b"GET\r\n\r\n", b"POST /mutate HTTP/1.1\r\ncontent-length: -1\r\n\r\n"]
    {
        let config = client::config(&server.bundle);
        let mut stream = client::stream(server.address, config, crate::support::server::HOST).await.unwrap();
        stream.write_all(garbage).await.unwrap();
        assert_eq!(raw::answer(&mut stream).await.map(|(status, _)| status), Some(400));
    }
    assert_eq!(bystander.review("a").await.status, 200);
}

#[tokio::test]
async fn who_finds_no_room_for_a_large_body_is_refused_while_small_ones_pass() {
    let server = Server::start_with(|config| config.limits.body_budget = config.limits.body).await;
    let mut holder = server.stream().await;
    holder.write_all(raw::head_of(3 * MIB).as_bytes()).await.unwrap();
    holder.write_all(&[b'x'; 1000]).await.unwrap();
    until("the room to be taken", || server.counts("dkron_ha_admission_in_flight 1")).await;

    let answer = server.client().await.post("/mutate?timeout=1s", vec![b'x'; MIB]).await;
    assert_eq!(answer.status, 503);
    assert!(answer.text.contains("large"), "{}", answer.text);
    assert_eq!(server.client().await.review(vec![b'x'; 64 * 1024]).await.status, 200);

    drop(holder);
    assert_eq!(server.client().await.review(vec![b'x'; MIB]).await.status, 200, "the room is free again");
}
