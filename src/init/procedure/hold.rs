//! Stopping, first: serving on for as long as the others need this server.
//!
//! Two servers that stop at the same moment must not both think that the other stays. Each says that it is about to go, and then
//! asks all others once more before it goes; of two that see each other the one with the higher ordinal goes first.

use std::time::Duration;

use super::action::Action;
use super::facts::HEARING;
use super::farewell::Step;
use super::moment::Moment;
use super::saying::Saying;
use super::state::Phase;
use super::verdict::Verdict;
use super::{Procedure, Stage};

/// Time for the label updater to tell what has changed, and where it does not for DNS to forget the address of a pod from before.
const NEWS: Duration = Duration::from_secs(35);

/// A founder's raft configuration is this young when it goes without a leader, and the time to have it read.
const JUST: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(4);

impl Procedure {
    pub(super) fn hold(&mut self, now: Moment) {
        let led = self.facts.is_led_elsewhere(now);
        let Stage::Stopping(farewell) = &mut self.stage else { return };
        if led {
            farewell.led = Some(now);
        }
        let (begun, since, deadline) = (farewell.begun, farewell.since, farewell.deadline);
        let told_hold = farewell.told_hold;
        let read = self.facts.raft.as_ref().is_some_and(|reading| reading.at >= begun);
        self.read_raft(now);
        // Kubernetes' word from before TERM does not know yet who else is to go.
        let written = self.facts.desired_since(now);
        let news = written.is_some_and(|written| written >= begun);
        let told = news || written.is_none() || self.facts.knows_of_own_end(now);
        let settled = self.facts.all_heard(now, since) && (read && told || now.since(since) >= HEARING);
        if !settled {
            return;
        }
        match self.verdict(now, |peer| self.stays_for_us(peer, now)) {
            // That others go is an old word of Kubernetes: they may be back by now.
            Verdict::Nobody if !news && now.since(begun) < NEWS && self.is_anybody_silent(now, since) => {}
            Verdict::Nobody => {
                self.tell(Saying::NobodyRemains);
                self.out.push(Action::AskBusy);
                self.go_to(now, Step::Count);
            }
            // Somebody may lead whom the own dkron does not know yet, and may take this server up at any moment.
            Verdict::NoCluster if self.leader_to_part_from(now).is_some() => {
                if let Stage::Stopping(farewell) = &mut self.stage {
                    farewell.has_no_cluster = true;
                }
                self.go_to(now, Step::Remove);
            }
            // dkron may have founded the cluster since raft was read.
            Verdict::NoCluster
                if self.may_have_founded() && !self.has_just_read(now) && now.since(since) < PATIENCE =>
            {
                self.watch.raft_changed();
                self.read_raft(now);
            }
            Verdict::NoCluster => self.leave(now),
            Verdict::Go => {
                self.go_to(now, Step::Going);
                self.out.push(Action::Look);
            }
            Verdict::Hold(..) if now >= deadline => {
                self.tell(Saying::HoldOver);
                let surplus = self.facts.is_surplus(now, &self.facts.me.node);
                if let Stage::Stopping(farewell) = &mut self.stage {
                    farewell.keeps_its_seat = !surplus;
                }
                self.go_to(now, Step::HandOver);
            }
            Verdict::Hold(alive, needed) => {
                if !told_hold {
                    self.tell(Saying::Holding(alive, needed));
                }
                if let Stage::Stopping(farewell) = &mut self.stage {
                    farewell.told_hold = true;
                }
            }
        }
    }

    pub(super) fn has_just_read(&self, now: Moment) -> bool {
        self.facts.raft.as_ref().is_some_and(|reading| now.since(reading.at) <= JUST)
    }

    /// Some peer does not say what it does, and may be about to come back. Where all went together nobody is waited for.
    fn is_anybody_silent(&self, now: Moment, since: Moment) -> bool {
        let mut known = self.facts.peers.values().filter(|peer| self.is_known(peer, now));
        let together = known.clone().all(|peer| self.went_with_us(peer, now));
        now.since(since) < NEWS && !together && known.any(|peer| peer.phase(now).is_none())
    }

    /// A second look before it is said and done: somebody else may have decided to go at the same moment.
    pub(super) fn going(&mut self, now: Moment) {
        let Stage::Stopping(farewell) = &self.stage else { return };
        let since = farewell.since;
        if !self.facts.all_heard(now, since) {
            return;
        }
        let own = self.facts.ordinal(&self.facts.me.pod);
        let rivals = self.facts.peers.values().filter(|peer| peer.phase(now) == Some(Phase::Going));
        let first = rivals.clone().all(|peer| self.facts.ordinal(&peer.name.pod) < own);
        let rivals = rivals.count();
        match self.verdict(now, |peer| self.stays_anyway(peer, now)) {
            // The other sees this one too, or has gone by then.
            Verdict::Hold(..) if rivals > 0 && first && now.since(since) < 2 * HEARING => {}
            Verdict::Hold(..) | Verdict::Nobody | Verdict::NoCluster => self.go_to(now, Step::Hold),
            Verdict::Go => self.go_to(now, Step::HandOver),
        }
    }
}
