//! The stage after TERM, step by step: serve until the others can go on (`hold`), hand over and wait for jobs (`hand_over`),
//! leave (`parting`), end.

use std::time::Duration;

use super::action::{Action, Prepare, TERMINATED};
use super::facts::HEARING;
use super::farewell::{Farewell, Step};
use super::moment::{Moment, Now};
use super::saying::Saying;
use super::start;
use super::state::{Disk, Name, Phase};
use super::{Procedure, Stage};

/// Time for a dkron that is just starting to come up, so that it can leave.
const COME_UP: Duration = Duration::from_secs(5);

/// A dkron that died while stopping has this time to come back, so that it can leave.
const REVIVAL: Duration = Duration::from_secs(10);

/// Time for a leave.
const LEAVE: Duration = Duration::from_secs(15);

/// Time for dkron to end after TERM.
const END: Duration = Duration::from_secs(5);

/// The same for one that has left already, and that the others wait for: its jobs are over and its raft is shut down.
const LEFT: Duration = Duration::from_secs(1);

/// Starts of dkron for nothing but to leave.
pub const REVIVALS: u32 = 2;

/// Time for the others to look at this server once more.
const TOLD: Duration = Duration::from_millis(1500);

/// Time to tell whether jobs run here.
const COUNT: Duration = Duration::from_secs(2);

impl Procedure {
    pub(super) fn stop(&mut self, now: Moment) {
        let grace = self
            .facts
            .desired(now)
            .and_then(|desired| desired.grace_seconds)
            .map_or(self.facts.me.grace, Duration::from_secs);
        let step = match &self.stage {
            Stage::Stopping(_) | Stage::Over => return,
            Stage::Launching(_) if self.may_have_founded() && grace > COME_UP + TOLD => Step::Inspect,
            Stage::Launching(_) => {
                self.stage = Stage::Over;
                return self.out.push(Action::Exit(TERMINATED));
            }
            Stage::Running if self.facts.own.is_some() => Step::Hold,
            Stage::Running => Step::ComeUp,
            // It was told to end already.
            Stage::Restarting { .. } => Step::Term,
        };
        self.tell(Saying::Stopping);
        if step == Step::Term {
            self.out.push(Action::Term);
        }
        self.stage = Stage::Stopping(Farewell::new(now, step, grace));
        if step == Step::Inspect {
            self.look_what_is_left(now);
        }
        self.watch.raft_changed();
        self.out.push(Action::Look);
    }

    pub(super) fn farewell(&mut self, now: Now) {
        let Now { at, in_second } = now;
        let Stage::Stopping(farewell) = &self.stage else { return };
        match farewell.step {
            Step::ComeUp => self.come_up(at),
            Step::Hold => self.hold(at),
            Step::Going => self.going(at),
            Step::HandOver => self.hand_over(at, in_second),
            Step::Jobs => self.jobs(at),
            Step::Remove => self.remove_self(at),
            Step::Leave if at.since(farewell.since) >= LEAVE => self.term(at),
            Step::Leave => self.remove_once_more(at),
            Step::Count if at.since(farewell.since) >= COUNT => self.term(at),
            Step::Verify => self.wait_to_be_forgotten(at),
            Step::Again if at.since(farewell.since) >= LEFT => {
                self.out.push(Action::Kill);
                self.go_to(at, Step::Again);
            }
            Step::Inspect => self.inspect(at),
            Step::Told => self.told(at),
            Step::Revive => {
                let (back, held) = (self.facts.own_leader().is_some(), farewell.held);
                let again = farewell.revivals < REVIVALS;
                if self.misled_by(at).is_some() {
                    self.out.push(Action::Kill);
                    self.go_to(at, if again { Step::Again } else { Step::Kill });
                } else if back {
                    self.read_raft(at);
                    // Whoever still held for others goes on with that.
                    self.go_to(at, if held { Step::Hold } else { Step::HandOver });
                } else if at.since(farewell.since) >= REVIVAL {
                    // Nobody leads: it may be needed for that.
                    if self.facts.own.is_some() && at < farewell.deadline {
                        self.go_to(at, Step::Hold);
                    } else {
                        self.leave(at);
                    }
                }
            }
            Step::Term => {
                let patience =
                    if farewell.nobody_remains { farewell.deadline.since(farewell.since) } else { Duration::ZERO };
                if at.since(farewell.since) >= END.max(patience) {
                    self.tell(Saying::Killing);
                    self.out.push(Action::Kill);
                    self.go_to(at, Step::Kill);
                }
            }
            Step::Count | Step::Again | Step::Kill => {}
        }
    }

    pub(super) fn go_to(&mut self, now: Moment, step: Step) {
        if let Stage::Stopping(farewell) = &mut self.stage {
            farewell.go_to(now, step);
        }
    }

