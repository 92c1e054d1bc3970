//! Stopping, second: somebody else leads, and the jobs that run here end.

use std::net::SocketAddr;
use std::time::Duration;

use super::action::Action;
use super::farewell::{QUIET, Step};
use super::input::Outcome;
use super::moment::Moment;
use super::saying::Saying;
use super::{Procedure, Stage, majority};

/// Time for all hand-overs together, and where the others cannot elect without one.
const HAND_OVER: Duration = Duration::from_secs(2);
pub const HAND_OVER_OF_FEW: Duration = Duration::from_secs(10);

/// Time for one server to take over after it was asked: 10 to 60 ms, 1 to 2 s by an election where its log lags.
const TAKE_OVER: Duration = Duration::from_millis(700);

/// Time for the others to elect after a hand-over that missed: whoever was asked lacked an entry, and all wait for their timers.
const ELECTION: Duration = Duration::from_secs(4);

/// A leader's first entry has reached the others after this time: before it nobody can take over.
const FIRST_ENTRY: Duration = Duration::from_millis(300);

/// Pause after somebody could not be asked.
const REFUSED: Duration = Duration::from_millis(100);

/// Time to wait for that part of a second.
const QUIET_COMES: Duration = Duration::from_secs(1);

/// Servers that are asked to lead, in all.
const TRIES: usize = 6;

/// Pause between two questions for running jobs.
const JOBS: Duration = Duration::from_millis(500);

/// Questions for jobs that may fail.
const UNANSWERED: u32 = 3;

impl Procedure {
    pub(super) fn hand_over(&mut self, now: Moment, in_second: u16) {
        let leader = self.facts.own_leader().map(|leader| leader.name.clone());
        let other = leader.filter(|name| !self.facts.leads() && *name != self.facts.me.node);
        let few = self.voters_left(now).is_some_and(|(left, all)| left < majority(all));
        let heirs = self.heirs(now);
        let led_since = self.child.leader_since;
        let Stage::Stopping(farewell) = &mut self.stage else { return };
        let lasts = now.since(farewell.since);
        if !self.facts.leads() {
            if let (Some(name), Some(asked)) = (other, farewell.asked_at) {
                farewell.handed_over = true;
                self.tell(Saying::HandedOver(name, now.since(asked)));
            } else if farewell.asked_at.is_some_and(|asked| now.since(asked) < ELECTION) && now < farewell.deadline {
                // It leads no more, and does not know yet who does: its vote may be needed.
                return;
            }
            return self.go_to(now, Step::Jobs);
        }
        if farewell.asked_at.is_some_and(|asked| led_since > asked) && farewell.asked.len() < TRIES {
            // It has been elected again: the next try waits for a quiet part of a second too.
            farewell.asked_at = None;
            return self.go_to(now, Step::HandOver);
        }
        let limit = QUIET_COMES + if few { HAND_OVER_OF_FEW } else { HAND_OVER };
        if heirs.is_empty() || lasts >= limit {
            return self.go_to(now, Step::Jobs);
        }
        let refused = farewell.refused.is_some_and(|refused| farewell.asked_at.is_some_and(|asked| refused >= asked));
        let patience = if refused { REFUSED } else { TAKE_OVER };
        if farewell.asked_at.is_some_and(|asked| now.since(asked) < patience) {
            return;
        }
        let waits_for_quiet = farewell.asked_at.is_none() && !QUIET.contains(&in_second) && lasts < QUIET_COMES;
        if waits_for_quiet || now.since(led_since) < FIRST_ENTRY {
            return;
        }
        let Some(heir) = heirs.iter().find(|heir| !farewell.asked.contains(heir)).or(heirs.first()).copied() else {
            return;
        };
        farewell.asked.push(heir);
        farewell.asked_at = Some(now);
        self.tell(Saying::HandingOver(heir));
        self.out.push(Action::HandOver(heir));
        self.out.push(Action::Look);
    }

    pub(super) fn handed_over(&mut self, now: Moment, _to: SocketAddr, outcome: Outcome<()>) {
        let Stage::Stopping(farewell) = &mut self.stage else { return };
        if let Err(why) = outcome {
            // The next one is asked soon.
            farewell.refused = Some(now);
            self.tell(Saying::Failed("handing over", why));
        }
    }

    pub(super) fn jobs(&mut self, now: Moment) {
        let Stage::Stopping(farewell) = &mut self.stage else { return };
        let over = now >= farewell.deadline || farewell.unanswered >= UNANSWERED;
        if over || farewell.jobs == Some(0) {
            // It may have been elected again meanwhile.
            let again = self.facts.leads() && !over && farewell.asked.len() < TRIES && farewell.handed_over;
            farewell.jobs = None;
            farewell.asked_at = None;
            farewell.handed_over = false;
            return self.go_to(now, if again { Step::HandOver } else { Step::Remove });
        }
        if farewell.counted.is_none_or(|counted| now.since(counted) >= JOBS) {
            farewell.counted = Some(now);
            self.out.push(Action::AskBusy);
        }
    }

    pub(super) fn busy(&mut self, now: Moment, outcome: &Outcome<usize>) {
        let Stage::Stopping(farewell) = &mut self.stage else { return };
        match *outcome {
            Ok(number) if farewell.step == Step::Count => {
                // dkron schedules nothing after TERM, and waits for these by itself.
                farewell.nobody_remains = number > 0;
                self.term(now);
            }
            Ok(number) => {
                let news = number > 0 && farewell.jobs != Some(number);
                farewell.jobs = Some(number);
                if news {
                    self.tell(Saying::Jobs(number));
                }
            }
            Err(_) => farewell.unanswered += 1,
        }
    }
}
