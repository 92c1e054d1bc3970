//! Pauses between attempts to put right what somebody else keeps changing.

use std::time::{Duration, Instant};

/// So many changes are put right at once.
const FREE: usize = 4;
/// How long a change is remembered.
const MEMORY: Duration = Duration::from_secs(600);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(60);

/// Remembers changes by others.
#[derive(Clone, Debug, Default)]
pub struct Patience(Vec<Instant>);

impl Patience {
    /// Somebody has changed it, at `now`.
    pub fn note(&mut self, now: Instant) {
        self.0.retain(|past| now.duration_since(*past) < MEMORY);
        self.0.push(now);
    }

    /// How long still to wait before it is put right again; nothing after the first few changes, then twice as long for each.
    pub fn pause(&self, now: Instant) -> Duration {
        let recent = self.0.iter().filter(|past| now.duration_since(**past) < MEMORY);
        let beyond = recent.count().saturating_sub(FREE);
        let Some(last) = self.0.last().filter(|_| beyond > 0) else { return Duration::ZERO };
        let pause = Duration::from_secs(1 << beyond.min(6)).min(LONGEST);
        pause.saturating_sub(now.duration_since(*last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_changes_cost_nothing_and_many_more_and_more() {
        let begun = Instant::now();
        let at = |second| begun + Duration::from_secs(second);
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
    fn old_changes_are_forgotten() {
        let begun = Instant::now();
        let at = |second| begun + Duration::from_secs(second);
        let mut patience = Patience::default();
        (0..8).for_each(|second| patience.note(at(second)));
        patience.note(at(1_000));
        assert_eq!(patience.pause(at(1_000)), Duration::ZERO);
    }
}
