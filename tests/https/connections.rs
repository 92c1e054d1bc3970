//! Many connections, and idle ones.

use std::time::Duration;

use tokio::time::sleep;

use crate::support::server::Server;
use crate::support::{soon, until};

#[tokio::test]
async fn connections_beyond_the_cap_wait_for_a_place() {
    let server = Server::start_with(|config| config.limits.connections = 4).await;
    let mut inside = Vec::new();
    for _ in 0..4 {
        inside.push(server.client().await);
    }
    for client in &mut inside {
        assert_eq!(client.review("a").await.status, 200);
    }
    let (address, bundle) = (server.address, server.bundle.clone());
    let mut waiting = tokio::spawn(async move {
        let config = crate::support::client::config(&bundle);
        crate::support::client::Client::connect(address, config).await.review("b").await.status
    });
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut waiting).await.is_err(), "there was no place");
    assert!(server.counts("dkron_ha_connections 4"));
    inside.pop();
    assert_eq!(soon("a place", waiting).await.unwrap(), 200);
}

#[tokio::test]
async fn a_crowd_several_times_the_cap_is_served_to_the_last() {
    let server = Server::start_with(|config| config.limits.connections = 8).await;
    let crowd: Vec<_> = (0..100)
        .map(|_| {
            let (address, bundle) = (server.address, server.bundle.clone());
            tokio::spawn(async move {
                let config = crate::support::client::config(&bundle);
                let mut client = crate::support::client::Client::connect(address, config).await;
                client.review("a").await.status
            })
        })
        .collect();
    for one in crowd {
        assert_eq!(soon("one of the crowd", one).await.unwrap(), 200);
    }
    assert_eq!(server.script.seen(), 100);
    until("all places to be free", || server.counts("dkron_ha_connections 0")).await;
}

#[tokio::test]
async fn an_idle_connection_outlives_the_first_requests_deadline_and_ends_at_its_own() {
    let server = Server::start_with(|config| {
        config.limits.first_request = Duration::from_millis(500);
        config.limits.idle = Duration::from_secs(3);
    })
    .await;
    let mut client = server.client().await;
    assert_eq!(client.review("a").await.status, 200);
    sleep(Duration::from_millis(1_500)).await;
    assert_eq!(client.review("b").await.status, 200, "idle for three times the first request's deadline");
    client.closed().await;
    until("its place to be free", || server.counts("dkron_ha_connections 0")).await;
}
