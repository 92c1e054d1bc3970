//! What dkron tells: its HTTP API and `raft list-peers`.

use dkron_ha::init::procedure::{Configuration, DkronView, Leader, Member, Server, Status};

use crate::names::{Slot, address, place_of, set_of, slot_of};
use crate::world::World;

use super::serf::Standing;
use super::{Servers, Stage};

impl World {
    /// What the HTTP API of the dkron at `slot` shows, read strictly; `None` while it does not answer.
    pub fn view_of(&self, slot: Slot) -> Option<DkronView> {
        let process = self.dkron[slot].as_ref().filter(|process| process.stage >= Stage::Serving)?;
        let view = &process.serf.view;
        let members = view.iter().enumerate().filter_map(|(place, entry)| {
            let status = match entry.standing {
                Standing::Unknown => return None,
                Standing::Alive => Status::Alive,
                Standing::Leaving => Status::Leaving,
                Standing::Left => Status::Left,
                Standing::Failed => Status::Failed,
            };
            Some(Member::new(self.names.nodes[place].clone(), address(entry.ip), status))
        });
        let members = members.collect();
        Some(DkronView { leader: self.leader_named_by(slot), leads: process.raft.leads, members })
    }

    /// The leader that the dkron at `slot` names: raft's leader, where serf has an alive member with that address.
    pub fn leader_named_by(&self, slot: Slot) -> Option<Leader> {
        let process = self.dkron[slot].as_ref().filter(|process| process.stage >= Stage::Serving)?;
        let leader = process.raft.leader.filter(|_| process.raft.running)?;
        let place = place_of(leader);
        let entry = &process.serf.view[place];
        let ip = self.dkron[leader].as_ref()?.ip;
        let named = entry.standing == Standing::Alive && entry.tagged && entry.ip == ip;
        named.then(|| Leader {
            name: self.names.nodes[place].clone(),
            rpc_addr: self.names.rpc[usize::from(ip)].clone(),
        })
    }

    /// `raft list-peers` at `slot`.
    pub fn raft_servers(&self, slot: Slot) -> Option<Configuration> {
        let process = self.dkron[slot].as_ref().filter(|process| process.raft.running)?;
        let servers = self.volumes[slot].log.servers;
        // It tells the leader by its address.
        let ip = |at: Slot| self.dkron[at].as_ref().map(|leader| leader.ip);
        let stands = |at: &Slot| servers.has(place_of(*at)) && ip(*at) == Some(servers.ips[place_of(*at)]);
        let leader = process.raft.leader.filter(stands).map(|at| self.names.nodes[place_of(at)].clone());
        Some(Configuration { servers: self.servers(&servers), leader })
    }

    /// A configuration as people see it.
    pub fn servers(&self, servers: &Servers) -> Vec<Server> {
        let server = |place: usize| Server {
            id: self.names.nodes[place].clone(),
            address: self.names.rpc[usize::from(servers.ips[place])].clone(),
            voter: true,
        };
        servers.places().map(server).collect()
    }

    /// Whether the dkron at `slot` hears its leader and stands in that leader's configuration.
    pub fn is_in(&self, slot: Slot) -> bool {
        self.leader_named_by(slot).is_some_and(|named| {
            let place = self.names.place(&named.name).unwrap_or_default();
            let leader = slot_of(set_of(slot), place);
            self.volumes[leader].log.servers.has(place_of(slot))
        })
    }
}
