//! When a leader takes the labels of others away. No I/O and no clock.
//!
//! One that died leaves its label behind. A server that has led for a moment, and has seen the labels since, takes it away: once for
//! each look, and after a failure again and again.

use std::time::Instant;

use super::Pace;
use super::decision::Observation;

/// What is known of the own reign.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reign {
    pace: Pace,
    since: Option<Instant>,
    /// The last attempt: which look it followed, when it was made, and whether all went well.
    tried: Option<(Instant, Instant, bool)>,
}

impl Reign {
    pub(super) fn new(pace: Pace) -> Self {
        Self { pace, since: None, tried: None }
    }

    /// dkron has answered.
    pub(super) fn observed(&mut self, observation: Observation, now: Instant) {
        self.since = match observation {
            Observation::Leader => self.since.or(Some(now)),
            Observation::NotLeader => None,
        };
    }

    /// Whether those whose labels a look at `seen` found are to lose them now.
    pub(super) fn is_due(&self, seen: Instant, now: Instant) -> bool {
        let reigns = self.since.is_some_and(|since| now >= since + self.pace.reign && seen >= since);
        reigns
            && self.tried.is_none_or(|(look, at, well)| look < seen || (!well && now >= at + self.pace.longest_pause))
    }

    /// All of them were asked for.
    pub(super) fn tried(&mut self, seen: Instant, well: bool, now: Instant) {
        self.tried = Some((seen, now, well));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Observation::{Leader, NotLeader};
    use super::*;

    fn after(start: Instant, seconds: f64) -> Instant {
        start + Duration::from_secs_f64(seconds)
    }

    #[test]
    fn a_follower_and_a_new_leader_take_nothing_away() {
        let start = Instant::now();
        let at = |seconds| after(start, seconds);
        let mut reign = Reign::new(Pace::default());
        assert!(!reign.is_due(at(0.0), at(0.0)));
        reign.observed(Leader, at(1.0));
        reign.observed(Leader, at(1.5));
        assert!(!reign.is_due(at(1.6), at(1.9)), "it has led for less than a second");
        assert!(!reign.is_due(at(0.9), at(2.0)), "that look was before its time");
        assert!(reign.is_due(at(1.6), at(2.0)));
        reign.observed(NotLeader, at(2.1));
        assert!(!reign.is_due(at(2.2), at(9.0)));
        reign.observed(Leader, at(10.0));
        assert!(!reign.is_due(at(10.1), at(10.9)), "another reign");
    }

    #[test]
    fn one_look_is_worth_one_attempt_and_a_failed_one_another_later() {
        let start = Instant::now();
        let at = |seconds| after(start, seconds);
        let mut reign = Reign::new(Pace::default());
        reign.observed(Leader, at(0.0));
        reign.tried(at(1.0), true, at(2.0));
        assert!(!reign.is_due(at(1.0), at(60.0)), "nothing was seen since");
        assert!(reign.is_due(at(2.1), at(2.2)), "they are back");
        reign.tried(at(2.1), false, at(2.2));
        assert!(!reign.is_due(at(2.1), at(4.1)));
        assert!(reign.is_due(at(2.1), at(4.2)));
        assert!(reign.is_due(at(3.0), at(3.1)), "a new look does not wait");
    }
}
