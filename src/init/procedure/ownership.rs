//! Whose the disk is: what the marker on it says, what it is to say, and whether a cluster that somebody leads is the same one.

use super::facts::Facts;
use super::input::{Marker, Me};
use super::moment::Moment;
use super::peer::Peer;
use super::state::{Disk, Leader, Name, Owner, Phase, State, lists};

impl Me {
    /// That is the namespace and the cluster of this server.
    fn is_of_the_home_of(&self, owner: &Owner) -> bool {
        owner.namespace == self.namespace && owner.cluster == self.cluster
    }
}

/// Nothing was ever on the disk, for all that its own marker says: at most others held the cluster.
pub fn tells_of_others(marker: &Marker, me: &Me) -> bool {
    marker.members.is_empty() && me.is_of_the_home_of(&marker.owner)
}

impl Facts {
    /// A reason why the disk is not this cluster's, or cannot be told to be.
    pub fn disk_of_another(&self, now: Moment) -> Option<String> {
        let owner = &self.marker.as_ref()?.owner;
        if !self.me.is_of_the_home_of(owner) {
            return Some(format!("{}/{}", owner.namespace, owner.cluster));
        }
        let (its, ours) = (owner.set_uid.as_ref()?, self.set_uid()?);
        if its == ours || owner.former.contains(ours) {
            return None;
        }
        // The set was deleted and made again with its volumes, where nobody's marker tells of a third set.
        let others = self.peers.values().filter_map(|peer| peer.wrapper(now)?.owner.as_ref());
        let mut own: Vec<&Name> = owner.lineage().collect();
        // Who came later knows the present set alone, and is related through those who know both.
        let mut conflicting: Vec<&Owner> = others.filter(|other| other.set_uid.is_some()).collect();
        while let Some(related) = conflicting.iter().position(|other| other.lineage().any(|uid| own.contains(&uid))) {
            own.extend(conflicting.swap_remove(related).lineage());
        }
        conflicting
            .first()
            .map(|other| format!("set {its}, while others hold that of {}", text(other.set_uid.as_ref())))
    }

    /// The marker as it is to be, from the configuration that was read last.
    pub fn marker_to_be(&self) -> Option<Marker> {
        let members = &self.raft.as_ref()?.servers;
        if members.is_empty() {
            return None;
        }
        let known = self.marker.as_ref().map(|marker| &marker.owner);
        let set_uid = self.set_uid().or_else(|| known?.set_uid.as_ref()).cloned();
        let mut former = known.map(|owner| owner.former.clone()).unwrap_or_default();
        let before = known.and_then(|owner| owner.set_uid.clone()).filter(|before| Some(before) != set_uid.as_ref());
        for uid in before.into_iter().chain(self.former.iter().cloned()).chain(self.lineage_of_others()) {
            if Some(&uid) != set_uid.as_ref() && !former.contains(&uid) {
                former.push(uid);
            }
        }
        let known = || self.own_founding().or_else(|| self.founding());
        let founding = self.founding_of_leader().or_else(known).cloned();
        let (namespace, cluster) = (self.me.namespace.clone(), self.me.cluster.clone());
        let owner = Owner { namespace, cluster, set_uid, former, founding };
        let marker = Marker { owner, members: members.clone(), elsewhere: Vec::new() };
        (self.marker.as_ref() != Some(&marker)).then_some(marker)
    }

    /// The marker of a disk on which dkron has begun and raft has nothing, where `peer` has, or has no longer: this server, started when
    /// that one is gone, would found another cluster.
    pub fn marker_of_others(&self, peer: &Peer, now: Moment) -> Option<Marker> {
        let begun = match self.disk {
            Disk::Empty => self.own.is_some(),
            Disk::Unknown => true,
            Disk::State => false,
        };
        let (pod, disk) = (&peer.name.pod, peer.wrapper(now)?.disk);
        let is_news = match disk {
            Disk::State => !self.elsewhere.contains(pod),
            Disk::Empty => self.elsewhere.contains(pod),
            Disk::Unknown => false,
        };
        if !begun || !is_news || self.marker.is_some() {
            return None;
        }
        let (namespace, cluster) = (self.me.namespace.clone(), self.me.cluster.clone());
        let owner = Owner { namespace, cluster, set_uid: self.set_uid().cloned(), former: Vec::new(), founding: None };
        let others = self.elsewhere.iter().filter(|other| *other != pod);
        let elsewhere = others.chain(Some(pod).filter(|_| disk == Disk::State)).cloned().collect();
        Some(Marker { owner, members: Vec::new(), elsewhere })
    }

