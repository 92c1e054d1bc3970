//! What to write, given what was written, what dkron answered, and what time it is. No I/O and no clock.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Pace;
use crate::contract::label;

/// What dkron answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observation {
    /// It says that it leads.
    Leader,
    /// It says anything else, or nothing.
    NotLeader,
}

/// A change of the label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patch {
    /// The label's value.
    pub leader: bool,
}

impl Patch {
    /// The merge patch: one label, nothing else.
    pub fn body(self) -> Value {
        json!({ "metadata": { "labels": { label::LEADER: self.leader.to_string() } } })
    }
}

/// What is known about the label.
#[derive(Clone, Debug)]
pub struct State {
    pace: Pace,
    known: Known,
}

#[derive(Clone, Copy, Debug)]
enum Known {
    /// Nothing yet: a container that died may have left anything.
    Nothing,
    /// The API server accepted this patch then.
    Written { patch: Patch, at: Instant },
    /// The last patch failed, and may have been carried out all the same.
    Failed { patch: Patch, pause: Duration, at: Instant },
}

/// The patch to try now, if any.
pub fn next(state: &State, observation: Observation, now: Instant) -> Option<Patch> {
    let wanted = Patch { leader: observation == Observation::Leader };
    let (since, rest) = match state.known {
        Known::Written { patch, at } if patch == wanted => (at, state.pace.reassert),
        Known::Failed { patch, pause, at } if patch == wanted => (at, pause),
        // Something new to say does not wait.
        Known::Nothing | Known::Written { .. } | Known::Failed { .. } => return Some(wanted),
    };
    (now.saturating_duration_since(since) >= rest).then_some(wanted)
}

impl State {
    /// At the start.
    pub fn new(pace: Pace) -> Self {
        Self { pace, known: Known::Nothing }
    }

    /// Whether `patch` says something else than what was last accepted, as far as that is known.
    pub fn is_news(&self, patch: Patch) -> bool {
        !matches!(self.known, Known::Written { patch: written, .. } if written == patch)
    }

    /// A read that began at `at` found the label so, or none: somebody may have changed it since it was written.
    pub fn saw(&mut self, label: Option<bool>, at: Instant) {
        if matches!(self.known, Known::Written { patch, at: written } if at > written && label != Some(patch.leader)) {
            self.known = Known::Nothing;
        }
    }

    /// The API server accepted `patch`.
    pub fn wrote(&mut self, patch: Patch, now: Instant) {
        self.known = Known::Written { patch, at: now };
    }

