//! One review's turn: so many at a time, large ones on a thread of their own, and a panic ends only this one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::Limits;
use super::budget::Room;
use super::refusal::Refusal;
use crate::review::{Reviewed, Reviewer};

/// Lets reviews run, at most [`Limits::reviews`] at a time.
#[derive(Clone)]
pub struct Turns {
    reviewer: Arc<dyn Reviewer>,
    free: Arc<Semaphore>,
    large: usize,
}

impl Turns {
    /// Turns of `reviewer` within `limits`.
    pub fn new(reviewer: Arc<dyn Reviewer>, limits: &Limits) -> Self {
        let count = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        Self {
            reviewer,
            free: Arc::new(Semaphore::new(count(limits.reviews).min(Semaphore::MAX_PERMITS))),
            large: count(limits.large_review),
        }
    }

    /// Waits for a turn and reviews `body`, whose memory is `room`.
    ///
    /// # Errors
    /// [`Refusal`] where no turn comes, or the review does not end, before the deadline; or what the reviewer said.
    pub async fn review(&self, body: Vec<u8>, room: Room, deadline: Instant) -> Result<Reviewed, Refusal> {
        let Ok(Ok(turn)) = timeout_at(deadline, Arc::clone(&self.free).acquire_owned()).await else {
            return Err(Refusal::Busy);
        };
        if body.len() < self.large {
            return caught(&*self.reviewer, &body);
        }
        let reviewer = Arc::clone(&self.reviewer);
        // A review that outlives its request keeps its turn and its room until it ends.
        let review = tokio::task::spawn_blocking(move || {
            let answer = caught(&*reviewer, &body);
            drop((body, room, turn));
            answer
        });
        match timeout_at(deadline, review).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Refusal::Panicked),
            Err(_) => Err(Refusal::Late),
        }
    }
}

fn caught(reviewer: &dyn Reviewer, body: &[u8]) -> Result<Reviewed, Refusal> {
    match catch_unwind(AssertUnwindSafe(|| reviewer.review(body))) {
        Ok(answer) => answer.map_err(Refusal::from),
        Err(_) => Err(Refusal::Panicked),
    }
}
