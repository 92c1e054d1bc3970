//! Who leads, and by whose word.

use std::net::SocketAddr;

use super::facts::Facts;
use super::moment::Moment;
use super::peer::Peer;
use super::state::Leader;

impl Facts {
    /// The leader that peers name, if it is another server, and whether its address is surely the leader's.
    pub fn leader(&self, now: Moment) -> Option<(&Leader, bool)> {
        let claims = self.peers.values().filter_map(|peer| Some((peer, peer.leader(now)?)));
        let believed = claims.filter(|(_, leader)| leader.name != self.me.node && !self.is_denied(now, leader));
        let (_, leader) = believed.max_by_key(|(peer, leader)| {
            // Who says it of itself knows best.
            peer.dkron(now).is_some_and(|view| view.leads) && self.pod_of(&leader.name) == &*peer.name.pod
        })?;
        Some((leader, self.is_sure_of(now, leader)))
    }

    /// The peer that leads, where its address is surely the leader's.
    pub fn sure_leader(&self, now: Moment) -> Option<&Peer> {
        let (leader, _) = self.leader(now).filter(|(_, sure)| *sure)?;
        self.peer_of(&leader.name)
    }

    /// The named leader's own wrapper says that its dkron does not serve.
    fn is_denied(&self, now: Moment, leader: &Leader) -> bool {
        self.peer_of(&leader.name).is_some_and(|peer| peer.wrapper(now).is_some_and(|state| !state.up))
    }

    fn is_sure_of(&self, now: Moment, leader: &Leader) -> bool {
        let address: Option<SocketAddr> = leader.rpc_addr.parse().ok();
        let sure = self.peer_of(&leader.name).and_then(|peer| peer.sure(now));
        address.is_some_and(|address| Some(address.ip()) == sure)
    }

    /// The leader that the own dkron names.
    pub fn own_leader(&self) -> Option<&Leader> {
        self.own.as_ref()?.leader.as_ref()
    }

    /// The own dkron or a peer names a leader.
    pub fn is_led(&self, now: Moment) -> bool {
        self.own_leader().is_some() || self.is_led_elsewhere(now)
    }

    /// A peer names a leader.
    pub fn is_led_elsewhere(&self, now: Moment) -> bool {
        self.peers.values().any(|peer| peer.leader(now).is_some())
    }

    /// The own dkron leads.
    pub fn leads(&self) -> bool {
        self.own.as_ref().is_some_and(|own| own.leads)
    }
}
