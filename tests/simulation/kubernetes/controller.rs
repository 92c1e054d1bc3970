//! The controller of a StatefulSet: makes and deletes pods, Parallel or one after another, and restarts them one by one.

use crate::coverage::Seen;
use crate::names::{Slot, place_of, set_of};
use crate::world::{Event, World};

use super::Pod;

/// A rolling restart: pods that are older are replaced, the highest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roll {
    /// When the template was changed.
    pub since: u64,
}

impl World {
    /// One look of the controller.
    pub fn control(&mut self, set: usize) {
        if self.sets[set].uid == 0 || self.sets[set].orphaned {
            return;
        }
        if self.sets[set].deleting {
            self.delete_set(set);
            return;
        }
        // Only one by one does what is missing keep it from deleting what is too much.
        let complete = self.make_missing(set);
        let deletes = complete || !self.sets[set].ordered;
        if deletes && self.delete_surplus(set) && complete {
            self.roll(set);
        }
    }

    fn delete_set(&mut self, set: usize) {
        let mut gone = true;
        for slot in Self::places(set) {
            gone &= self.pods[slot].is_none();
            self.delete_pod(slot);
        }
        if gone && self.now >= self.sets[set].anew_at {
            let uid = self.new_uid();
            let made = &mut self.sets[set];
            made.deleting = false;
            made.uid = uid;
        }
    }

    /// Makes the pods that are missing; says whether all are there (and ready, where the set asks for that).
    fn make_missing(&mut self, set: usize) -> bool {
        let ordered = self.sets[set].ordered;
        let mut complete = true;
        for slot in Self::places(set).take(self.sets[set].replicas) {
            if self.pods[slot].is_none() {
                complete = false;
                if self.sets[set].down_until[place_of(slot)] <= self.now {
                    self.make_pod(slot);
                }
            } else if self.pods[slot].as_ref().is_some_and(Pod::is_deleted) {
                complete = false;
            }
            if ordered && !self.is_ready(slot) {
                return false;
            }
        }
        complete
    }

    /// Deletes the pods beyond the wanted number, the highest first; says whether none are left.
    fn delete_surplus(&mut self, set: usize) -> bool {
        let (replicas, ordered) = (self.sets[set].replicas, self.sets[set].ordered);
        for slot in Self::places(set).skip(replicas).collect::<Vec<_>>().into_iter().rev() {
            if self.pods[slot].is_some() {
                self.delete_pod(slot);
                if ordered {
                    return false;
                }
            }
        }
        true
    }

    /// The next pod of a rolling restart: the highest old one, once all above it are ready.
    fn roll(&mut self, set: usize) {
        let Some(roll) = self.sets[set].roll else { return };
        for slot in Self::places(set).take(self.sets[set].replicas).collect::<Vec<_>>().into_iter().rev() {
            if self.pods[slot].as_ref().is_some_and(|pod| pod.born < roll.since) {
                self.delete_pod(slot);
                return;
            }
            if !self.is_ready(slot) {
                return;
            }
        }
        self.sets[set].roll = None;
    }

    /// A UID that nothing had before.
    pub fn new_uid(&mut self) -> u32 {
        self.lives += 1;
        self.names.uid(self.lives);
        self.lives
    }

    fn make_pod(&mut self, slot: Slot) {
        let uid = self.new_uid();
        self.put_pod(slot, uid);
        let begins = self.random.between(300, self.params.spread.max(400));
        self.after(begins, Event::Container { slot: slot as u8, uid });
        self.after(begins + 500, Event::Desired { slot: slot as u8, uid, again: true });
        self.desired_changes(set_of(slot));
    }

    /// A pod is there and has its address; nothing runs in it yet.
    pub fn put_pod(&mut self, slot: Slot, uid: u32) {
        let (set, place) = (set_of(slot), place_of(slot));
        let (ip, used) = self.network.take(slot);
        if used {
            self.seen.count(Seen::AddressReused);
        }
        let named_at = self.now + self.random.between(100, 2_000);
        self.note(|| format!("pod {slot} is made at address {ip}"));
        self.pods[slot] = Some(Pod {
            uid,
            ip,
            born: self.now,
            named_at,
            kind: self.sets[set].kinds[place],
            deadline: None,
            stop_by: None,
            running: false,
            restarts: 0,
            updater_dead_until: 0,
            read_at: 0,
            write_due: false,
            desired: None,
            formed: false,
            disk_goes: false,
            unhealthy: 0,
        });
    }

    /// The pod is deleted with its grace period.
    pub fn delete_pod(&mut self, slot: Slot) {
        let grace = self.params.grace * 1_000;
        let now = self.now;
        let Some(pod) = self.pods[slot].as_mut().filter(|pod| !pod.is_deleted()) else { return };
        pod.deadline = Some(now + grace);
        let (uid, running) = (pod.uid, pod.running);
        self.note_stop(slot);
        self.seen.count(Seen::Delete);
        self.note(|| format!("pod {slot} is deleted"));
        let slot8 = slot as u8;
        if running {
            let time = self.random.between(10, 150);
            self.after(time, Event::Stop { slot: slot8, uid });
            self.after(grace, Event::Deadline { slot: slot8, uid });
        } else {
            self.after(50, Event::PodGone { slot: slot8, uid });
        }
        self.desired_changes(set_of(slot));
    }
}
