//! Every limit of the server. Whatever a client does, memory, time and connections stay within these.

use std::time::Duration;

/// Limits with documented defaults; sizes in bytes.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest request body, else 413. 3 MiB is what the API server itself accepts as a request body; 64 KiB are for
    /// the envelope around the object.
    pub body: u32,
    /// Sum of the bodies that are read or reviewed at one time; more wait, and get 503 when their time is over.
    pub body_budget: u32,
    /// A body announced as no larger than this takes nothing from the budget, so that ordinary reviews never queue behind
    /// huge or slow ones. At worst `connections` of them are in memory.
    pub small_body: u32,
    /// A body at least this large is reviewed on a thread of its own and does not hold up the connections.
    pub large_review: u32,
    /// From the connection to the end of the TLS handshake.
    pub handshake: Duration,
    /// From the end of the handshake to the end of the first request's head.
    pub first_request: Duration,
    /// From one answer to the end of the next request's head, so also how long an idle connection is kept. The API server
    /// keeps its end for 90 s and does not repeat a POST that meets a closing connection: stay well above.
    pub idle: Duration,
    /// From a request's head to the end of its body, else 408.
    pub body_read: Duration,
    /// From a request's head to its answer where the client names no time of its own (`?timeout=`), else 503.
    pub request: Duration,
    /// Open connections; more wait in the kernel's queue.
    pub connections: u32,
    /// Reviews that run at one time; more wait, and get 503 when their time is over.
    pub reviews: u32,
    /// How long a connection that we close is still read, so that the client gets the answer and not a reset.
    pub linger: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 3 * 1024 * 1024 + 64 * 1024,
            body_budget: 64 * 1024 * 1024,
            small_body: 64 * 1024,
            large_review: 256 * 1024,
            handshake: Duration::from_secs(5),
            first_request: Duration::from_secs(10),
            idle: Duration::from_secs(130),
            body_read: Duration::from_secs(5),
            request: Duration::from_secs(10),
            connections: 512,
            reviews: 32,
            linger: Duration::from_secs(1),
        }
    }
}

/// A limit that lets nothing through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitsError {
    /// Nothing could ever be served.
    #[error("{0} must be at least 1")]
    Zero(&'static str),
    /// One body of the largest size would never get its share.
    #[error("the budget for bodies must be at least as large as the largest body")]
    BudgetBelowBody,
}

impl Limits {
    /// Looks for limits that could never be met.
    ///
    /// # Errors
    /// [`LimitsError`] with the first of them.
    pub fn check(&self) -> Result<(), LimitsError> {
        for (name, value) in
            [("the largest body", self.body), ("connections", self.connections), ("reviews", self.reviews)]
        {
            if value == 0 {
                return Err(LimitsError::Zero(name));
            }
        }
        if self.body_budget < self.body {
            return Err(LimitsError::BudgetBelowBody);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_let_nothing_through_are_refused() {
        assert_eq!(Limits::default().check(), Ok(()));
        let none = Limits { connections: 0, ..Limits::default() };
        assert_eq!(none.check(), Err(LimitsError::Zero("connections")));
        let narrow = Limits { body_budget: 1024, ..Limits::default() };
        assert_eq!(narrow.check(), Err(LimitsError::BudgetBelowBody));
    }

    #[test]
    fn an_idle_connection_is_kept_longer_than_the_api_server_keeps_it() {
        assert!(Limits::default().idle >= Duration::from_secs(120));
    }
}
