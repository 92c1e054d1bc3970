//! Whose turn it is: the decision behind the Lease. Pure.
//!
//! Clocks of others are not compared with the own one: a lease has run out when it has not changed for as long as it says, by the
//! own clock, since it was first seen as it is.

use std::time::{Duration, Instant};

/// How long a lease holds without being renewed.
pub const HOLDS: Duration = Duration::from_secs(15);

/// How often it is renewed, and looked at.
pub const PACE: Duration = Duration::from_secs(2);

/// Whoever could not renew for so long does nothing any more, well before another one begins.
pub const GIVES_UP: Duration = Duration::from_secs(10);

/// A lease as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Who holds it; nobody after it was given back.
    pub holder: Option<String>,
    /// Changes with each write.
    pub version: String,
    /// For how long it holds.
    pub holds: Duration,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is ours: write that it still is.
    Renew,
    /// It is nobody's: take it.
    Take,
    /// It is somebody else's.
    Wait,
}

/// What one replica has seen so far.
#[derive(Debug)]
pub struct Election {
    own: String,
    since: Option<(String, Instant)>,
}

impl Election {
    /// Of a replica with this name.
    pub fn new(own: impl Into<String>) -> Self {
        Self { own: own.into(), since: None }
    }

    /// The name of this replica.
    pub fn own(&self) -> &str {
        &self.own
    }

    /// What to do about a lease that was just read.
    pub fn turn(&mut self, seen: &Seen, now: Instant) -> Turn {
        let since = match &self.since {
            Some((version, since)) if *version == seen.version => *since,
            _ => now,
        };
        self.since = Some((seen.version.clone(), since));
        match &seen.holder {
            Some(holder) if *holder == self.own => Turn::Renew,
            Some(holder) if !holder.is_empty() && now.saturating_duration_since(since) < seen.holds => Turn::Wait,
            _ => Turn::Take,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(holder: Option<&str>, version: &str) -> Seen {
        Seen { holder: holder.map(str::to_owned), version: version.into(), holds: HOLDS }
    }

    #[test]
    fn the_holder_renews_and_others_wait_until_it_has_not_for_long() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut a = Election::new("a");
        let mut b = Election::new("b");
        assert_eq!(a.turn(&seen(Some("a"), "1"), at(0)), Turn::Renew);
        assert_eq!(b.turn(&seen(Some("a"), "1"), at(0)), Turn::Wait);
        assert_eq!(b.turn(&seen(Some("a"), "2"), at(14)), Turn::Wait);
        assert_eq!(b.turn(&seen(Some("a"), "2"), at(28)), Turn::Wait, "14 s since it changed");
        assert_eq!(b.turn(&seen(Some("a"), "2"), at(29)), Turn::Take);
        assert!(GIVES_UP + PACE < HOLDS, "the one before does nothing any more");
    }

    #[test]
    fn a_lease_that_was_given_back_is_taken_at_once() {
        let now = Instant::now();
        for holder in [None, Some("")] {
            assert_eq!(Election::new("b").turn(&seen(holder, "7"), now), Turn::Take);
        }
    }
}
