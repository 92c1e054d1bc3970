//! Progress: once the world has healed, all has to be well again within a bound.

use dkron_ha::init::procedure::Phase;

use crate::coverage::Seen;
use crate::dkron::Log;
use crate::driver::clock;
use crate::invariants::Broken;
use crate::kubernetes::Kind;
use crate::names::{SLOTS, Slot, bit, place_of, set_of, slot_of};
use crate::world::World;

/// The time within which all has to be well, milliseconds.
pub const BOUND: u64 = 180_000;
/// The same where the leader looks through serf's members each minute only: each server of a rolling restart waits for that.
const SLOW_BOUND: u64 = 540_000;
/// It has to stay well for so long.
const STAYS: u64 = 2_000;

impl World {
    /// No more faults: everybody reaches everybody, nodes and label updaters live, and all pods have the present wrapper.
    pub fn heal(&mut self) {
        let now = self.now;
        self.note(|| "the world heals".to_owned());
        self.healed_at = Some(now);
        // Whom it did not hear a wrapper does not know the next moment.
        self.surprised_at = now;
        self.network.heal(now);
        self.adopt();
        for set in &mut self.sets {
            set.down_until = [0; crate::names::PLACES];
            set.kinds = [Kind::Wrapped; crate::names::PLACES];
            set.deleting &= set.anew_at != 0;
            if set.replicas == 0 {
                set.replicas = set.size;
            }
        }
        for slot in 0..SLOTS {
            if let Some(pod) = self.pods[slot].as_mut() {
                pod.updater_dead_until = pod.updater_dead_until.min(now);
                if pod.kind != Kind::Wrapped {
                    self.delete_pod(slot);
                }
            }
        }
    }

    /// Looks whether all is well by now, or ought to be.
    pub fn watch_progress(&mut self) {
        let Some(healed) = self.healed_at else { return };
        let now = self.now;
        let settled = (0..2).all(|set| self.sets[set].uid == 0 || self.is_settled(set));
        if !settled {
            self.settled_since = None;
            let slow = self.params.reconcile_interval > 2_000;
            // A server that holds for others may use its grace period up; only then Kubernetes makes those that wait for it.
            let holds = |slot: usize| {
                let wrapper = self.wrappers[slot].as_ref();
                wrapper.is_some_and(|wrapper| wrapper.procedure.state(clock(slot, now)).phase == Phase::Holding)
            };
            // Neither does anybody do anything while a set is deleted, before it is made anew.
            let is_away = self.sets.iter().any(|set| set.deleting);
            if is_away || (0..self.wrappers.len()).any(holds) {
                self.held_until = now;
            }
            if now - healed.max(self.held_until) > if slow { SLOW_BOUND } else { BOUND } {
                self.give_up();
            }
            return;
        }
        let since = *self.settled_since.get_or_insert(now);
        if now - since >= STAYS {
            self.over = true;
            self.seen.count(Seen::Settled);
            self.seen.slowest = (since.saturating_sub(healed), 0);
        }
    }

    fn give_up(&mut self) {
        if (0..2).all(|set| self.sets[set].uid == 0 || self.is_settled(set) || !self.is_recoverable(set)) {
            self.over = true;
            self.seen.count(Seen::Waived);
            return;
        }
        let state = |slot: usize| {
            let wrapper = self.wrappers[slot].as_ref()?;
            let now = clock(slot, self.now);
            let (state, health) = (wrapper.procedure.state(now), wrapper.procedure.health(now));
            let ready = health.ready.unwrap_or_else(|why| why);
            Some(format!(
                "{slot}: {:?} {:?} raft {:b} ({ready})",
                state.phase, state.disk, self.volumes[slot].log.servers.voters
            ))
        };
        let states: Vec<String> = (0..self.wrappers.len()).filter_map(state).collect();
        self.break_with(Broken::NoProgress, || states.join("; "));
    }