    /// `patch` was refused, or nothing was heard of it. Says whether that is new: the one before was accepted.
    pub fn failed(&mut self, patch: Patch, now: Instant) -> bool {
        let is_new = !matches!(self.known, Known::Failed { .. });
        let pause = match self.known {
            Known::Failed { patch: before, pause, .. } if before == patch => pause * 2,
            Known::Nothing | Known::Written { .. } | Known::Failed { .. } => self.pace.first_pause,
        };
        self.known = Known::Failed { patch, pause: pause.min(self.pace.longest_pause), at: now };
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Observation::{Leader, NotLeader};

    const TRUE: Option<Patch> = Some(Patch { leader: true });
    const FALSE: Option<Patch> = Some(Patch { leader: false });

    /// One poll: when, what dkron says, what is to be tried, and whether that works.
    struct Poll(f64, Observation, Option<Patch>, bool);

    fn walk(polls: &[Poll]) {
        let start = Instant::now();
        let mut state = State::new(Pace::default());
        for Poll(seconds, observation, expected, works) in polls {
            let now = start + Duration::from_secs_f64(*seconds);
            let tried = next(&state, *observation, now);
            assert_eq!(tried, *expected, "at {seconds} s");
            match tried {
                Some(patch) if *works => state.wrote(patch, now),
                Some(patch) => _ = state.failed(patch, now),
                None => {}
            }
        }
    }

    #[test]
    fn the_first_answer_is_always_written() {
        walk(&[Poll(0.0, NotLeader, FALSE, true)]);
        walk(&[Poll(0.0, Leader, TRUE, true)]);
    }

    #[test]
    fn only_changes_are_written() {
        walk(&[
            Poll(0.0, NotLeader, FALSE, true),
            Poll(1.0, NotLeader, None, true),
            Poll(2.0, Leader, TRUE, true),
            Poll(3.0, Leader, None, true),
            Poll(4.0, NotLeader, FALSE, true),
            Poll(5.0, NotLeader, None, true),
        ]);
    }

    #[test]
    fn the_same_value_is_written_again_after_ten_minutes() {
        walk(&[
            Poll(0.0, Leader, TRUE, true),
            Poll(599.9, Leader, None, true),
            Poll(600.0, Leader, TRUE, true),
            Poll(1199.9, Leader, None, true),
            Poll(1200.0, Leader, TRUE, true),
        ]);
    }

    #[test]
    fn failures_are_tried_again_with_growing_pauses() {
        walk(&[
            Poll(0.0, Leader, TRUE, false),
            Poll(0.9, Leader, None, false),
            Poll(1.0, Leader, TRUE, false),
            Poll(2.9, Leader, None, false),
            Poll(3.0, Leader, TRUE, false),
            Poll(4.9, Leader, None, false),
            Poll(5.0, Leader, TRUE, false),
            Poll(7.0, Leader, TRUE, true),
            Poll(8.0, Leader, None, true),
        ]);
    }

    #[test]
    fn a_change_does_not_wait_for_the_pause_of_a_failure() {
        walk(&[
            Poll(0.0, Leader, TRUE, false),
            Poll(1.0, Leader, TRUE, false),
            Poll(1.1, NotLeader, FALSE, false),
            Poll(1.2, NotLeader, None, false),
            // The pause of the new value starts small.
            Poll(2.1, NotLeader, FALSE, true),
        ]);
    }

    #[test]
    fn a_failed_patch_may_have_been_carried_out() {
        walk(&[
            Poll(0.0, Leader, TRUE, true),
            Poll(1.0, NotLeader, FALSE, false),
            // The label may be "false" by now although the last value that was acknowledged is "true".
            Poll(1.5, Leader, TRUE, true),
        ]);
    }

    #[test]
    fn a_failed_reassertion_is_tried_again_soon() {
        walk(&[
            Poll(0.0, Leader, TRUE, true),
            Poll(600.0, Leader, TRUE, false),
            Poll(600.5, Leader, None, false),
            Poll(601.0, Leader, TRUE, true),
            Poll(1200.9, Leader, None, true),
        ]);
    }

    #[test]
    fn a_label_that_somebody_changed_is_written_again_at_once() {
        let start = Instant::now();
        let after = |millis| start + Duration::from_millis(millis);
        let mut state = State::new(Pace::default());
        state.wrote(Patch { leader: true }, after(1000));
        state.saw(Some(false), after(900));
        assert_eq!(next(&state, Leader, after(1100)), None, "read before it was written");
        state.saw(Some(true), after(1200));
        assert_eq!(next(&state, Leader, after(1300)), None);
        state.saw(Some(false), after(1400));
        assert_eq!(next(&state, Leader, after(1500)), TRUE);
        state.wrote(Patch { leader: false }, after(1600));
        state.saw(None, after(1700));
        assert_eq!(next(&state, NotLeader, after(1800)), FALSE, "taken away altogether");
    }

    #[test]
    fn only_the_first_of_several_failures_is_new() {
        let now = Instant::now();
        let mut state = State::new(Pace::default());
        assert!(state.failed(Patch { leader: true }, now));
        assert!(!state.failed(Patch { leader: true }, now));
        assert!(!state.failed(Patch { leader: false }, now));
        state.wrote(Patch { leader: false }, now);
        assert!(state.failed(Patch { leader: true }, now));
    }

    #[test]
    fn a_patch_touches_one_label() {
        let body = Patch { leader: true }.body();
        assert_eq!(body, json!({ "metadata": { "labels": { "dkron-ha.io/leader": "true" } } }));
        assert_eq!(Patch { leader: false }.body()["metadata"]["labels"][label::LEADER], "false");
    }
}
