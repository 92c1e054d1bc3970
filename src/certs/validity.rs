//! From when to when a certificate holds, and what that means at a given moment.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::provider;

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
        self.is_due(now, Jitter::NONE)
    }

    /// The same, somewhat earlier where there is a jitter.
    pub fn is_due(&self, now: SystemTime, jitter: Jitter) -> bool {
        self.at(now) != Standing::Valid || unix_seconds(now) >= self.due(jitter)
    }

    /// When two thirds of its life are over, or up to a fifteenth of its life earlier, in seconds since 1970.
    pub fn due(&self, jitter: Jitter) -> i64 {
        let life = self.not_after.saturating_sub(self.not_before);
        let earlier = life / 15 / i64::from(Jitter::MOST) * i64::from(jitter.0);
        self.not_before.saturating_add(life / 3 * 2).saturating_sub(earlier)
    }
}

/// Sets apart in time what several replicas would else do at once: from none to [`Self::MOST`], chosen once for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Jitter(u16);

impl Jitter {
    /// Nothing is set apart.
    pub const NONE: Self = Self(0);
    /// The most.
    pub const MOST: u16 = 1_000;

    /// Of any number.
    pub fn of(number: u16) -> Self {
        Self(number % (Self::MOST + 1))
    }

    /// Of the system's randomness; none where there is none.
    pub fn random() -> Self {
        let mut bytes = [0; 2];
        provider().secure_random.fill(&mut bytes).map_or(Self::NONE, |()| Self::of(u16::from_le_bytes(bytes)))
    }

    /// Its part of a duration.
    pub fn of_duration(self, whole: Duration) -> Duration {
        whole * u32::from(self.0) / u32::from(Self::MOST)
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
    fn jitter_makes_it_due_earlier_and_never_later() {
        let life = Validity { not_before: 0, not_after: 150_000 };
        assert_eq!(
            [Jitter::NONE, Jitter::of(500), Jitter::of(1_000)].map(|jitter| life.due(jitter)),
            [100_000, 95_000, 90_000]
        );
        assert_eq!(Jitter::of(1_001), Jitter::NONE);
        assert_eq!(Jitter::of(250).of_duration(Duration::from_secs(20)), Duration::from_secs(5));
    }

    #[test]
    fn renewal_is_due_at_two_thirds_and_whenever_the_clock_left_the_life() {
        assert!(!LIFE.is_due_for_renewal(at(1_199)));
        assert!(LIFE.is_due_for_renewal(at(1_200)));
        assert!(LIFE.is_due_for_renewal(at(2_000)));
        assert!(LIFE.is_due_for_renewal(at(500)), "a clock set back must not leave a certificate of the future");
    }
}
