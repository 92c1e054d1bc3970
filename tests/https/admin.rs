//! The admin port.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use dkron_ha::certs::{Authority, Source};
use dkron_ha::server::{Config, ServeError};

use crate::support::raw;
use crate::support::reviewer::Script;
use crate::support::server::{HOST, Server, config, config_of};

#[tokio::test]
async fn metrics_hold_what_was_counted() {
    let server = Server::start().await;
    let mut client = server.client().await;
    for body in ["a", "b", "reject", "malformed"] {
        client.review(body).await;
    }
    let (status, text) = raw::get(server.admin, "/metrics").await.unwrap();
    assert_eq!(status, 200);
    assert!(text.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"), "{text}");
    let day = 24 * 60 * 60;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let expiry = text.lines().find_map(|line| line.strip_prefix("dkron_ha_certificate_expiry_seconds ")).unwrap();
    assert!((now + 6 * day..=now + 7 * day).contains(&expiry.parse().unwrap()), "{expiry}");
    for line in [
        "dkron_ha_admission_requests_total{kind=\"Pod\",operation=\"CREATE\",outcome=\"unchanged\",code=\"\"} 2",
        "dkron_ha_admission_requests_total{kind=\"Pod\",operation=\"CREATE\",outcome=\"rejected\",code=\"DKHA-001\"} 1",
        "dkron_ha_admission_duration_seconds_count 3",
        "dkron_ha_admission_in_flight 0",
        "dkron_ha_http_responses_total{status=\"400\"} 1",
        "dkron_ha_connections 1",
        "# EOF",
    ] {
        assert!(text.lines().any(|have| have == line), "no {line:?} in\n{text}");
    }
}

#[tokio::test]
async fn the_admin_port_answers_probes_and_nothing_else() {
    let server = Server::start().await;
    assert_eq!(raw::get(server.admin, "/healthz").await.unwrap().0, 200);
    assert_eq!(raw::get(server.admin, "/readyz").await.unwrap().0, 200);
    assert_eq!(raw::get(server.admin, "/mutate").await.unwrap().0, 404);
}

#[tokio::test]
async fn an_expired_certificate_is_unready_but_alive() {
    let long_ago = SystemTime::now() - Duration::from_secs(100 * 24 * 60 * 60);
    let authority = Authority::create("an authority", long_ago, Duration::from_secs(60)).unwrap();
    let leaf = authority.sign(&[HOST.to_owned()], long_ago, Duration::from_secs(60)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("tls.crt"), leaf.certificate_pem).unwrap();
    std::fs::write(dir.path().join("tls.key"), leaf.key_pem).unwrap();
    let server = Server::start_of(config_of(Source::directory(dir.path())), authority.pem().to_owned()).await;
    let (status, text) = raw::get(server.admin, "/readyz").await.unwrap();
    assert_eq!(status, 503);
    assert!(text.contains("expired"), "{text}");
    assert_eq!(raw::get(server.admin, "/healthz").await.unwrap().0, 200);
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let fail = async |config: Config| match config.bind(Script::new()).await {
        Ok(_) => panic!("it started"),
        Err(error) => error,
    };
    let server = Server::start().await;
    let (mut taken, _) = config();
    taken.webhook = server.address;
    let error = fail(taken).await;
    assert!(matches!(&error, ServeError::Listen { purpose: "webhook", .. }), "{error}");
    assert!(error.to_string().contains(&server.address.to_string()), "{error}");

    let error = fail(config_of(Source::directory("/nowhere/at/all"))).await;
    let reason = std::error::Error::source(&error).unwrap().to_string();
    assert!(reason.contains("/nowhere/at/all/tls.crt") && reason.contains("kubernetes.io/tls"), "{reason}");

    let (mut narrow, _) = config();
    narrow.limits.body_budget = 1;
    assert!(matches!(fail(narrow).await, ServeError::Limits(_)));
}

#[tokio::test]
async fn all_addresses_means_ipv4_too() {
    let (mut config, _) = config();
    config.webhook = "[::]:0".parse().unwrap();
    let bound = config.bind(Arc::<Script>::clone(&Script::new())).await.unwrap();
    let port = bound.local_addr().unwrap().port();
    tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
}
