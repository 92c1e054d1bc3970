//! Looks for new certificates and serves them.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::task::{JoinError, spawn_blocking};
use tokio::time::sleep;

use super::metrics::{Metrics, Reloaded};
use crate::certs::source::Change;
use crate::certs::{Pair, Served, Source};

/// Asks `source` for a new pair `every` so often; ends only when dropped. What cannot be served is logged and counted,
/// and the old pair stays.
///
/// # Errors
/// Where looking panicked.
pub async fn run(
    mut source: Source,
    served: Arc<Served>,
    metrics: Arc<Metrics>,
    every: Duration,
) -> Result<(), JoinError> {
    loop {
        sleep(every).await;
        let present = served.pair();
        // Files may lie on a volume that hangs.
        let look = move || {
            let outcome = source.next(&present, SystemTime::now());
            (source, outcome)
        };
        let outcome;
        (source, outcome) = spawn_blocking(look).await?;
        match outcome {
            Ok(None) => {}
            Ok(Some(change)) => {
                announce(&change, "a new certificate is served");
                served.replace(change.pair);
                metrics.reloaded(Reloaded::Swapped);
            }
            Err(error) => {
                tracing::warn!(%error, "a new certificate cannot be served; the present one stays");
                metrics.reloaded(Reloaded::Kept);
            }
        }
    }
}

/// Says in the log what is served from now on.
pub fn announce(change: &Change, what: &str) {
    let pair: &Pair = &change.pair;
    let (names, not_after) = (pair.names().join(" "), pair.validity().not_after);
    tracing::info!(names, not_after, "{what}");
    if let Some(doubt) = &change.doubt {
        tracing::warn!("{doubt}");
    }
}
