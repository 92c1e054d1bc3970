//! Everything that is known, and what follows from it without deciding anything.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::input::{Desired, DkronView, Look, Marker, Me, Outcome, PeerName, address_of};
use super::moment::Moment;
use super::ownership::tells_of_others;
use super::peer::Peer;
use super::state::{Disk, Member, Name, Server};

/// `desired.json` of this age says nothing any more.
const DESIRED_HOLDS: Duration = Duration::from_secs(30);

/// Time to hear from every peer what it is about to do.
pub const HEARING: Duration = Duration::from_secs(1);

/// Ordinals behind those of the first bootstrap that are looked for too: without `desired.json` nothing else tells of servers
/// that were added since.
const BEYOND: u32 = 2;

/// A raft configuration that some dkron told.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Its servers.
    pub servers: Vec<Server>,
    /// When it was told.
    pub at: Moment,
    /// By the leader that the own dkron follows.
    pub of_leader: bool,
}

/// What one server knows.
#[derive(Debug)]
pub struct Facts {
    /// What never changes.
    pub me: Me,
    /// The other servers by the names of their pods.
    pub peers: BTreeMap<Name, Peer>,
    /// What Kubernetes wants, and when that was written.
    desired: Option<(Desired, Moment)>,
    /// When something new was heard of that: what peers are was judged by the word before, until they are looked at again.
    pub news_since: Moment,
    /// UIDs that the own set had before, in this life or by the own disk: it was orphaned and adopted by another one of its name.
    pub former: Vec<Name>,
    /// The own dkron, while its API answers.
    pub own: Option<DkronView>,
    /// The raft configuration of the own cluster, since dkron was started.
    pub raft: Option<Reading>,
    /// What the own raft has as it was read while nobody led, unless dkron was started again since: it goes on with that.
    pub own_raft: Option<Vec<Server>>,
    /// When the own raft was last read to follow somebody else, whatever gossip shows of that one.
    pub followed: Option<Moment>,
    /// Raft configurations of others, by the address that was asked.
    pub readings: BTreeMap<SocketAddr, Reading>,
    /// What the own disk holds.
    pub disk: Disk,
    /// The marker on it, unless that tells of others alone.
    pub marker: Option<Marker>,
    /// Pods whose servers held a cluster, in this life or an earlier one, of which the own disk holds nothing.
    pub elsewhere: Vec<Name>,
    /// A leader was heard of, in this life or an earlier one.
    pub formed: bool,
    /// Somebody has held a cluster, in this life or an earlier one.
    pub held: bool,
    /// A peer has said of itself that it has heard of a leader or of somebody who holds the cluster.
    pub formed_elsewhere: bool,
    /// Whether the first leader that was ever heard of was this server, started to found a cluster; `None` before there was one.
    pub founded: Option<bool>,
    /// What the cluster is called that this server was last started to found with others: the same for all of them.
    pub to_be_founded: Option<Name>,
    /// Since when the own server has been a voter that knows its leader.
    pub voter_since: Option<Moment>,
    /// Since when the own dkron has seen each member as it sees it now.
    pub seen: BTreeMap<Name, (Member, Moment)>,
    /// When it has seen each alive that it had seen gone, or elsewhere, before.
    pub rejoined: BTreeMap<Name, Moment>,
}

impl Facts {
    /// What is known at the beginning.
    pub fn new(me: Me) -> Self {
        let marker = me.marker.clone().filter(|marker| !tells_of_others(marker, &me));
        let mut facts = Self {
            peers: BTreeMap::new(),
            desired: None,
            news_since: Moment(0),
            former: marker.iter().flat_map(|marker| marker.owner.lineage().cloned()).collect(),
            own: None,
            raft: None,
            own_raft: None,
            followed: None,
            readings: BTreeMap::new(),
            disk: me.disk,
            formed: marker.is_some(),
            founded: marker.as_ref().map(|_| false),
            marker,
            elsewhere: me.marker.iter().flat_map(|marker| marker.elsewhere.clone()).collect(),
            // Nobody writes one before somebody has held a cluster.
            held: me.marker.is_some(),
            formed_elsewhere: false,
            to_be_founded: None,
            voter_since: None,
            seen: BTreeMap::new(),
            rejoined: BTreeMap::new(),
            me,
        };
        for name in facts.me.peers.clone() {
            facts.meet(name);
        }
        facts
    }

