//! What an operation of a schedule does to the world.

use dkron_ha::init::procedure::{Disk, State};

use crate::coverage::Seen;
use crate::driver::clock;
use crate::kubernetes::Roll;
use crate::names::{Slot, bit, place_of, set_of, slots};
use crate::schedule::What;
use crate::world::World;

impl World {
    /// What a server that was to found the cluster has done, others may not hear until it is back: not by what it does (dkron forgets
    /// that it was to found one as soon as it has), but by what its wrapper has told.
    pub fn founder_is_silent(&mut self, slot: Slot) {
        let told = Self::places(set_of(slot)).any(|other| self.unclear[other] & bit(place_of(slot)) != 0);
        let founds = match &self.wrappers[slot] {
            _ if told => true,
            Some(wrapper) => may_have_founded(&wrapper.procedure.state(clock(slot, self.now))),
            None => self.dkron[slot].as_ref().is_some_and(|process| process.flags.expect > 0),
        };
        let set = &mut self.sets[set_of(slot)];
        set.founder_lost |= founds && !set.ever_led;
    }

    /// It befalls the world.
    pub fn operate(&mut self, what: &What) {
        self.note(|| format!("== {what:?}"));
        let now = self.now;
        if matches!(
            what,
            What::KillDkron(_)
                | What::KillWrapper(_)
                | What::ForceDelete(..)
                | What::Down(..)
                | What::Part(_)
                | What::Join
                | What::Scale(_)
        ) {
            self.surprised_at = now;
        }
        match *what {
            What::KillWrapper(slot) | What::ForceDelete(slot, _) | What::Down(slot, _) => self.founder_is_silent(slot),
            What::Part(_) | What::CutState(_) => Self::places(0).for_each(|slot| self.founder_is_silent(slot)),
            _ => {}
        }
        match *what {
            What::KillDkron(slot) => {
                if self.dkron[slot].is_some() {
                    self.seen.count(Seen::DkronKilled);
                    self.kill_dkron(slot);
                }
            }
            What::KillWrapper(slot) => {
                if self.wrappers[slot].is_some() {
                    self.seen.count(Seen::WrapperKilled);
                    self.container_ends(slot);
                }
            }
            What::ForceDelete(slot, disk) => self.force_delete(slot, disk),
            What::Delete(mask) => slots(mask).for_each(|slot| self.delete_pod(slot)),
            What::DeleteWithDisk(slot) => {
                self.seen.count(Seen::DiskLost);
                if let Some(pod) = self.pods[slot].as_mut() {
                    pod.disk_goes = true;
                }
                self.delete_pod(slot);
            }
            What::StopContainer(slot) => {
                self.seen.count(Seen::ContainerStopped);
                self.stop_container(slot);
            }
            What::Scale(replicas) => {
                self.seen.count(if replicas == 0 { Seen::FullStop } else { Seen::Scale });
                // Without a set there is nothing to scale: it is made again so.
                if self.sets[0].orphaned {
                    self.sets[0].made_with = Some(replicas);
                    return;
                }
                self.sets[0].replicas = replicas;
                self.desired_changes(0);
            }
            What::Roll => {
                self.seen.count(Seen::Roll);
                self.sets[0].roll = Some(Roll { since: now });
            }
            What::Reapply(pause) => {
                self.seen.count(Seen::Reapply);
                // A set that was deleted without its pods cannot be deleted once more.
                if self.sets[0].orphaned {
                    return self.adopt();
                }
                self.sets[0].deleting = true;
                self.sets[0].anew_at = now + pause;
                self.desired_changes(0);
            }
            What::Orphan => {
                self.seen.count(Seen::Orphan);
                self.sets[0].orphaned = true;
            }
            What::Adopt => self.adopt(),
            What::Part(mask) => {
                self.seen.count(Seen::Partition);
                self.network.part(mask, now);
            }
            What::CutState(mask) => {
                self.seen.count(Seen::StatePortCut);
                self.network.state_cut |= mask;
            }
            What::Join => self.network.heal(now),
            What::UpdaterDead(mask, time) => {
                self.seen.count(Seen::UpdaterDead);
                for slot in slots(mask) {
                    if let Some(pod) = self.pods[slot].as_mut() {
                        pod.updater_dead_until = now + time;
                    }
                }
            }
            What::DnsDown(time) => {
                self.seen.count(Seen::DnsDown);
                self.network.dns_down_until = now + time;
            }
            What::Down(slot, time) => {
                self.seen.count(Seen::Down);
                self.sets[0].down_until[slot] = now + time;
                self.force_delete(slot, false);
            }
            What::Job(slot, time) => {
                self.seen.count(Seen::Job);
                if let Some(process) = self.dkron[slot].as_mut() {
                    process.busy_until = now + time;
                }
            }
            What::Kinds(mask, kind) => slots(mask).for_each(|slot| self.sets[0].kinds[slot] = kind),
        }
    }

    /// The set is made again, and takes its pods over.
    pub fn adopt(&mut self) {
        if self.sets[0].orphaned {
            let uid = self.new_uid();
            let now = self.now;
            let set = &mut self.sets[0];
            set.orphaned = false;
            set.adopted_at = now;
            set.uid = uid;
            set.replicas = set.made_with.take().unwrap_or(set.replicas);
            self.desired_changes(0);
        }
    }

    fn force_delete(&mut self, slot: Slot, disk: bool) {
        let Some(uid) = self.pods[slot].as_ref().map(|pod| pod.uid) else { return };
        self.seen.count(Seen::ForceDelete);
        self.pod_goes(slot, uid);
        if disk {
            self.seen.count(Seen::DiskLost);
            self.lose_disk(slot);
        }
    }
}

/// What it says of itself does not tell whether it has founded the cluster.
pub fn may_have_founded(state: &State) -> bool {
    state.expecting && state.up || state.disk == Disk::Unknown
}
