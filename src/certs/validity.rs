//! From when to when a certificate holds, and what that means at a given moment.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Both ends of a certificate's life in seconds since 1970, both inclusive (RFC 5280, 4.1.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// First second.
    pub not_before: i64,
    /// Last second.
    pub not_after: i64,
}

/// How a certificate stands at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its time has not come; it does in this long.
    NotYet(Duration),
    /// It holds.
    Valid,
    /// Its time has passed, this long ago.
    Expired(Duration),
}

impl Validity {
    /// How this stands at `now`.
    pub fn at(&self, now: SystemTime) -> Standing {
        let now = unix_seconds(now);
        if now < self.not_before {
            Standing::NotYet(seconds(self.not_before.saturating_sub(now)))
        } else if now > self.not_after {
            Standing::Expired(seconds(now.saturating_sub(self.not_after)))
        } else {
            Standing::Valid
        }
    }

    /// Whether it is time to replace it: two thirds of its life are over, or it does not hold (a clock was set).
    pub fn is_due_for_renewal(&self, now: SystemTime) -> bool {
        let life = self.not_after.saturating_sub(self.not_before);
        let due = self.not_before.saturating_add(life / 3 * 2);
        self.at(now) != Standing::Valid || unix_seconds(now) >= due
    }
}

/// Seconds since 1970; negative before.
pub fn unix_seconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |s| -s),
    }
}

fn seconds(count: i64) -> Duration {
    Duration::from_secs(u64::try_from(count).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Validity = Validity { not_before: 1_000, not_after: 1_300 };

    fn at(second: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(second)
    }

    #[test]
    fn both_ends_belong_to_the_life() {
        assert_eq!(LIFE.at(at(999)), Standing::NotYet(Duration::from_secs(1)));
        assert_eq!(LIFE.at(at(1_000)), Standing::Valid);
        assert_eq!(LIFE.at(at(1_300)), Standing::Valid);
        assert_eq!(LIFE.at(at(1_310)), Standing::Expired(Duration::from_secs(10)));
    }

    #[test]
    fn renewal_is_due_at_two_thirds_and_whenever_the_clock_left_the_life() {
        assert!(!LIFE.is_due_for_renewal(at(1_199)));
        assert!(LIFE.is_due_for_renewal(at(1_200)));
        assert!(LIFE.is_due_for_renewal(at(2_000)));
        assert!(LIFE.is_due_for_renewal(at(500)), "a clock set back must not leave a certificate of the future");
    }
}
