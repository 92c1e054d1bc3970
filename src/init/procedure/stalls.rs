//! The cures for a dkron that holds nothing yet and will not get anything where it is: each restarts it, in its place.

use std::time::Duration;

use super::Procedure;
use super::moment::Moment;
use super::peer::Peer;
use super::saying::Saying;
use super::state::{Disk, Name, Phase, State, Status};
use super::{start, stranded};

/// All are up and nobody leads: an election takes up to 3 s.
const STALL: Duration = Duration::from_secs(5);

/// After this time of a stall everybody starts anew, in order.
const STALL_OF_ALL: Duration = Duration::from_secs(30);

/// Restarts of the highest server alone. Members from before, with another size, are forgotten only where nobody runs any more.
const STALLS_OF_ONE: u32 = 2;
const ALL_DOWN: Duration = Duration::from_secs(4);

/// A leader that restarts is back within this time, and takes up those who wait for it.
const GIVES_WAY: Duration = Duration::from_secs(30);

impl Procedure {
    /// All have been asked once more, and raft was read since: before anybody leads, the cluster may have been founded here.
    fn is_still_empty(&mut self, now: Moment) -> bool {
        let Some(asked) = self.last_look(now) else { return false };
        if !self.has_just_read(now) {
            self.read_anew(now);
            return false;
        }
        self.facts.raft.as_ref().is_some_and(|reading| reading.at > asked)
    }

    /// The first servers were to be so many, and now others, before any leader was seen.
    pub(super) fn size_has_changed(&mut self, now: Moment) -> bool {
        let (Some(old), false) = (self.child.agreed, self.facts.formed) else { return false };
        match start::told_size(&self.facts, now) {
            Some(new) if new != old => {
                // It may found the cluster until it has ended.
                self.facts.disk = Disk::Unknown;
                self.restart(now, Saying::SizeChanged(old, new));
                true
            }
            _ => false,
        }
    }

    /// The own dkron says that it has no raft configuration.
    fn is_surely_empty(&self, now: Moment) -> bool {
        let read = self.facts.young_raft(now);
        self.facts.own_leader().is_none() && read.is_some_and(|reading| reading.servers.is_empty())
    }

    /// All first servers are up, nobody leads, and nobody has a raft configuration: nothing will ever change that by itself. So all
    /// disks are empty, whatever was thought of them, and the highest server starts anew, to found the cluster.
    pub(super) fn is_stalled(&mut self, now: Moment) -> bool {
        if self.is_called(now) {
            if !self.is_still_empty(now) {
                return false;
            }
            self.facts.disk = Disk::Empty;
            self.watch.cures.pause = ALL_DOWN;
            self.restart(now, Saying::Stalled);
            return true;
        }
        let facts = &self.facts;
        let told = start::told_size(facts, now);
        let are_wrapped = |size: u32| {
            facts.first(size).into_iter().filter_map(|pod| facts.peers.get(pod)).all(|peer| peer.wrapper(now).is_some())
        };
        // Those without a wrapper were told another number by their user.
        let size = told.filter(|size| are_wrapped(*size)).or(self.child.founds).or(told).or_else(|| facts.size(now));
        let first: Vec<Name> = facts.first(size.unwrap_or(0)).into_iter().cloned().collect();
        let others = || first.iter().filter_map(|pod| facts.peers.get(pod));
        let whole =
            others().count() + usize::from(first.contains(&facts.me.pod)) == size.map_or(0, |size| size as usize);
        // Whom dkron sees beside them may hold what none of them has.
        let mut beside = facts.own.iter().flat_map(|own| &own.members).filter(|member| member.status == Status::Alive);
        let alone = beside.all(|member| facts.peer_of(&member.name).is_none_or(|peer| is_up_and_empty(peer, now)));
        let all = whole && alone && self.is_surely_empty(now) && others().all(|peer| is_up_and_empty(peer, now));
        let led = facts.is_led_elsewhere(now);
        if !all || led || first.is_empty() {
            self.watch.cures.stalled = None;
            return false;
        }
        let lasts = now.since(*self.watch.cures.stalled.get_or_insert(now));
        if lasts < STALL {
            return false;
        }
        if self.facts.disk != Disk::Empty {
            self.facts.holds_nothing();
            self.tell(Saying::AllEmpty);
        }
        let facts = &self.facts;
        let mut wrapped = first.iter().filter_map(|pod| facts.peers.get(pod)?.wrapper(now));
        let own = facts.ordinal(&facts.me.pod);
        let is_last = wrapped.clone().all(|state| state.disk == Disk::Empty && facts.ordinal(&state.pod) < own);
        let waits = wrapped.any(|state| state.disk != Disk::Empty);
        let alone = is_last && self.watch.cures.stalls < STALLS_OF_ONE;
        if !first.contains(&facts.me.pod) || waits || !alone && lasts < STALL_OF_ALL {
            return false;
        }
        if !self.is_still_empty(now) {
            return false;
        }
        self.watch.cures.stalls += 1;
        self.watch.cures.pause = if alone { Duration::ZERO } else { ALL_DOWN };
        self.watch.cures.calls_until = (!alone).then_some(now + ALL_DOWN);
        self.restart(now, Saying::Stalled);
        true
    }

