//! A model of Kubernetes: a StatefulSet's controller, the kubelet, and what the label updater writes of both.

mod controller;
mod desired;
mod kubelet;

pub use controller::Roll;

use crate::dkron::{Process, Stage};
use crate::driver::clock;
use crate::invariants::LOOK;
use crate::names::{Ip, Slot, place_of, set_of, slot_of};
use crate::world::World;

/// The longest time until a wrapper knows what the label updater tells: 1.2 s to write it and 0.9 s to read it.
pub const NEWS: u64 = 2_100;
/// Of that, until the wrapper has read what was written.
const READ: u64 = 900;

/// What runs in a pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// dkron with the wrapper.
    #[default]
    Wrapped,
    /// dkron with a wrapper that speaks another protocol.
    Foreign,
    /// dkron alone, as its manifest has it.
    Plain,
}

/// A pod.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Its UID.
    pub uid: u32,
    /// Its address.
    pub ip: Ip,
    /// When it was made.
    pub born: u64,
    /// When DNS begins to know it.
    pub named_at: u64,
    /// What runs in it.
    pub kind: Kind,
    /// When it is killed, once it is being deleted.
    pub deadline: Option<u64>,
    /// When its running container is killed, once that is being stopped.
    pub stop_by: Option<u64>,
    /// Its container runs.
    pub running: bool,
    /// How often its container was started again.
    pub restarts: u32,
    /// Its label updater is dead until then.
    pub updater_dead_until: u64,
    /// When the wrapper reads what was written of `desired.json` last.
    pub read_at: u64,
    /// A write of `desired.json` is on its way.
    pub write_due: bool,
    /// The file and when it was written: it outlives the container.
    pub desired: Option<(dkron_ha::init::procedure::Desired, u64)>,
    /// The annotation `dkron-ha.io/formed`.
    pub formed: bool,
    /// Its disk is lost with it.
    pub disk_goes: bool,
    /// Liveness probes that failed one after another.
    pub unhealthy: u32,
}

impl Pod {
    /// It is being deleted.
    pub fn is_deleted(&self) -> bool {
        self.deadline.is_some()
    }
}

/// A StatefulSet.
#[derive(Clone, Debug)]
pub struct Set {
    /// `spec.replicas`.
    pub replicas: usize,
    /// Servers of the first bootstrap, as the manifests were stamped.
    pub size: usize,
    /// First ordinal.
    pub first: usize,
    /// UID; zero: there is no such set.
    pub uid: u32,
    /// It is being deleted.
    pub deleting: bool,
    /// It is deleted without its pods.
    pub orphaned: bool,
    /// When it was made again, and took its pods over.
    pub adopted_at: u64,
    /// It is made again with so many replicas.
    pub made_with: Option<usize>,
    /// `OrderedReady`.
    pub ordered: bool,
    /// It is made anew then.
    pub anew_at: u64,
    /// A rolling restart is under way.
    pub roll: Option<Roll>,
    /// One of its servers has led.
    pub ever_led: bool,
    /// Of a server that was to found its cluster others may not know whether it has.
    pub founder_lost: bool,
    /// What new pods run.
    pub kinds: [Kind; crate::names::PLACES],
    /// No pod is made at these places before these times: their node is down.
    pub down_until: [u64; crate::names::PLACES],
}

impl Set {
    /// A set of `size` servers.
    pub fn new(size: usize, first: usize, ordered: bool, uid: u32) -> Self {
        Self {
            replicas: size,
            size,
            first,
            uid,
            deleting: false,
            orphaned: false,
            adopted_at: 0,
            made_with: None,
            ordered,
            anew_at: 0,
            roll: None,
            ever_led: false,
            founder_lost: false,
            kinds: [Kind::Wrapped; crate::names::PLACES],
            down_until: [0; crate::names::PLACES],
        }
    }
}

impl World {
    /// Whether Kubernetes wants a server at this place.
    pub fn is_wanted(&self, slot: Slot) -> bool {
        let set = &self.sets[set_of(slot)];
        set.uid != 0 && !set.deleting && place_of(slot) < set.replicas
    }

