//! The kubelet: starts containers, again where they end, stops and kills them, and asks the liveness probe.

use crate::coverage::Seen;
use crate::dkron::Volume;
use crate::names::{Slot, bit, place_of, set_of, slot_of};
use crate::world::{Event, World};

use super::Kind;

/// Between two liveness probes, milliseconds.
const LIVENESS: u64 = 10_000;
/// Probes that have to fail one after another.
const FAILURES: u32 = 3;

impl World {
    fn is_pod(&self, slot: Slot, uid: u32) -> bool {
        self.pods[slot].as_ref().is_some_and(|pod| pod.uid == uid)
    }

    /// The container of pod `uid` is started.
    pub fn container_starts(&mut self, slot: Slot, uid: u32) {
        let starts = |pod: &&mut super::Pod| pod.uid == uid && !pod.running && pod.deadline.is_none();
        let Some(pod) = self.pods[slot].as_mut().filter(starts) else { return };
        pod.running = true;
        pod.unhealthy = 0;
        pod.stop_by = None;
        let kind = pod.kind;
        self.note(|| format!("container {slot} starts: {kind:?}"));
        match kind {
            Kind::Plain => {
                self.seen.count(Seen::PlainPod);
                let flags = self.users_flags(slot);
                self.volumes[slot].unwatched = true;
                self.start_dkron(slot, flags);
            }
            Kind::Wrapped | Kind::Foreign => {
                if kind == Kind::Foreign {
                    self.seen.count(Seen::ForeignPod);
                }
                self.start_wrapper(slot);
                self.after(LIVENESS, Event::Probe { slot: slot as u8, uid });
            }
        }
        self.desired_changes(set_of(slot));
    }

    /// TERM reaches PID 1 of the container.
    pub fn container_is_stopped(&mut self, slot: Slot, uid: u32) {
        if !self.is_pod(slot, uid) {
            return;
        }
        if let Some(pod) = self.pods[slot].as_mut() {
            pod.stop_by = pod.stop_by.or(pod.deadline);
        }
        if self.pods[slot].as_ref().is_some_and(|pod| pod.kind == Kind::Plain) {
            self.unannounced_at[set_of(slot)] = self.now;
            self.term_dkron(slot);
        } else {
            self.stop_wrapper(slot);
        }
    }

    /// TERM to the container of a pod that stays, KILL after the grace period.
    pub fn stop_container(&mut self, slot: Slot) {
        let grace = self.params.grace * 1_000;
        let now = self.now;
        let Some(pod) = self.pods[slot].as_mut().filter(|pod| pod.running && pod.stop_by.is_none()) else { return };
        pod.stop_by = Some(now + grace);
        let uid = pod.uid;
        self.note(|| format!("container {slot} is stopped"));
        self.after(grace, Event::Deadline { slot: slot as u8, uid });
        self.container_is_stopped(slot, uid);
    }

    /// The grace period of a pod or its container is over.
    pub fn deadline(&mut self, slot: Slot, uid: u32) {
        let now = self.now;
        let due = |at: Option<u64>| at.is_some_and(|at| at <= now);
        let over = self.pods[slot].as_ref().is_some_and(|pod| pod.uid == uid && pod.running && due(pod.stop_by));
        if over {
            self.seen.count(Seen::GraceUsedUp);
            self.note(|| format!("the grace period of {slot} is over"));
            self.container_ends(slot);
        }
    }

    /// PID 1 of the container is gone, and all else in it.
    pub fn container_ends(&mut self, slot: Slot) {
        self.wrappers[slot] = None;
        if self.dkron[slot].is_some() {
            self.dkron_ends(slot, 137);
        }
        let Some(pod) = self.pods[slot].as_mut() else { return };
        pod.running = false;
        pod.stop_by = None;
        let (uid, deleted, restarts) = (pod.uid, pod.is_deleted(), pod.restarts);
        pod.restarts += 1;
        if deleted {
            let time = self.random.between(100, 600);
            self.after(time, Event::PodGone { slot: slot as u8, uid });
        } else {
            let pause = if restarts == 0 { self.random.between(200, 900) } else { 10_000 << (restarts - 1).min(3) };
            self.after(pause, Event::Container { slot: slot as u8, uid });
        }
    }

    /// The pod is gone.
    pub fn pod_goes(&mut self, slot: Slot, uid: u32) {
        if !self.is_pod(slot, uid) {
            return;
        }
        self.wrappers[slot] = None;
        self.dkron[slot] = None;
        let Some(pod) = self.pods[slot].take() else { return };
        self.network.give_back(pod.ip);
        self.note(|| format!("pod {slot} is gone"));
        if self.params.ephemeral || pod.disk_goes {
            self.lose_disk(slot);
        }
        self.desired_changes(set_of(slot));
    }

    /// The disk of a place is lost; its next pod has an empty one.
    pub fn lose_disk(&mut self, slot: Slot) {
        let volume = &mut self.volumes[slot];
        let genesis = volume.log.genesis;
        let lost = volume.lost || genesis != 0;
        *volume = Volume { lost, ..Volume::default() };
        if genesis == 0 {
            return;
        }
        let cluster = self.clusters[genesis as usize - 1];
        let holds = |place: &usize| self.volumes[slot_of(cluster.set, *place)].log.end() >= cluster.committed;
        let left = cluster.servers.places().filter(holds).count() as u32;
        let voters = cluster.servers.voters.count_ones();
        // A committed entry is on a majority of the disks; it has to survive the loss of a minority.
        self.clusters[genesis as usize - 1].dead |=
            left + (voters - cluster.servers.majority()) < cluster.servers.majority();
    }

    /// The kubelet asks the liveness probe, and stops what fails it.
    pub fn probe_liveness(&mut self, slot: Slot, uid: u32) {
        if !self.is_pod(slot, uid) {
            return;
        }
        let now = self.now;
        let lives = self.wrappers[slot].as_ref().is_none_or(|wrapper| wrapper.is_live(slot, now));
        let Some(pod) = self.pods[slot].as_mut().filter(|pod| pod.running) else { return };
        pod.unhealthy = if lives { 0 } else { pod.unhealthy + 1 };
        if pod.unhealthy >= FAILURES {
            pod.unhealthy = 0;
            self.seen.count(Seen::LivenessKill);
            self.stop_container(slot);
        }
        self.after(LIVENESS, Event::Probe { slot: slot as u8, uid });
    }

    /// What a plain manifest gives to dkron.
    fn users_flags(&self, slot: Slot) -> crate::dkron::Flags {
        let set = set_of(slot);
        let size = self.sets[set].size;
        let others = Self::places(set).take(size).filter(|other| bit(*other) != bit(slot) || place_of(*other) == 0);
        let join = others.map(crate::dkron::Target::Name).collect();
        crate::dkron::Flags { join, expect: size as u32 }
    }
}
