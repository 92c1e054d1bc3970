//! Reviews at one time, and reviews that go wrong.

use std::time::Duration;

use crate::support::server::Server;
use crate::support::until;

/// Everything on threads of its own, so that a review may wait.
async fn start(reviews: u32) -> Server {
    Server::start_with(|config| {
        config.limits.reviews = reviews;
        config.limits.large_review = 0;
    })
    .await
}

#[tokio::test]
async fn who_gets_no_turn_in_time_is_told_to_come_back() {
    let server = start(1).await;
    let mut first = server.client().await;
    let mut second = server.client().await;
    let (held, refused) = tokio::join!(first.review("wait"), async {
        until("the first to hold the turn", || server.script.is_waiting()).await;
        let refused = second.post("/mutate?timeout=1s", "a").await;
        server.script.open();
        refused
    });
    assert_eq!((refused.status.as_u16(), held.status.as_u16()), (503, 200));
    assert!(!refused.closes, "the body was read, so the connection is good");
    assert_eq!(second.review("a").await.status, 200);
    assert!(server.counts("dkron_ha_http_responses_total{status=\"503\"} 1"));
}

#[tokio::test]
async fn a_turn_that_comes_in_time_is_taken() {
    let server = start(1).await;
    let mut first = server.client().await;
    let mut second = server.client().await;
    let (held, waited) = tokio::join!(first.review("wait"), async {
        until("the first to hold the turn", || server.script.is_waiting()).await;
        let (waited, ()) = tokio::join!(second.review("a"), async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            server.script.open();
        });
        waited
    });
    assert_eq!((held.status.as_u16(), waited.status.as_u16()), (200, 200));
}

#[tokio::test]
async fn a_review_that_outlasts_the_clients_patience_is_answered_all_the_same() {
    let server = start(2).await;
    let mut client = server.client().await;
    let answer = client.post("/mutate?timeout=1s", "wait").await;
    assert_eq!(answer.status, 503);
    assert!(answer.text.contains("in time"), "{}", answer.text);
    server.script.open();
    assert_eq!(client.review("a").await.status, 200);
}

#[tokio::test]
async fn a_panic_is_one_clients_error_and_nobody_elses() {
    for large_review in [0, u32::MAX] {
        let server = Server::start_with(|config| config.limits.large_review = large_review).await;
        let mut client = server.client().await;
        for _ in 0..3 {
            let answer = client.review("panic").await;
            assert_eq!(answer.status, 500, "on a thread from {large_review} bytes");
            assert!(!answer.text.contains("as the body says"), "{}", answer.text);
            assert_eq!(client.review("a").await.status, 200);
        }
        assert!(server.counts("dkron_ha_http_responses_total{status=\"500\"} 3"));
        assert!(server.counts("dkron_ha_admission_in_flight 0"));
    }
}
