//! Reviews that go on whatever happens to the replicas: some API servers, most with callers that ask all the time, each with one that
//! asks now and then, and one that asks for many at once, which fills the pool with connections that are then idle for a while.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::future::join_all;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::api_server::{ApiServer, Lost};
use crate::corpus::Review;
use crate::random;

/// Callers of one API server that ask again and again. Where they are, each connection is soon used.
const STEADY: usize = 4;
/// The API server that has none of them.
const QUIET: usize = 0;
/// Reviews at once of the one that asks for many.
const BURST: usize = 8;
/// Longer than any number of reviews that is waited for takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// What became of the reviews until now.
#[derive(Default)]
pub struct Tally {
    pub asked: AtomicUsize,
    /// Answers that ended their connection.
    pub farewells: AtomicUsize,
    /// Those of them whose connection was made for this review: proxies still sent connections to a replica that was going.
    pub latecomers: AtomicUsize,
    lost: Mutex<Vec<(usize, Lost)>>,
}

impl Tally {
    /// Those that were lost, each with the number of its API server.
    pub fn lost(&self) -> Vec<(usize, Lost)> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Callers that ask until they are told to end.
pub struct Load {
    pub tally: Arc<Tally>,
    ending: Arc<AtomicBool>,
    callers: JoinSet<()>,
}

struct Caller {
    number: usize,
    api_server: Arc<ApiServer>,
    reviews: Arc<[Review]>,
    tally: Arc<Tally>,
    ending: Arc<AtomicBool>,
}

impl Load {
    /// Starts all callers. The pause of the last two is up to `rare`: longer than the drain, so that connections are closed unused.
    pub fn start(api_servers: &[Arc<ApiServer>], reviews: &Arc<[Review]>, rare: Duration) -> Self {
        let (tally, ending) = (Arc::<Tally>::default(), Arc::<AtomicBool>::default());
        let mut callers = JoinSet::new();
        for (number, api_server) in api_servers.iter().enumerate() {
            let steady = if number == QUIET { 0 } else { STEADY };
            let often = [(1, Duration::from_millis(20))].repeat(steady);
            for (at_once, longest) in often.into_iter().chain([(1, rare), (BURST, rare)]) {
                let caller = Caller {
                    number,
                    api_server: Arc::clone(api_server),
                    reviews: Arc::clone(reviews),
                    tally: Arc::clone(&tally),
                    ending: Arc::clone(&ending),
                };
                callers.spawn(async move { caller.call(at_once, longest).await });
            }
        }
        Self { tally, ending, callers }
    }

    /// Waits until so many more reviews were answered or lost.
    pub async fn more(&self, reviews: usize) -> Result<()> {
        let (begun, aim) = (Instant::now(), self.tally.asked.load(Ordering::Relaxed) + reviews);
        while self.tally.asked.load(Ordering::Relaxed) < aim {
            ensure!(begun.elapsed() < PATIENCE, "{reviews} reviews take longer than {PATIENCE:?}");
            sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Lets every caller finish, and gives what became of all reviews.
    pub async fn end(mut self) -> Result<Arc<Tally>> {
        self.ending.store(true, Ordering::Relaxed);
        while let Some(ended) = self.callers.join_next().await {
            ended?;
        }
        Ok(self.tally)
    }
}

impl Caller {
    async fn call(&self, at_once: usize, longest: Duration) {
        let mut next = random::below(self.reviews.len());
        while !self.ending.load(Ordering::Relaxed) {
            join_all((0..at_once).map(|offset| self.ask(next + offset))).await;
            next += at_once;
            sleep(random::between(Duration::ZERO, longest)).await;
        }
    }

    async fn ask(&self, number: usize) {
        let outcome = self.api_server.ask(&self.reviews[number % self.reviews.len()]).await;
        self.tally.asked.fetch_add(1, Ordering::Relaxed);
        match outcome {
            Ok(answered) => {
                self.tally.farewells.fetch_add(usize::from(answered.closes), Ordering::Relaxed);
                self.tally.latecomers.fetch_add(usize::from(answered.closes && answered.dialled), Ordering::Relaxed);
            }
            Err(lost) => self.tally.lost.lock().unwrap_or_else(PoisonError::into_inner).push((self.number, lost)),
        }
    }
}
