//! What is answered where.

use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;

use crate::support::client::{self, Client};
use crate::support::raw;
use crate::support::server::{HOST, Server};

#[tokio::test]
async fn a_review_is_answered_over_both_versions_of_tls() {
    let server = Server::start().await;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let config = client::config_for(&server.bundle, &[version]);
        let stream = client::stream(server.address, config, HOST).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        let answer = Client::over(stream).await.review("0123456789").await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "{\"length\":10}"));
        assert_eq!(answer.content_type, "application/json");
        assert!(!answer.closes);
    }
    server.end().await;
}

#[tokio::test]
async fn the_server_proves_its_name_to_clients_that_trust_its_authority_only() {
    let server = Server::start().await;
    let other = Server::start().await;
    assert!(client::stream(server.address, client::config(&server.bundle), "other.test.svc").await.is_err());
    assert!(client::stream(server.address, client::config(&other.bundle), HOST).await.is_err());
    crate::support::until("the failures to be counted", || {
        server.counts("dkron_ha_handshake_failures_total{reason=\"tls\"} 2")
    })
    .await;
    assert_eq!(server.client().await.review("a").await.status, 200);
}

#[tokio::test]
async fn one_connection_serves_many_requests_refused_ones_among_them() {
    let server = Server::start().await;
    let mut client = server.client().await;
    for body in ["a", "malformed", "b", "internal", "c", "reject", "d"] {
        let answer = client.review(body).await;
        let expected = match body {
            "malformed" => 400,
            "internal" => 500,
            _ => 200,
        };
        assert_eq!(answer.status, expected, "{body}: {}", answer.text);
        assert!(!answer.closes, "{body}");
    }
    assert!(server.counts("dkron_ha_connections 1"));
    assert_eq!(server.script.seen(), 7);
}

#[tokio::test]
async fn errors_of_the_reviewer_are_told_in_plain_text() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let answer = client.review("malformed").await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (400, "not a review\n"));
    assert!(answer.content_type.starts_with("text/plain"));
    let answer = client.review("internal").await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (500, "DKHA-201 our fault\n"));
}

#[tokio::test]
async fn only_a_json_post_to_mutate_reaches_the_reviewer() {
    let server = Server::start().await;
    let json = "application/json";
    for (method, target, content_type, status) in [
        ("GET", "/mutate", json, 405),
        ("PUT", "/mutate", json, 405),
        ("POST", "/", json, 404),
        ("POST", "/mutate/", json, 404),
        ("POST", "/metrics", json, 404),
        ("POST", "/mutate", "text/plain", 415),
        ("POST", "/mutate", "application/yaml", 415),
        ("POST", "/mutate", "", 415),
    ] {
        let request = Request::builder().method(method).uri(target).header("host", HOST);
        let request = request.header("content-type", content_type).body(Full::new(Bytes::from("{}"))).unwrap();
        let answer = server.client().await.send(request).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {target} {content_type}");
        assert!(answer.text.len() > 10, "{:?} says too little", answer.text);
    }
    assert_eq!(server.script.seen(), 0);
    assert!(server.counts("dkron_ha_http_responses_total{status=\"415\"} 3"));

    let request = Request::post("/mutate?timeout=3s").header("host", HOST);
    let request = request.header("content-type", "application/json; charset=utf-8").body(Full::from("{}")).unwrap();
    assert_eq!(server.client().await.send(request).await.status, 200);
}

#[tokio::test]
async fn a_client_that_speaks_no_tls_gets_nothing_and_harms_nothing() {
    let server = Server::start().await;
    assert!(raw::get(server.address, "/mutate").await.is_err());
    assert_eq!(server.client().await.review("a").await.status, 200);
}