    /// Takes in a look at a peer.
    pub fn look(&mut self, (asked, now): (Moment, Moment), pod: &Name, looks: Outcome<Vec<Look>>) {
        let pods = young(self.desired.as_ref(), now).map_or(&[][..], |desired| &desired.pods);
        let set_uid = self.desired.as_ref().map(|(desired, _)| &desired.set_uid);
        let Some(peer) = self.peers.get_mut(pod) else { return };
        peer.note((asked, now), looks, &self.me, (set_uid, &self.former), pods);
        let holds = peer.wrapper(now).is_some_and(|state| state.disk == Disk::State);
        self.held |= holds || peer.leader(now).is_some();
        self.formed_elsewhere |= peer.wrapper(now).is_some_and(|state| state.formed);
    }

    /// The own disk turned out to hold nothing, or nothing any more: what was founded once is not here.
    pub fn holds_nothing(&mut self) {
        self.disk = Disk::Empty;
        (self.formed, self.founded, self.marker) = (false, None, None);
    }

    /// A pod may be a server that nobody knew.
    pub fn meet(&mut self, name: PeerName) {
        if name.pod != self.me.pod {
            self.peers.entry(name.pod.clone()).or_insert_with(|| Peer::new(name));
        }
    }

    /// Takes in what Kubernetes wants; its pods may be peers that nobody knew.
    pub fn want(&mut self, now: Moment, desired: Desired, written: Moment) {
        let news =
            self.desired.as_ref().is_none_or(|(known, _)| known.pods.len() != desired.pods.len() || *known != desired);
        if news {
            self.news_since = now;
            for pod in &desired.pods {
                if let Some(name) = self.name_of(&pod.name) {
                    self.meet(name);
                }
            }
            // Who was neither there at the first bootstrap nor is there now is no peer any more.
            let first = &self.me.peers;
            self.peers.retain(|pod, _| {
                first.iter().any(|name| name.pod == *pod) || desired.pods.iter().any(|there| there.name == *pod)
            });
        }
        let known = self.desired.iter().flat_map(|(desired, _)| &desired.pods);
        let known: Vec<&Name> = known.filter(|pod| pod.deleting).map(|pod| &pod.uid).collect();
        // What was so before the first word happened at no known time.
        let news = self.desired.is_some();
        for pod in desired.pods.iter().filter(|pod| pod.deleting && !known.contains(&&pod.uid)) {
            if let Some(peer) =
                self.peers.get_mut(&pod.name).filter(|peer| news && (peer.stopped.is_none() || !peer.has_parted()))
            {
                peer.stopped = Some(written);
            }
        }
        if let Some((known, _)) = &self.desired
            && known.set_uid != desired.set_uid
            && !self.former.contains(&known.set_uid)
        {
            self.former.push(Name::clone(&known.set_uid));
        }
        self.desired = Some((desired, written));
    }

    /// The servers right behind those of the first bootstrap: somebody may have added them.
    pub fn look_beyond(&mut self) {
        let Some(last) = self.me.peers.iter().filter_map(|name| self.ordinal(&name.pod)).max() else { return };
        for ordinal in last + 1..=last + BEYOND {
            let Some((set, _)) = split(&self.me.pod) else { return };
            if let Some(name) = self.name_of(&format!("{set}-{ordinal}").into()) {
                self.meet(name);
            }
        }
    }

    /// Names of a pod of the own set, made as the own names are made.
    pub fn name_of(&self, pod: &Name) -> Option<PeerName> {
        self.ordinal(pod)?;
        let own = self.me.peers.iter().find(|name| name.pod == self.me.pod).or(self.me.peers.first())?;
        let host = match own.host.strip_prefix(&*own.pod) {
            Some(behind) => format!("{pod}{behind}").into(),
            // Peers that are written as addresses have no pattern; Kubernetes may still know the address.
            None => pod.clone(),
        };
        Some(PeerName { pod: pod.clone(), host })
    }

    /// A leader was heard of, or somebody who holds the cluster, in this life or an earlier one: that whoever held it has lost its disk
    /// since does not make that untrue.
    pub fn was_founded(&self) -> bool {
        self.formed || self.held
    }