    /// Another server has found that all of them are stalled, and that restarting one does not help.
    fn is_called(&self, now: Moment) -> bool {
        let mut states = self.facts.peers.values().filter_map(|peer| peer.wrapper(now));
        states.any(|state| state.anew) && self.is_surely_empty(now)
    }

    /// dkron holds nothing, and nobody leads: the leader is lost that it was started to follow, before it has taken this server up, or others
    /// hold what it does not. An empty disk would vote for anybody, and is to come after the others who hold something.
    pub(super) fn is_to_come_after_others(&mut self, now: Moment) -> bool {
        let peers = || self.facts.peers.values();
        let holds = |state: &State| state.disk == Disk::State;
        let others = match (&self.child.follows, self.child.founds) {
            (Some(leader), _) => {
                // Who waits because it was taken out gives way itself, but not without end.
                let is_early = !self.watch.is_unled_for(now, GIVES_WAY);
                let waits = |state: &State| is_early && state.phase == Phase::Waiting && state.is_out();
                let gives_way = |peer: &Peer| peer.wrapper(now).is_some_and(waits);
                let holds = |peer: &Peer| peer.node() != leader && peer.may_hold_a_cluster(now) && !gives_way(peer);
                let is_gone = self.facts.peer_of(leader).is_some_and(|peer| peer.holds_nothing(now));
                is_gone || peers().any(holds)
            }
            // It is to found a cluster, and one that none of the founders holds is there.
            (None, Some(size)) if !self.facts.formed => {
                let first = self.facts.first(size);
                let mut others =
                    peers().filter(|peer| !first.contains(&&peer.name.pod)).filter_map(|peer| peer.wrapper(now));
                others.any(|state| holds(state) && state.configuration().is_some())
            }
            // It was started as one that may hold something.
            (None, _) if self.facts.disk == Disk::Unknown => peers().filter_map(|peer| peer.wrapper(now)).any(holds),
            // It was to vote for those who have all moved since, or of whom one came later: with its vote the shorter log might win.
            (None, _) => self.facts.disk == Disk::Empty && stranded::will_recover(&self.facts, now),
        };
        let lost = self.facts.own.is_some() && !self.facts.is_led(now) && others;
        if !lost || !self.is_surely_empty(now) || !self.is_still_empty(now) {
            return false;
        }
        if self.child.founds.is_some() {
            // It may found the cluster until it has ended.
            self.facts.disk = Disk::Unknown;
        } else {
            self.facts.holds_nothing();
        }
        self.restart(now, Saying::Lost);
        true
    }
}

fn is_up_and_empty(peer: &Peer, now: Moment) -> bool {
    let up = peer.is_up(now) && peer.leader(now).is_none();
    up && match peer.wrapper(now) {
        Some(state) => state.raft.as_ref().is_some_and(Vec::is_empty) && !state.phase.stops(),
        None => peer.plain(now).is_some(),
    }
}
