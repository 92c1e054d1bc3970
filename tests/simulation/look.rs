//! What the edges see when they look: at the peers, address by address, and at the own dkron.

use std::net::IpAddr;

use dkron_ha::init::procedure::{Input, Look, Name, PROTOCOL, Told};

use crate::coverage::Seen;
use crate::driver::{Wrapper, clock};
use crate::kubernetes::Kind;
use crate::names::{Ip, Slot, address, bit, number, set_of, slot_of};
use crate::operate::may_have_founded;
use crate::world::World;

/// After this time an address that is silent is given up, milliseconds.
const SILENCE: u64 = 800;

impl World {
    /// Looks at all peers: `again` at the wrapper's pace, or because it asked for that.
    pub fn look_at_peers(&mut self, slot: Slot, life: u32, again: bool) {
        let (now, at) = (clock(slot, self.now), self.now);
        let due = |wrapper: &&mut Wrapper| wrapper.life == life && (!again || wrapper.peers_at.1 <= at);
        let Some(wrapper) = self.wrappers[slot].as_mut().filter(due) else { return };
        wrapper.peers_at = (at, u64::MAX);
        let peers = wrapper.procedure.peers(now);
        for (peer, known) in peers {
            let Some(place) = self.names.place(&peer.pod) else { continue };
            let Some(wrapper) = self.wrappers[slot].as_mut() else { return };
            if wrapper.looking & bit(place) == 0 {
                wrapper.looking |= bit(place);
                self.look_at_peer(slot, place, peer.pod, known);
            } else if !again {
                wrapper.look_again |= bit(place);
            }
        }
        self.keep_pace(slot);
    }

    /// A look is over; one that was asked for meanwhile begins.
    pub fn look_ends(&mut self, slot: Slot, pod: &Name) {
        let now = clock(slot, self.now);
        let Some(place) = self.names.place(pod) else { return };
        let Some(wrapper) = self.wrappers[slot].as_mut() else { return };
        wrapper.looking &= !bit(place);
        if wrapper.look_again & bit(place) == 0 {
            return;
        }
        wrapper.look_again &= !bit(place);
        wrapper.looking |= bit(place);
        let known = wrapper.procedure.peers(now).into_iter().find(|(peer, _)| peer.pod == *pod);
        self.look_at_peer(slot, place, pod.clone(), known.and_then(|(_, known)| known));
    }

    fn look_at_peer(&mut self, slot: Slot, place: usize, pod: Name, known: Option<IpAddr>) {
        let named = self.named(set_of(slot), place);
        let known = known.and_then(number).filter(|known| Some(*known) != named);
        let mut time = self.random.between(2, 25);
        let mut looks = Vec::with_capacity(1);
        for (ip, by_name) in named.map(|ip| (ip, true)).into_iter().chain(known.map(|ip| (ip, false))) {
            let look = self.look(slot, ip, by_name);
            let answers = matches!(look.wrapper, Told::Answer(_));
            if !answers && (look.dkron == Told::Silence || look.wrapper == Told::Silence) {
                time = SILENCE;
            }
            looks.push(look);
        }
        self.note_answers(slot, place, &pod, &looks);
        let looks = if looks.is_empty() { Err(self.names.failed.clone()) } else { Ok(looks) };
        let asked = clock(slot, self.now).at;
        self.wrapper_hears(slot, time, Input::Looked { pod, asked, looks });
    }

    /// What the wrapper at `slot` may know from now on, for the checker.
    fn note_answers(&mut self, slot: Slot, place: usize, pod: &Name, looks: &[Look]) {
        let holds = |look: &Look| {
            let there = number(look.ip).and_then(|ip| self.slot_at(ip)).filter(|there| set_of(*there) == set_of(slot));
            let answers = matches!(look.wrapper, Told::Answer(_)) || matches!(look.dkron, Told::Answer(_));
            let formed = matches!(&look.wrapper, Told::Answer(state) if state.formed);
            answers && (formed || there.is_some_and(|there| !self.volumes[there].log.is_empty()))
        };
        let heard = looks.iter().any(holds);
        let answer = looks.iter().find_map(|look| match &look.wrapper {
            Told::Answer(state) if state.pod == *pod => Some(may_have_founded(state)),
            _ => None,
        });
        if let Some(unclear) = answer {
            self.unclear[slot] = self.unclear[slot] & !bit(place) | if unclear { bit(place) } else { 0 };
        }
        if let Some(wrapper) = self.wrappers[slot].as_mut() {
            wrapper.has_heard |= heard;
        }
    }

    fn named(&mut self, set: usize, place: usize) -> Option<Ip> {
        let slot = slot_of(set, place);
        if slot < self.pods.len() { self.resolve(slot) } else { None }
    }

    fn look(&mut self, from: Slot, ip: Ip, by_name: bool) -> Look {
        let at: IpAddr = address(ip);
        let silent = Look { ip: at, by_name, wrapper: Told::Silence, dkron: Told::Silence };
        let Some(there) = self.slot_at(ip).filter(|there| self.reaches(from, *there)) else { return silent };
        if set_of(there) != set_of(from) {
            self.seen.count(Seen::Stranger);
        }
        let foreign = |at: Slot| self.pods[at].as_ref().is_some_and(|pod| pod.kind == Kind::Foreign);
        let wrapper = match &self.wrappers[there] {
            _ if self.network.are_mute(from, there) => Told::Silence,
            Some(wrapper) => {
                let mut state = wrapper.procedure.state(clock(there, self.now));
                // Two of the same kind understand each other.
                state.protocol += u32::from(foreign(there) != foreign(from));
                let foreign = state.protocol != PROTOCOL;
                let dkron = self.view_of(there).filter(|_| foreign).map_or(Told::Silence, Told::Answer);
                return Look { ip: at, by_name, wrapper: Told::Answer(state), dkron };
            }
            None => Told::Nobody,
        };
        let dkron = self.view_of(there).map_or(Told::Nobody, Told::Answer);
        Look { ip: at, by_name, wrapper, dkron }
    }

    /// Looks at the own dkron: `again` at the wrapper's pace, or because it asked for that.
    pub fn look_at_own(&mut self, slot: Slot, life: u32, again: bool) {
        let at = self.now;
        let due = |wrapper: &&mut Wrapper| wrapper.life == life && (!again || wrapper.own_at.1 <= at);
        let Some(wrapper) = self.wrappers[slot].as_mut().filter(due) else { return };
        wrapper.own_asked &= again;
        wrapper.own_at = (at, u64::MAX);
        let view = self.view_of(slot);
        self.feed(slot, Input::Own(view));
    }
}
