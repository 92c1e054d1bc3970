//! Stopping, third: raft forgets this server where it has to, and dkron leaves.

use std::net::SocketAddr;
use std::time::Duration;

use super::action::Action;
use super::facts::HEARING;
use super::farewell::Step;
use super::hand_over::HAND_OVER_OF_FEW;
use super::input::{Generation, Outcome, Storage};
use super::moment::Moment;
use super::peer::Peer;
use super::saying::Saying;
use super::start::READING_HOLDS;
use super::state::{Phase, Server};
use super::stop::REVIVALS;
use super::{Procedure, Stage};

/// A new leader looks at all members right after its election.
const SETTLING: Duration = Duration::from_millis(300);

/// Tries to have the own entry removed, and the pause between two.
const REMOVALS: u32 = 5;
const AGAIN: Duration = Duration::from_millis(300);

/// When the removal is repeated while dkron leaves.
const ONCE_MORE: [Duration; 2] = [Duration::from_millis(150), Duration::from_millis(350)];

/// Time for the leader to say whether this server is still in its configuration.
const VERIFYING: Duration = Duration::from_secs(2);

/// Time for the leader to hold a server for dead: 4 to 10 s.
const FORGETTING: Duration = Duration::from_secs(12);

impl Procedure {
    /// Where the voters left would be no majority of today's, raft has to forget this server before it goes.
    pub(super) fn remove_self(&mut self, now: Moment) {
        let Stage::Stopping(farewell) = &self.stage else { return };
        if farewell.keeps_its_seat || self.is_irreplaceable(now) {
            // Whom it has taken up meanwhile as the leader its marker has to tell of.
            let read = self.facts.raft.as_ref().is_none_or(|raft| raft.at >= farewell.since);
            if read || self.facts.own.is_none() || now.since(farewell.since) >= HEARING {
                return self.term(now);
            }
            return self.read_anew(now);
        }
        // A new leader may drop voters right after its election, and would take up again whom it has just removed.
        let led_since = self.child.leader_since;
        let settled = led_since + SETTLING;
        let known = led_since <= farewell.begun || self.facts.raft.as_ref().is_some_and(|raft| raft.at >= settled);
        // Jobs may have lasted longer than what was read holds; whoever leads a moment later is not parted from by that either.
        let old = self.facts.raft.as_ref().is_none_or(|raft| now.since(raft.at) > READING_HOLDS)
            || self.somebody_became_a_voter(now);
        // Nor does what others say of a leader tell what that one has.
        let led = self.facts.own_leader().is_some() || self.leader_to_part_from(now).is_some();
        if (led && !known || old) && now.since(farewell.since) < HEARING {
            if now >= settled {
                self.watch.raft_changed();
                self.read_raft(now);
            }
            return;
        }
        let me = &self.facts.me;
        let few = self.too_few_are_left(now);
        let listed = self.facts.raft_has(&me.node);
        let wanted = few
            || !listed
            || self.facts.is_surplus(now, &me.node)
            || me.storage == Storage::Ephemeral
            || me.generation == Generation::Three;
        let node = me.node.clone();
        let at = self.leader_to_part_from(now);
        let safe = self.raft_goes_on_without(now);
        let sole = self.facts.raft.as_ref().is_some_and(|raft| self.facts.is_alone_in(&raft.servers));
        let Stage::Stopping(farewell) = &self.stage else { return };
        if sole && self.facts.leads() {
            // The only voter: there is nobody to leave, but there may be somebody who is about to be one.
            let comes = |peer: &Peer| {
                let stops = peer.phase(now).is_some_and(Phase::stops);
                peer.is_up(now) && !stops && !self.facts.is_surplus(now, &peer.name.pod)
            };
            let waits = now < farewell.deadline && self.facts.peers.values().any(comes);
            return if waits { self.go_to(now, Step::Hold) } else { self.term(now) };
        }
        if listed && farewell.has_no_cluster && now < farewell.deadline {
            // It has become a voter by now, and may be needed as one.
            return self.go_to(now, Step::Hold);
        }
        let removals = if listed { REMOVALS } else { 1 };
        if farewell.removals >= removals {
            return self.leave(now);
        }
        if wanted && !safe && now < farewell.deadline {
            // Somebody else is just going too; the leader takes it out within seconds. The time for the removal begins then.
            let Stage::Stopping(farewell) = &mut self.stage else { return };
            let waits = *farewell.unsafe_since.get_or_insert(now);
            if now.since(waits) < HAND_OVER_OF_FEW {
                self.go_to(now, Step::Remove);
            } else {
                // Or it was lost, and this server is needed again.
                farewell.unsafe_since = None;
                self.go_to(now, Step::Hold);
            }
            return self.read_raft(now);
        }
        if wanted && !safe && listed && !self.facts.is_surplus(now, &node) {
            // The time to wait for them is over: its seat is kept, as after a hold that was in vain.
            return self.term(now);
        }
        if wanted && listed && self.facts.leads() && now < farewell.deadline {
            // Never at itself: somebody else has to lead first, and is held for where nobody can.
            if !self.heirs(now).is_empty() {
                self.go_to(now, Step::HandOver);
            } else if now.since(farewell.since) >= HEARING {
                self.go_to(now, Step::Hold);
            }
            return self.read_raft(now);
        }
        let patience = now.since(farewell.since) < HAND_OVER_OF_FEW;
        if !wanted || !patience || !listed && at.is_none() {
            return self.leave(now);
        }
        let paused = farewell.removal_failed.is_some_and(|failed| now.since(failed) < AGAIN);
        if let Some(at) = at.filter(|_| !paused)
            && self.remove(now, at, node.clone())
        {
            self.tell(Saying::Removing(node, at));
            if let Stage::Stopping(farewell) = &mut self.stage {
                farewell.parted_from = Some(at);
            }
        }
    }

