//! A server to test, a reviewer to steer it, clients to talk to it.

pub mod child;
pub mod client;
pub mod raw;
pub mod reviewer;
pub mod server;

use std::time::Duration;

/// Longer than anything here takes, on any machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Runs `future`, but not for ever.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let outcome = tokio::time::timeout(PATIENCE, future).await;
    outcome.unwrap_or_else(|_| panic!("still waiting after {PATIENCE:?}: {what}"))
}

/// Waits until `condition` holds.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    soon(what, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}
