//! Pauses between attempts to put right what somebody else keeps changing.

use std::time::{Duration, SystemTime};

/// So many changes are put right at once.
const FREE: usize = 4;
/// How long a change is remembered.
const MEMORY: Duration = Duration::from_secs(600);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(60);

/// Remembers changes by others.
#[derive(Clone, Debug, Default)]
pub struct Patience(Vec<SystemTime>);

impl Patience {
    /// Somebody has changed it, at `now`.
    pub fn note(&mut self, now: SystemTime) {
        // A clock that was set back forgets.
        self.0.retain(|past| now.duration_since(*past).is_ok_and(|ago| ago < MEMORY));
        self.0.push(now);
    }

    /// How long still to wait before it is put right again; nothing after the first few changes, then twice as long for each.
    pub fn pause(&self, now: SystemTime) -> Duration {
        let recent = self.0.iter().filter_map(|past| now.duration_since(*past).ok()).filter(|ago| *ago < MEMORY);
        let beyond = recent.count().saturating_sub(FREE);
        let Some(last) = self.0.last().filter(|_| beyond > 0) else { return Duration::ZERO };
        let pause = Duration::from_secs(1 << beyond.min(6)).min(LONGEST);
        now.duration_since(*last).map_or(Duration::ZERO, |ago| pause.saturating_sub(ago))
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn at(second: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(second)
    }

    #[test]
    fn a_few_changes_cost_nothing_and_many_more_and_more() {
        let mut patience = Patience::default();
        let mut pauses = Vec::new();
        for second in 0..12 {
            patience.note(at(second));
            pauses.push(patience.pause(at(second)).as_secs());
        }
        assert_eq!(pauses, [0, 0, 0, 0, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(patience.pause(at(11 + 25)), Duration::from_secs(35));
        assert_eq!(patience.pause(at(11 + 61)), Duration::ZERO);
    }

    #[test]
    fn old_changes_and_those_of_another_clock_are_forgotten() {
        let mut patience = Patience::default();
        (0..8).for_each(|second| patience.note(at(10_000 + second)));
        assert_eq!(patience.pause(at(9_000)), Duration::ZERO, "set back");
        patience.note(at(11_000));
        assert_eq!(patience.pause(at(11_000)), Duration::ZERO);
    }
}