    /// The disks that are left make a majority, so that all can be well without a person's help.
    fn is_recoverable(&self, set: usize) -> bool {
        // A person has to say that it does not come back.
        if self.sets[set].founder_lost
            && !self.sets[set].ever_led
            && Self::places(set).any(|slot| !self.is_wanted(slot))
        {
            return false;
        }
        let logs = |slot: &usize| set_of(*slot) == set && !self.volumes[*slot].log.is_empty();
        let wanted = |slot: &usize| logs(slot) && self.is_wanted(*slot);
        // Those that are not wanted took their votes with them, and perhaps what nobody else has.
        let newest = |slots: &dyn Fn(&usize) -> bool| {
            (0..SLOTS).filter(|slot| slots(slot)).map(|slot| self.volumes[slot].log).max_by_key(Log::end)
        };
        let (of_all, of_wanted) = (newest(&logs), newest(&wanted));
        // Only servers that nobody wants any more hold the cluster, or held it, for all that those know who are wanted: a person has to say
        // that it is not to come back.
        let held = |slot: usize| !self.is_wanted(slot) && self.volumes[slot].lost;
        if of_wanted.is_none() && (of_all.is_some() || Self::places(set).any(held)) {
            return false;
        }
        // Disks of two clusters, founded one after another while nobody knew of the other: a person has to decide.
        let genesis = |slot: usize| self.volumes[slot].log.genesis;
        if (0..SLOTS).filter(wanted).any(|slot| of_wanted.is_some_and(|log| log.genesis != genesis(slot))) {
            return false;
        }
        // Neither can a set that was made anew tell whose the disks are that nobody marked before.
        let of_one_lineage = |slot: usize, other: usize| {
            let (Some(one), Some(two)) = (&self.volumes[slot].marker, &self.volumes[other].marker) else { return true };
            one.owner.lineage().any(|uid| two.owner.lineage().any(|other| uid == other))
        };
        let mut pairs = (0..SLOTS).filter(wanted).flat_map(|slot| (0..slot).map(move |other| (slot, other)));
        if !pairs.all(|(slot, other)| !wanted(&other) || of_one_lineage(slot, other)) {
            return false;
        }
        of_all.is_none_or(|log| self.has_majority(set, &log) && self.somebody_can_win(set))
    }

    /// Some wanted disk has at least the log of a majority of its own voters, and is one of them, so that these elect it. Who was taken out
    /// and told so does not stand; where nobody else has anything a person has to say that it is the cluster.
    fn somebody_can_win(&self, set: usize) -> bool {
        let wins = |slot: Slot| {
            let log = self.volumes[slot].log;
            let votes = |place: &usize| {
                let at = slot_of(set, *place);
                let theirs = &self.volumes[at].log;
                self.is_wanted(at) && theirs.knows(place_of(slot), &log) && theirs.end() <= log.end()
            };
            log.servers.has(place_of(slot))
                && log.servers.places().filter(votes).count() as u32 >= log.servers.majority()
        };
        Self::places(set).filter(|slot| self.is_wanted(*slot)).any(wins)
    }

    /// The wanted disks make a majority of the last configuration of a log.
    fn has_majority(&self, set: usize, best: &Log) -> bool {
        let held = |place: &usize| {
            let slot = slot_of(set, *place);
            let log = &self.volumes[slot].log;
            // dkron 4 lets an empty server vote.
            self.is_wanted(slot) && (log.genesis == best.genesis || !self.params.three && log.is_empty())
        };
        let voters = best.servers.places().filter(held).count() as u32;
        // dkron 3 cannot go on at new addresses by itself, and the wrapper needs the markers of all for that; or of a majority that agrees
        // with everybody who has anything, while all others are there with nothing.
        let marked = |place: usize| {
            let volume = &self.volumes[slot_of(set, place)];
            // One that is out of date, since dkron ran without a wrapper, is none.
            let members = volume.marker.iter().flat_map(|marker| &marker.members);
            let told =
                members.filter_map(|server| self.names.place(&server.id)).fold(0, |told, place| told | bit(place));
            // Nor does one help that was taken out and told so, where the last leader had it in again.
            held(&place) && told == volume.log.servers.voters && volume.log.servers.has(place) && !volume.lost
        };
        let places = || best.servers.places();
        let recovers_beside_empty = || {
            let wanted = || Self::places(set).filter(|slot| self.is_wanted(*slot)).map(|slot| &self.volumes[slot].log);
            let agree = wanted().all(|log| log.is_empty() || log.servers.voters == best.servers.voters);
            let empty = |place: usize| {
                let slot = slot_of(set, place);
                self.is_wanted(slot) && self.volumes[slot].log.is_empty()
            };
            let enough = places().filter(|place| marked(*place)).count() as u32 >= best.servers.majority();
            agree && enough && places().all(|place| marked(place) || empty(place))
        };
        let recovers = || places().all(marked) || recovers_beside_empty();
        voters >= best.servers.majority() && (!self.params.three || recovers())
    }
}
