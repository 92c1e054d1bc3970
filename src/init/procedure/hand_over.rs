//! Stopping, second: somebody else leads, and the jobs that run here end.

use std::net::SocketAddr;
use std::time::Duration;

use super::action::Action;
use super::farewell::{QUIET, Step};
use super::input::{Generation, Outcome};
use super::joining::stands_at_own_address;
use super::moment::Moment;
use super::saying::Saying;
use super::state::Server;
use super::{Procedure, Stage};

/// Time for all hand-overs together, and where the others cannot elect without one.
const HAND_OVER: Duration = Duration::from_secs(2);
pub const HAND_OVER_OF_FEW: Duration = Duration::from_secs(10);

/// Time for one server to take over after it was asked: 10 to 60 ms, 1 to 2 s by an election where its log lags.
const TAKE_OVER: Duration = Duration::from_millis(700);

/// Nobody leads for so long after somebody was asked: that one was refused.
const MISSED: Duration = Duration::from_millis(200);

/// Time for the others to elect after a hand-over that missed, once everybody was asked: all wait for their timers.
const ELECTION: Duration = Duration::from_secs(4);

/// A leader's first entry has reached the others after this time: before it nobody can take over.
const FIRST_ENTRY: Duration = Duration::from_millis(300);

/// Pause after somebody could not be asked.
const REFUSED: Duration = Duration::from_millis(100);

/// Time to wait for that part of a second.
const QUIET_COMES: Duration = Duration::from_secs(1);

/// After so many questions nobody is waited for any more.
const TRIES: usize = 6;

/// Pause between two questions for running jobs.
const JOBS: Duration = Duration::from_millis(500);

/// Questions for jobs that may fail.
const UNANSWERED: u32 = 3;

impl Procedure {
    pub(super) fn hand_over(&mut self, now: Moment, in_second: u16) {
        if !self.facts.leads() {
            return self.see_who_leads(now);
        }
        if self.is_irreplaceable(now) {
            return self.go_to(now, Step::Jobs);
        }
        let few = self.too_few_are_left(now);
        let heirs = self.heirs(now);
        let led_since = self.child.leader_since;
        let Stage::Stopping(farewell) = &mut self.stage else { return };
        let lasts = now.since(farewell.since);
        if farewell.asked_at.is_some_and(|asked| led_since > asked)
            && farewell.asked.len() < TRIES
            && now < farewell.deadline
        {
            // It has been elected again: the next try waits for a quiet part of a second too.
            farewell.asked_at = None;
            return self.go_to(now, Step::HandOver);
        }
        let limit = QUIET_COMES + if few { HAND_OVER_OF_FEW } else { HAND_OVER };
        // Those who have only just heard of a leader may not have said so yet.
        if heirs.is_empty() && lasts >= QUIET_COMES || lasts >= limit {
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
        farewell.heirs = heirs;
        self.ask_next(now);
    }

    /// Nobody can take over: the others need the vote of this server, and raft of version 3 looks for it at an address from before.
    pub(super) fn is_irreplaceable(&self, now: Moment) -> bool {
        let astray = |servers: &[Server]| self.facts.is_among(servers) && !stands_at_own_address(&self.facts, servers);
        self.facts.me.generation == Generation::Three
            && self.facts.leads()
            && self.facts.raft.as_ref().is_some_and(|reading| astray(&reading.servers))
            && self.too_few_are_left(now)
    }

    /// This server leads no more. Whoever was asked may lack an entry that another one has, and is then refused: that one can take over
    /// at once, where waiting for an election would take 1 to 3 s.
    fn see_who_leads(&mut self, now: Moment) {
        let other =
            self.facts.own_leader().map(|leader| leader.name.clone()).filter(|name| *name != self.facts.me.node);
        let Stage::Stopping(farewell) = &mut self.stage else { return };
        let Some(asked) = farewell.asked_at else { return self.go_to(now, Step::Jobs) };
        if let Some(name) = other {
            self.tell(Saying::HandedOver(name, now.since(asked)));
            return self.go_to(now, Step::Jobs);
        }
        // Its vote may be needed meanwhile.
        if now.since(asked) >= ELECTION || now >= farewell.deadline {
            return self.go_to(now, Step::Jobs);
        }
        let others = farewell.heirs.iter().any(|heir| !farewell.asked.contains(heir));
        if now.since(asked) >= MISSED && others {
            self.ask_next(now);
        }
    }

    /// Asks the one that has been a voter longest of those that were not asked yet, or of all.
    fn ask_next(&mut self, now: Moment) {
        let Stage::Stopping(farewell) = &mut self.stage else { return };
        let heirs = &farewell.heirs;
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
        let leads_on = self.facts.leads() && !self.heirs(now).is_empty() && !self.is_irreplaceable(now);
        let Stage::Stopping(farewell) = &mut self.stage else { return };
        let over = now >= farewell.deadline || farewell.unanswered >= UNANSWERED;
        if over || farewell.jobs == Some(0) {
            // It may have been elected again meanwhile.
            let again = leads_on && !over && farewell.asked.len() < TRIES;
            farewell.jobs = None;
            farewell.asked_at = None;
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
