//! How a server leaves: raft stops first, then serf says goodbye, then the request is answered; the process lives on.

use crate::coverage::Seen;
use crate::names::{Slot, bit, place_of};
use crate::world::World;

use super::serf::Standing;
use super::{Stage, Step};

impl World {
    /// `POST /v1/leave`; says whether dkron takes it.
    pub fn leave(&mut self, slot: Slot) -> bool {
        let serves = |stage: Stage| stage >= Stage::Serving;
        let taken = self.dkron[slot].as_ref().is_some_and(|process| serves(process.stage) && !process.leaving);
        if taken {
            self.seen.count(Seen::Leave);
            if self.network.state_cut & bit(slot) != 0 && self.pods[slot].as_ref().is_some_and(|pod| !pod.is_deleted())
            {
                self.unheard_at[slot] = self.now;
            }
            self.begin_leave(slot);
            let time = self.random.between(1_450, 1_850);
            self.dkron_in(time, slot, Step::LeaveAnswered);
        }
        taken
    }

    /// What a leave does, whoever asked for it.
    pub fn begin_leave(&mut self, slot: Slot) {
        self.raft_stops(slot);
        if let Some(process) = self.dkron[slot].as_mut() {
            process.leaving = true;
        }
        let intent = self.random.between(20, 120);
        let left = self.random.between(350, 700);
        self.dkron_in(intent, slot, Step::Intent);
        self.dkron_in(intent + left, slot, Step::Left);
    }

    /// The intent to leave goes out.
    pub fn say_leaving(&mut self, slot: Slot) {
        self.stand(slot, Standing::Leaving);
    }

    /// The member has left.
    pub fn serf_leaves(&mut self, slot: Slot) {
        self.stand(slot, Standing::Left);
        self.spread(slot);
        if let Some(process) = self.dkron[slot].as_mut() {
            process.serf.running = false;
        }
    }

    fn stand(&mut self, slot: Slot, standing: Standing) {
        let now = self.now;
        let Some(process) = self.dkron[slot].as_mut().filter(|process| process.serf.running) else { return };
        let own = &mut process.serf.view[place_of(slot)];
        own.standing = standing;
        own.stamp = now;
        process.serf.has_news = true;
    }

    /// The request is answered.
    pub fn leave_ends(&mut self, slot: Slot) {
        self.wrapper_hears_leave(slot, true);
    }
}