    /// The other server that leads: by the own dkron's word, or by that of others where it knows none.
    pub(super) fn leader_to_part_from(&self, now: Moment) -> Option<SocketAddr> {
        if self.facts.leads() {
            return None;
        }
        let own = self.facts.own_leader().filter(|leader| leader.name != self.facts.me.node);
        let told = || self.facts.leader(now).filter(|(_, sure)| *sure).map(|(leader, _)| leader);
        own.or_else(told)?.rpc_addr.parse().ok()
    }

    pub(super) fn leave(&mut self, now: Moment) {
        self.tell(Saying::Leaving);
        self.out.push(Action::Leave);
        self.go_to(now, Step::Leave);
    }

    /// The leader's look at its members may come between the removal and the leave. It then takes this server up again, and can take
    /// it out once more for as long as it holds its lease without it: half a second.
    pub(super) fn remove_once_more(&mut self, now: Moment) {
        let Some(at) = self.parted_from(now) else { return };
        let Stage::Stopping(farewell) = &mut self.stage else { return };
        let due = ONCE_MORE.get(farewell.removed_again).is_some_and(|after| now.since(farewell.since) >= *after);
        if due {
            farewell.removed_again += 1;
            let node = self.facts.me.node.clone();
            self.remove(now, at, node);
        }
    }

    /// The leader that was asked to take the own entry out, unless somebody else may be there by now.
    fn parted_from(&self, now: Moment) -> Option<SocketAddr> {
        let Stage::Stopping(farewell) = &self.stage else { return None };
        farewell.parted_from.filter(|leader| !self.facts.is_others(now, leader.ip()))
    }

    pub(super) fn left(&mut self, now: Moment, outcome: Outcome<()>) {
        let Stage::Stopping(farewell) = &self.stage else { return };
        if farewell.step != Step::Leave {
            return;
        }
        let after = now.since(farewell.since);
        self.tell(match outcome {
            Ok(()) => Saying::Left(after),
            Err(why) => Saying::Failed("leaving", why),
        });
        let Stage::Stopping(farewell) = &self.stage else { return };
        match self.parted_from(now).filter(|_| farewell.revivals < REVIVALS) {
            Some(leader) => {
                self.reading = None;
                self.list_raft(now, leader);
                self.go_to(now, Step::Verify);
            }
            None => self.term(now),
        }
    }

    /// A leader that did not hear the goodbye takes this server up again until it holds it for dead.
    pub(super) fn wait_to_be_forgotten(&mut self, now: Moment) {
        let Stage::Stopping(farewell) = &self.stage else { return };
        let lasts = now.since(farewell.since);
        let patience = if self.facts.is_seen_alive(now) { FORGETTING } else { VERIFYING };
        match self.parted_from(now).filter(|_| lasts < patience) {
            Some(leader) => self.list_raft(now, leader),
            None => self.term(now),
        }
    }

    /// The leader's look at its members may have come between the removal and the leave; then its raft waits for a voter that
    /// is gone, and only that voter can help. Whether the answer was for this.
    pub(super) fn verify(&mut self, now: Moment, at: SocketAddr, told: Option<&[Server]>) -> bool {
        let Stage::Stopping(farewell) = &mut self.stage else { return false };
        if farewell.step != Step::Verify || farewell.parted_from != Some(at) {
            return false;
        }
        let others = |servers: &[Server]| servers.iter().any(|server| server.id != self.facts.me.node);
        let taken_up =
            told.is_some_and(|servers| servers.iter().any(|s| s.id == self.facts.me.node) && others(servers));
        if !taken_up {
            if !self.facts.is_seen_alive(now) {
                self.term(now);
            }
            return true;
        }
        farewell.removals = 0;
        farewell.parted_from = None;
        farewell.removed_again = 0;
        farewell.held = false;
        farewell.go_to(now, Step::Again);
        self.tell(Saying::TakenUpAgain);
        self.out.push(Action::Term);
        true
    }
}