    fn come_up(&mut self, now: Moment) {
        let Stage::Stopping(farewell) = &self.stage else { return };
        if self.facts.own.is_some() {
            self.go_to(now, Step::Hold);
            self.out.push(Action::Look);
        } else if self.misled_by(now).is_some() {
            self.out.push(Action::Kill);
            self.go_to(now, Step::Kill);
        } else {
            // Whom nobody knows has nothing to leave, and dkron in its join loop ends at once; but it may serve since it was looked at last.
            let joined = self.facts.is_seen_alive(now) && !self.child.joins_nobody();
            let (lasts, looked) = (now.since(farewell.since), self.child.looked > farewell.since);
            if lasts >= COME_UP || !joined && (looked || lasts >= HEARING) {
                self.term(now);
            }
        }
    }

    /// Whether raft may have a configuration that nobody has read: the last one was empty, and dkron was to found the cluster.
    pub(super) fn may_have_founded(&self) -> bool {
        match self.facts.disk {
            Disk::Empty => self.child.founds.is_some() && self.watch.served,
            Disk::Unknown => !self.facts.formed,
            Disk::State => false,
        }
    }

    /// The others have had the time to hear what this server holds, and it to hear whether they count on it.
    fn told(&mut self, now: Moment) {
        let Stage::Stopping(farewell) = &self.stage else { return };
        let counted = self.facts.disk == Disk::State || self.facts.is_led(now);
        if counted && now < farewell.deadline {
            self.go_to(now, Step::Hold);
        } else if !self.has_just_read(now) && now.since(farewell.since) < 2 * TOLD {
            self.watch.raft_changed();
            self.read_raft(now);
        } else if now.since(farewell.since) >= TOLD {
            // Its name must not stay blocked.
            if self.facts.is_seen_alive(now) { self.leave(now) } else { self.term(now) }
        }
    }

    fn look_what_is_left(&mut self, now: Moment) {
        // Until that is read the others have to take it for one that holds the cluster, also where they hear nothing more.
        self.facts.disk = Disk::Unknown;
        if let Stage::Stopping(farewell) = &mut self.stage {
            farewell.inspected = true;
        }
        let mut launch = start::launch(&self.facts, now, None, Prepare::Keep);
        let serves = |host: &Name| self.facts.peers.values().any(|peer| peer.is_up(now) && peer.is_joined_by(host));
        launch.join.retain(serves);
        self.start(now, launch);
    }

    /// What does dkron leave behind that was to found the cluster? Those who stay have to know.
    fn inspect(&mut self, now: Moment) {
        let Stage::Stopping(farewell) = &self.stage else { return };
        if self.misled_by(now).is_some() {
            self.out.push(Action::Kill);
            return self.go_to(now, Step::Kill);
        }
        if let Some(reading) = &self.facts.raft {
            if reading.servers.is_empty() {
                self.facts.disk = Disk::Empty;
            }
            return self.go_to(now, Step::Told);
        }
        if now.since(farewell.since) >= COME_UP {
            return self.term(now);
        }
        self.read_raft(now);
    }

    pub(super) fn term(&mut self, now: Moment) {
        self.out.push(Action::Term);
        self.go_to(now, Step::Term);
    }

    /// A dkron that ends while it is still to leave is started once more in its place: its name must not stay blocked.
    pub(super) fn ended_while_stopping(&mut self, now: Moment, code: u8) {
        let unclear = self.may_have_founded();
        let Stage::Stopping(farewell) = &mut self.stage else { return };
        if unclear && !farewell.inspected && farewell.revivals == 0 && now + COME_UP + TOLD < farewell.killed_at {
            farewell.code.get_or_insert(code);
            farewell.go_to(now, Step::Inspect);
            return self.look_what_is_left(now);
        }
        let done = !matches!(
            farewell.step,
            Step::Hold | Step::Going | Step::HandOver | Step::Jobs | Step::Remove | Step::Again | Step::Revive
        );
        if done || farewell.revivals >= REVIVALS {
            let code = farewell.code.unwrap_or(code);
            self.stage = Stage::Over;
            return self.out.push(Action::Exit(code));
        }
        let died = farewell.step != Step::Again;
        // One that was ended because it was misled goes on with what it was revived for.
        farewell.held =
            matches!(farewell.step, Step::Hold | Step::Going) || farewell.held && farewell.step == Step::Again;
        farewell.revivals += 1;
        farewell.code.get_or_insert(code);
        farewell.go_to(now, Step::Revive);
        if died {
            self.tell(Saying::Died(code, Duration::ZERO));
        }
        let mut launch = start::launch(&self.facts, now, None, Prepare::Keep);
        // Whoever is about to end may be gone, and its address somebody else's, before dkron has found anybody.
        let ends = |host: &Name| {
            let mut peers = self.facts.peers.values().filter(|peer| peer.is_joined_by(host));
            peers.any(|peer| peer.phase(now) == Some(Phase::Leaving))
        };
        if !launch.join.iter().all(ends) {
            launch.join.retain(|host| !ends(host));
        }
        self.start(now, launch);
    }
}