    /// What Kubernetes wants, where that was written a short while ago.
    pub fn desired(&self, now: Moment) -> Option<&Desired> {
        young(self.desired.as_ref(), now)
    }

    /// Kubernetes' last word, however old.
    pub fn last_desired(&self) -> Option<&Desired> {
        self.desired.as_ref().map(|(desired, _)| desired)
    }

    /// When a young one was written.
    pub fn desired_since(&self, now: Moment) -> Option<Moment> {
        self.desired.as_ref().map(|(_, written)| *written).filter(|written| now.since(*written) <= DESIRED_HOLDS)
    }

    /// Kubernetes has told that the own pod is being deleted.
    pub fn knows_of_own_end(&self, now: Moment) -> bool {
        self.desired(now).is_some_and(|desired| desired.pods.iter().any(|pod| pod.name == self.me.pod && pod.deleting))
    }

    /// UID of the own set, as far as anybody ever told it.
    pub fn set_uid(&self) -> Option<&Name> {
        self.last_desired().map(|desired| &desired.set_uid)
    }

    /// Kubernetes has this pod; never without its word.
    pub fn has_pod(&self, now: Moment, pod: &str) -> bool {
        self.desired(now).is_some_and(|desired| desired.pods.iter().any(|there| *there.name == *pod))
    }

    /// The address that Kubernetes gives a pod.
    pub fn vouched(&self, now: Moment, pod: &str) -> Option<IpAddr> {
        address_of(&self.desired(now)?.pods, pod)
    }

    /// The name of this peer may lead dkron to somebody else's pod.
    pub fn is_misled_by(&self, now: Moment, peer: &Peer) -> bool {
        peer.name_misleads(now, self.desired(now).is_some(), self.vouched(now, &peer.name.pod))
    }

    /// What dkron was told to join is not, or no longer, where the peer surely is.
    pub fn misleads(&self, now: Moment, target: &str) -> bool {
        if let Some(peer) = self.peers.values().find(|peer| *peer.name.host == *target) {
            let vouched = self.vouched(now, &peer.name.pod);
            return self.is_misled_by(now, peer) || peer.name_has_led_elsewhere(now, vouched);
        }
        // A name of nobody is that of a server that was taken away since.
        let Ok(ip) = target.parse::<IpAddr>() else { return true };
        // Kubernetes' word may be half a minute old.
        let vouched = |peer: &Peer| self.vouched(now, &peer.name.pod) == Some(ip) && !peer.is_strangers(ip);
        let ours = self.peers.values().any(|peer| peer.sure(now) == Some(ip) || vouched(peer));
        !ours && self.me.ip != Some(ip)
    }

    /// Ordinal of a pod or node of the own set; `None` for any other name.
    pub fn ordinal(&self, name: &str) -> Option<u32> {
        let (set, ordinal) = split(name)?;
        (set == split(&self.me.pod)?.0).then_some(ordinal)
    }

    /// Whether a server is more than Kubernetes wants; never without its word.
    pub fn is_surplus(&self, now: Moment, node: &str) -> bool {
        let Some(desired) = self.desired(now) else { return false };
        self.ordinal(self.pod_of(node)).is_some_and(|ordinal| !desired.wanted().contains(&ordinal))
    }

    /// Kubernetes' last word, however old, does not say that it is more than is wanted.
    pub fn may_be_wanted(&self, pod: &str) -> bool {
        let Some(desired) = self.last_desired() else { return true };
        self.ordinal(pod).is_none_or(|ordinal| desired.wanted().contains(&ordinal))
    }

    /// Name of the pod that runs the dkron node.
    pub fn pod_of<'a>(&'a self, node: &'a str) -> &'a str {
        if *node == *self.me.node {
            return &self.me.pod;
        }
        let of_node = |peer: &&Peer| peer.state.as_ref().is_some_and(|state| &*state.node == node);
        self.peers.values().find(of_node).map_or(node, |peer| &peer.name.pod)
    }

    /// The peer that runs the dkron node.
    pub fn peer_of(&self, node: &str) -> Option<&Peer> {
        self.peers.get(self.pod_of(node)).filter(|_| *node != *self.me.node)
    }

    /// Every peer that answers has been asked since, or the time for that is over.
    pub fn all_heard(&self, now: Moment, since: Moment) -> bool {
        let heard = |peer: &Peer| peer.asked > since || !peer.is_fresh(now);
        now.since(since) >= HEARING || self.peers.values().all(heard)
    }

