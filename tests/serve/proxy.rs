//! What a node's proxy believes of a Service's endpoints.
//!
//! As kube-proxy does, it chooses an endpoint when a connection begins and stays out of its way afterwards: a connection that was
//! made lives on when its endpoint is no longer believed in. It learns of every change after a lag of its own, and of one after the
//! other.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::random;

/// From when on it believes in which endpoints.
struct Belief {
    from: Instant,
    endpoints: Vec<SocketAddr>,
}

/// How long a change takes to reach a proxy: each time as long as chance will have it.
#[derive(Clone, Copy, Debug)]
pub struct Lag {
    pub least: Duration,
    pub most: Duration,
}

/// One node's.
pub struct Proxy {
    lag: Lag,
    beliefs: Mutex<Vec<Belief>>,
}

impl Proxy {
    /// One that believes in these from the beginning.
    pub fn new(lag: Lag, endpoints: &[SocketAddr]) -> Self {
        let first = Belief { from: Instant::now(), endpoints: endpoints.to_vec() };
        Self { lag, beliefs: Mutex::new(vec![first]) }
    }

    /// The Service has these endpoints now. Gives the lag after which they are believed in.
    pub fn hear(&self, endpoints: &[SocketAddr]) -> Duration {
        let now = Instant::now();
        let mut beliefs = self.beliefs();
        let earlier = beliefs.last().map_or(now, |last| last.from);
        let from = earlier.max(now + random::between(self.lag.least, self.lag.most));
        beliefs.push(Belief { from, endpoints: endpoints.to_vec() });
        from.saturating_duration_since(now)
    }

    /// Where a connection that begins now goes.
    pub fn choose(&self) -> Option<SocketAddr> {
        let now = Instant::now();
        let beliefs = self.beliefs();
        let endpoints = &beliefs.iter().rev().find(|belief| belief.from <= now)?.endpoints;
        (!endpoints.is_empty()).then(|| endpoints[random::below(endpoints.len())])
    }

    /// From when on no connection goes to `endpoint` any more; `None` while no such change is known.
    pub fn forgets(&self, endpoint: SocketAddr) -> Option<Instant> {
        let beliefs = self.beliefs();
        let last = beliefs.iter().rposition(|belief| belief.endpoints.contains(&endpoint))?;
        beliefs.get(last + 1).map(|belief| belief.from)
    }

    fn beliefs(&self) -> MutexGuard<'_, Vec<Belief>> {
        self.beliefs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