    /// The pod at this place is there, its container runs and its probe says ready.
    pub fn is_ready(&self, slot: Slot) -> bool {
        let Some(pod) = self.pods[slot].as_ref().filter(|pod| pod.running && !pod.is_deleted()) else { return false };
        match pod.kind {
            Kind::Plain => self.leader_named_by(slot).is_some(),
            _ => self.wrappers[slot].as_ref().is_some_and(|wrapper| wrapper.is_ready(slot, self.now)),
        }
    }

    /// The places of a set that may have pods.
    pub fn places(set: usize) -> impl Iterator<Item = Slot> {
        let count = if set == 0 { crate::names::PLACES } else { crate::names::STRANGERS };
        (0..count).map(move |place| slot_of(set, place))
    }

    /// Kubernetes wants a server at this place, or has one still.
    pub fn is_there(&self, slot: Slot) -> bool {
        self.is_wanted(slot) || self.pods[slot].is_some()
    }

    /// Every pod of the set, and the set itself, is about to go.
    pub fn all_stop(&self, set: usize, but: Slot) -> bool {
        let wants_none = self.sets[set].replicas == 0 || self.sets[set].deleting && !self.sets[set].orphaned;
        wants_none
            || Self::places(set).filter(|slot| *slot != but).all(|slot| {
                self.is_going(slot)
                    || !self.knows(but, slot)
                    || self.is_idle(but, slot)
                    || self.is_unheard_of(but, slot)
            })
    }

    /// The wrapper at `slot` was ever told of the pod at `other`: without a label updater it is not told of those that were added.
    fn knows(&self, slot: Slot, other: Slot) -> bool {
        let pod = &self.names.nodes[place_of(other)];
        self.wrappers[slot].as_ref().is_none_or(|wrapper| {
            wrapper.procedure.peers(clock(slot, self.now)).iter().any(|(peer, _)| peer.pod == *pod)
        })
    }

    /// Its pod was made while the two were cut off, or its dkron, whose name nobody has asked for since, is just entering gossip; and no word
    /// of Kubernetes has told of it since.
    fn is_unheard_of(&self, but: Slot, slot: Slot) -> bool {
        let Some(born) = self.pods[slot].as_ref().map(|pod| pod.born) else { return false };
        let cut_off = !self.reaches(but, slot) && self.network.parted_at < born;
        let entry = self.shown_by(but, slot);
        let enters = |process: &Process| process.stage < Stage::Serving;
        let unmet =
            self.dkron[slot].as_ref().is_none_or(enters) && entry.is_none_or(|entry| self.now < entry.stamp + LOOK);
        self.is_untold(but, slot) && (cut_off || unmet && self.network.is_nameless(slot))
    }

    /// No word of Kubernetes that `but` has read is from after the pod at `slot` was made.
    pub fn is_untold(&self, but: Slot, slot: Slot) -> bool {
        let Some(born) = self.pods[slot].as_ref().map(|pod| pod.born) else { return false };
        let desired = self.pods[but].as_ref().and_then(|pod| pod.desired.as_ref());
        let unread = |written: u64| self.now < born + NEWS && self.now < written + READ;
        desired.is_none_or(|(_, written)| *written < born || unread(*written))
    }

    /// Nobody wants it any more, and it runs no raft, or `but` does not reach it.
    fn is_idle(&self, but: Slot, slot: Slot) -> bool {
        !(self.is_wanted(slot) || self.runs_raft(slot) && self.reaches(but, slot))
    }

    /// Nothing that could serve is at this place, or it is on its way out.
    fn is_going(&self, slot: Slot) -> bool {
        let stops = self.wrappers[slot].as_ref().is_some_and(|wrapper| wrapper.stopping);
        // Word of a new pod takes its time.
        self.pods[slot]
            .as_ref()
            .is_none_or(|pod| !pod.running || pod.is_deleted() || stops || self.now < pod.born + NEWS)
    }
}