    /// What is at this address may be somebody else's by now: other wrappers answer there, or Kubernetes has none of the pods there.
    pub fn is_others(&self, now: Moment, ip: IpAddr) -> bool {
        let strangers = self.peers.values().any(|peer| peer.is_strangers(ip));
        let gone = |desired: &Desired| desired.pods.iter().all(|pod| pod.ip != Some(ip));
        let sure = self.peers.values().any(|peer| peer.sure(now) == Some(ip));
        strangers || !sure && self.desired(now).is_some_and(gone)
    }

    /// Address of the own gRPC and raft.
    pub fn own_rpc(&self) -> Option<SocketAddr> {
        Some(SocketAddr::new(self.me.ip?, self.me.rpc_port))
    }

    /// Servers of the first bootstrap as this server sees it alone: what was said when the set was made, or less where
    /// Kubernetes wants less by now.
    pub fn size(&self, now: Moment) -> Option<u32> {
        let replicas = self.desired(now).map(|desired| desired.replicas).filter(|replicas| *replicas > 0);
        match (self.me.size, replicas) {
            (Some(size), Some(replicas)) => Some(size.min(replicas)),
            (size, replicas) => size.or(replicas).or_else(|| self.me.named_peers()),
        }
    }

    /// The first `size` servers by their ordinals, own one included.
    pub fn first(&self, size: u32) -> Vec<&Name> {
        let mut first: Vec<&Name> = self.me.peers.iter().map(|name| &name.pod).collect();
        if first.len() < size as usize || self.me.named_peers().is_none() {
            // None were stamped, or fewer: those that Kubernetes has and wants.
            first = self.peers.keys().chain([&self.me.pod]).filter(|pod| self.may_be_wanted(pod)).collect();
            first.sort_by_key(|pod| (self.ordinal(pod), (*pod).clone()));
        }
        first.truncate(size as usize);
        first
    }

    /// Whether a peer goes away or has gone: its wrapper said so last, or Kubernetes deletes its pod.
    pub fn goes(&self, now: Moment, peer: &Peer) -> bool {
        if let Some(phase) = peer.phase(now) {
            return phase.stops();
        }
        // Without a young word of Kubernetes the own dkron may know that it is back, or has been since, or that last word.
        let remade = || {
            let known = self.desired.as_ref().filter(|(_, written)| *written > peer.told);
            let mut pods = known.iter().flat_map(|(desired, _)| &desired.pods);
            pods.any(|pod| pod.name == peer.name.pod && !pod.deleting)
        };
        let seen = || peer.state.as_ref().is_some_and(|state| self.is_member(&state.node));
        let back = || peer.was_met_since() || seen() || remade();
        // Who answers and is not understood is another process than the one that said so.
        let parted = peer.has_parted() && !peer.is_foreign(now);
        let Some(desired) = self.desired(now) else { return parted && !back() };
        if let Some(pod) = desired.pods.iter().find(|pod| pod.name == peer.name.pod) {
            return pod.deleting;
        }
        // A pod that is wanted and not there is about to be made; unless it said that it stops, it was lost.
        parted && peer.parted_lately(now) && !self.has_rejoined(peer)
            || desired.set_deleting
            || self.is_surplus(now, &peer.name.pod) && !self.is_news(now, peer)
    }

    /// Gossip shows it alive, and Kubernetes' word does not have its pod: that may be older than the pod.
    pub fn is_news(&self, now: Moment, peer: &Peer) -> bool {
        self.is_member(peer.node()) && !self.has_pod(now, &peer.name.pod)
    }
}

/// Kubernetes' word, where it was written a short while ago.
fn young(desired: Option<&(Desired, Moment)>, now: Moment) -> Option<&Desired> {
    desired.filter(|(_, written)| now.since(*written) <= DESIRED_HOLDS).map(|(desired, _)| desired)
}

/// Name of a set and ordinal: `a-2` is number 2 of `a`.
fn split(name: &str) -> Option<(&str, u32)> {
    let (set, ordinal) = name.rsplit_once('-')?;
    let digits = !ordinal.is_empty() && ordinal.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| ordinal.parse().ok()).flatten().map(|ordinal| (set, ordinal))
}