    /// A server that held the cluster, is none of the `first`, and is not there to say what became of it.
    pub fn held_elsewhere(&self, first: &[&Name], now: Moment) -> Option<&Name> {
        let silent = |pod: &Name| self.peers.get(pod).is_none_or(|peer| peer.wrapper(now).is_none());
        self.elsewhere.iter().find(|pod| !first.contains(pod) && silent(pod))
    }

    /// The marker as it is to be when the leader has taken the own entry out of the configuration that was read of it.
    pub fn marker_without_own(&self) -> Option<Marker> {
        let mut marker = self.marker.clone()?;
        // Read of the leader before or after that.
        let read = self.readings.values().filter(|reading| !reading.servers.is_empty());
        marker.members.clone_from(&read.max_by_key(|reading| reading.at)?.servers);
        marker.members.retain(|server| !self.is_own(server));
        Some(marker)
    }

    /// The last configuration has the own server alone.
    pub fn is_sole(&self) -> bool {
        self.marker.as_ref().is_some_and(|marker| self.is_alone_in(&marker.members))
    }

    /// What the leader calls it, whom this server follows as one of its servers: all have one name in the end.
    fn founding_of_leader(&self) -> Option<&Name> {
        let leader = self.own_leader().filter(|leader| leader.name != self.me.node)?;
        self.raft.as_ref()?.servers.iter().find(|server| self.is_own(server))?;
        founding_of(self.peer_of(&leader.name)?)
    }

    /// What the others of the own raft cluster call its founding, also those who have not heard yet who leads now; the first leader of all,
    /// and whoever is surely of what it leads, as its founders were told.
    fn founding(&self) -> Option<&Name> {
        let own = || self.to_be_founded.as_ref().filter(|_| self.is_of_the_founded());
        self.owners_of_others(|_| true).find_map(|owner| owner.founding.as_ref()).or_else(own)
    }

    /// Raft has what this server was last started to found: it leads as the first of all, it has founded it alone, or it follows one that held
    /// nothing a moment ago and was told the same.
    fn is_of_the_founded(&self) -> bool {
        let Some(raft) = &self.raft else { return false };
        let first = self.founded == Some(true) && self.leads();
        // Later it may be the last one of what others founded.
        let alone = self.marker.is_none() && self.is_alone_in(&raft.servers);
        let told = |state: &State| state.disk == Disk::Empty && state.founding == self.to_be_founded;
        // An older word may be that of an earlier life, which called it otherwise.
        let founder = |leader: &Leader| self.peer_of(&leader.name)?.wrapper(raft.at).map(told);
        let follows =
            || raft.of_leader && self.is_among(&raft.servers) && self.own_leader().and_then(founder) == Some(true);
        first || alone || follows()
    }

    /// What others are told that the cluster is called which is to be founded, until raft has it; by the name that dkron was started with.
    pub fn name_for_others(&self, founds: bool) -> Option<&Name> {
        let told = if founds { &self.to_be_founded } else { &self.me.founding };
        told.as_ref().filter(|_| !self.formed || founds && self.disk == Disk::Empty)
    }

    /// What the own disk calls it.
    fn own_founding(&self) -> Option<&Name> {
        self.marker.as_ref()?.owner.founding.as_ref()
    }

    /// The leader's cluster was founded another time than that of the own disk.
    pub fn was_founded_apart_from(&self, leader: &Leader, now: Moment) -> bool {
        self.own_founding().zip(self.founding_under(leader, now)).is_some_and(|(own, its)| own != its)
    }

    /// The leader's cluster is surely that of the own disk.
    pub fn was_founded_with(&self, leader: &Leader, now: Moment) -> bool {
        let own = self.own_founding();
        own.is_some() && own == self.founding_under(leader, now)
    }

    /// The own disk has this server alone, nobody tells what the leader's cluster is, and none of it has ever met this server.
    pub fn may_be_apart_from(&self, leader: &Leader, now: Moment) -> bool {
        let met = |peer: &Peer| peer.leader(now).is_some() && peer.member(now, &self.me.node).is_some();
        self.is_sole() && self.is_founding_untold(leader, now) && !self.peers.values().any(met)
    }

