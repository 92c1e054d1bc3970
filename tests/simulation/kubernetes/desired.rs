//! `desired.json`: what the label updater sees of the API server and writes for the wrapper.

use dkron_ha::init::procedure::{Desired, DesiredPod};

use crate::names::{Slot, address, place_of, set_of};
use crate::world::{Event, World};

/// A file that did not change is written again after this time, milliseconds.
const AGAIN: u64 = 10_000;

impl World {
    /// Something of the set has changed: the label updaters of its pods hear of it, each in its time.
    pub fn desired_changes(&mut self, set: usize) {
        for slot in Self::places(set) {
            let due = |pod: &&mut super::Pod| !pod.write_due;
            let Some(pod) = self.pods[slot].as_mut().filter(due) else { continue };
            pod.write_due = true;
            let uid = pod.uid;
            let time = self.random.between(50, 1_200);
            self.after(time, Event::Desired { slot: slot as u8, uid, again: false });
        }
    }

    /// The label updater of a pod writes the file, if it lives.
    pub fn write_desired(&mut self, slot: Slot, uid: u32, again: bool) {
        let now = self.now;
        let is_in = self.is_in(slot);
        let Some(pod) = self.pods[slot].as_mut().filter(|pod| pod.uid == uid) else { return };
        if !again {
            pod.write_due = false;
        }
        // A pod that no set owns tells of none.
        if pod.updater_dead_until <= now && !self.sets[set_of(slot)].orphaned {
            pod.formed |= is_in;
            let desired = self.desired_of(slot);
            // What is read later is never older.
            let mut read = now + self.random.between(1, 900);
            if let Some(pod) = self.pods[slot].as_mut() {
                pod.desired = Some((desired.clone(), now));
                read = read.max(pod.read_at);
                pod.read_at = read;
            }
            self.wrapper_hears_desired(slot, read - now, desired, now);
        }
        if again {
            self.after(AGAIN, Event::Desired { slot: slot as u8, uid, again });
        }
    }

    fn desired_of(&mut self, slot: Slot) -> Desired {
        let set = set_of(slot);
        let now = self.now;
        let mut pods = Vec::with_capacity(self.sets[set].replicas);
        for at in Self::places(set) {
            let Some(pod) = self.pods[at].as_ref() else { continue };
            let (uid, ip, deleting, formed) = (pod.uid, address(pod.ip), pod.is_deleted(), pod.formed);
            let name = self.names.nodes[place_of(at)].clone();
            pods.push(DesiredPod { name, uid: self.names.uid(uid), ip: Some(ip), deleting, formed });
        }
        let grace = self.pods[slot].as_ref().and_then(|pod| pod.deadline).map(|at| at.saturating_sub(now) / 1_000);
        let of = &self.sets[set];
        Desired {
            replicas: of.replicas as u32,
            ordinals_start: of.first as u32,
            set_uid: self.names.uids[of.uid as usize].clone(),
            set_deleting: of.deleting,
            ordered_ready: of.ordered,
            grace_seconds: grace.map(|_| self.params.grace),
            pods,
        }
    }
}