    /// Whether somebody leads another cluster than that of the own disk, or perhaps another; `None` where that is not told.
    pub fn stands_apart(&self, now: Moment) -> Option<bool> {
        let (leader, _) = self.leader(now)?;
        let apart = self.was_founded_apart_from(leader, now) || self.may_be_apart_from(leader, now);
        (apart || self.was_founded_with(leader, now)).then_some(apart)
    }

    /// What the leader calls the founding of its cluster, or where it has not said that, somebody who follows it.
    fn founding_under(&self, leader: &Leader, now: Moment) -> Option<&Name> {
        let follows = |peer: &&Peer| peer.leader(now).is_some_and(|named| named.name == leader.name);
        let by_others = || self.peers.values().filter(follows).find_map(founding_of);
        self.peer_of(&leader.name).and_then(founding_of).or_else(by_others)
    }

    /// Servers that have the disk of a cluster that was founded another time, by its last word: that it is away for a moment decides nothing.
    /// Not one that only waits for a person, since its cluster has servers of this one, which has not it; nor one that nobody brings back.
    pub fn are_founded_apart(&self, now: Moment) -> impl Iterator<Item = &Peer> {
        let own = |node: &Name| self.marker.as_ref().is_some_and(|marker| lists(&marker.members, node));
        let waits = move |peer: &Peer| {
            let state = peer.state.as_ref().filter(|state| !state.up && !own(&state.node));
            state.is_some_and(|state| state.raft.iter().flatten().any(|server| own(&server.id)))
        };
        let comes = move |peer: &Peer| peer.wrapper(now).is_some() || !self.is_surplus(now, &peer.name.pod);
        self.peers.values().filter(move |peer| self.is_of_another_founding(peer) && comes(peer) && !waits(peer))
    }

    /// By what its disk calls the founding, its configuration may be a later one of the own cluster; where the own disk has this server alone,
    /// that has to be said.
    pub fn may_go_on_with(&self, peer: &Peer) -> bool {
        match (self.own_founding(), founding_of(peer)) {
            (Some(own), Some(its)) => own == its,
            (Some(_), None) => !self.is_sole(),
            (None, _) => true,
        }
    }

    /// The own disk has the name of its founding, and nobody tells that of the leader's cluster.
    pub fn is_founding_untold(&self, leader: &Leader, now: Moment) -> bool {
        self.own_founding().is_some() && self.founding_under(leader, now).is_none()
    }

    /// Servers run that hold clusters of two foundings.
    pub fn run_apart(&self, now: Moment) -> bool {
        let states = self.peers.values().filter_map(|peer| peer.wrapper(now));
        let run = states.filter(|state| state.disk == Disk::State && (state.up || state.phase == Phase::Starting));
        let mut foundings = run.filter_map(|state| state.owner.as_ref()?.founding.as_ref());
        let first = foundings.next();
        foundings.any(|founding| Some(founding) != first)
    }

    /// What its disk is of, by its last word, was founded another time than what the own disk is of.
    pub fn is_of_another_founding(&self, peer: &Peer) -> bool {
        self.own_founding().zip(founding_of(peer)).is_some_and(|(own, its)| own != its)
    }

    /// Sets that the others of the own raft cluster, who follow the same leader, belonged to.
    fn lineage_of_others(&self) -> impl Iterator<Item = Name> {
        let follows = |state: &State| state.leader.is_some() && state.leader.as_ref() == self.own_leader();
        self.owners_of_others(follows).flat_map(Owner::lineage).cloned()
    }

    /// Whose disks those of the own raft configuration have that `counts`.
    fn owners_of_others(&self, counts: impl Fn(&State) -> bool) -> impl Iterator<Item = &Owner> {
        let states = self.peers.values().filter_map(|peer| peer.state.as_ref()).filter(move |state| counts(state));
        // Each has the other, and itself: a disk from before may list who is of another cluster by now.
        let states =
            states.filter(|state| !state.is_out() && state.configuration().is_some_and(|raft| self.is_among(raft)));
        let owners = states.filter(|state| self.raft_has(&state.node)).filter_map(|state| state.owner.as_ref());
        owners.filter(|owner| self.me.is_of_the_home_of(owner))
    }
}

/// What the disk of a peer calls the founding of its cluster, by its last word.
fn founding_of(peer: &Peer) -> Option<&Name> {
    peer.state.as_ref()?.owner.as_ref()?.founding.as_ref()
}

fn text(name: Option<&Name>) -> &str {
    name.map_or("an unknown set", |name| name)
}
