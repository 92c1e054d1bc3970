//! How a server is started: decided anew with every fact until it can be.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::action::{Launch, Prepare};
use super::facts::Facts;
use super::input::Storage;
use super::moment::Moment;
use super::peer::Peer;
use super::saying::{Sight, Waiting};
use super::standing::Standing;
use super::state::{Disk, Name, Phase, State};
use super::{joining, returning};

/// A name is free a minute after its bearer died. Who still shows it then, while nobody leads, shows what once was.
pub const NAME_OF_THE_DEAD: Duration = Duration::from_secs(100);

/// A configuration that was read this long ago is read again before something is removed by it.
pub const READING_HOLDS: Duration = Duration::from_secs(3);

/// Time for a first look at every peer.
const FIRST_LOOK: Duration = Duration::from_secs(1);

/// Time for the label updater to tell what Kubernetes wants.
pub const NEWS: Duration = Duration::from_secs(10);

/// How often the time for the leader to take up others begins anew with the coming of one of them.
const COMINGS: usize = 2;

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// Nothing until a fact changes.
    Wait(Waiting),
    /// Read the raft configuration there.
    Read(SocketAddr),
    /// Have the own entry removed by the leader there.
    Remove(SocketAddr),
    /// Tell the others that this server comes, and ask them once more.
    Announce,
    /// Start dkron.
    Run(Launch, Why),
}

/// Why dkron is started as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// This server leads: it is joined.
    Leader(Name),
    /// All first servers are there and empty.
    Bootstrap,
    /// There is raft state: the old voters elect.
    State,
    /// There is raft state, not here, and not all servers answer; the wait is over.
    Vote,
    /// So many members have moved, or lost their disks, that raft finds no majority: it gets their new addresses.
    Recovery,
}

/// What was tried since the wait began.
#[derive(Clone, Debug, Default)]
pub struct Tried {
    /// When the wait began.
    pub since: Moment,
    /// Since when a leader has been heard of, and nobody new who does not follow it.
    pub leader_since: Option<Moment>,
    /// Who with raft state has not followed it, and whether dkron served there.
    pub apart: Vec<(Name, bool)>,
    /// Who is asked for its raft configuration, and since when in vain.
    pub reading_since: Option<(SocketAddr, Moment)>,
    /// Since when all servers have answered and the dkron of each with raft state has served, without a leader.
    pub served_since: Option<Moment>,
    /// Since when the same holds, but that some of those have only been started: they may wait for this one.
    pub hang_since: Option<Moment>,
    /// Removals of the own entry that failed.
    pub removals: u32,
    /// The own entry was removed by the leader.
    pub removed: bool,
    /// Whether the leader's configuration had this server when it was read last.
    pub is_listed: Option<bool>,
    /// Since when the others have been told that this server comes.
    pub announced: Option<Moment>,
    /// When that was taken back.
    pub withdrew: Option<Moment>,
    /// Somebody has led another cluster than the own disk's meanwhile, or perhaps another.
    pub led_apart: bool,
}

impl Tried {
    /// These do not follow the leader that there is: it takes time until it has taken them up, from their coming on.
    pub fn stand_apart<'a>(&mut self, apart: impl Iterator<Item = &'a Peer>, now: Moment) {
        for peer in apart {
            let one = (peer.name.pod.clone(), peer.is_up(now));
            let last = self.apart.iter().rev().find(|(pod, _)| *pod == one.0);
            // Who comes again and again is not waited for without end.
            let before = self.apart.iter().filter(|known| **known == one).count();
            if last != Some(&one) && before < COMINGS {
                self.leader_since = Some(now);
                self.apart.push(one);
            }
        }
    }

    /// The raft configuration is asked for there.
    pub fn reads(&mut self, at: SocketAddr, now: Moment) {
        if self.reading_since.is_none_or(|(asked, _)| asked != at) {
            self.reading_since = Some((at, now));
        }
    }
}

/// Decides.
pub fn decide(facts: &Facts, tried: &Tried, now: Moment) -> Start {
    if let Some(whose) = facts.disk_of_another(now) {
        return Start::Wait(Waiting::DiskOfAnother(whose));
    }
    let led = facts.leader(now).is_some();
    if let Some(address) = facts.name_is_taken_at(now).filter(|_| led || now.since(tried.since) < NAME_OF_THE_DEAD) {
        return Start::Wait(Waiting::NameTaken(address));
    }
    if facts.leader(now).is_some() {
        return joining::join(facts, tried, now);
    }
    let others_may = facts.peers.values().any(|peer| peer.may_hold_a_cluster(now));
    match facts.disk {
        Disk::Empty if others_may => returning::return_empty(facts, tried, now),
        Disk::Empty => bootstrap(facts, tried, now),
        Disk::State | Disk::Unknown => returning::elect(facts, tried, now),
    }
}

/// The only voter, or the only server that is wanted: whoever else is there waits for it.
pub fn is_alone(facts: &Facts, now: Moment) -> bool {
    let wanted =
        facts.desired(now).is_some_and(|desired| desired.replicas == 1) && !facts.is_surplus(now, &facts.me.node);
    let company = facts.peers.values().any(|peer| peer.sure(now).is_some());
    let served = facts.peers.values().any(|peer| peer.is_up(now));
    facts.is_sole() && !served || wanted && !company
}

/// Joining whoever is there, or nobody: a server that is alone would look for the others for ever.
pub fn launch_among(facts: &Facts, now: Moment, disk: Prepare) -> Launch {
    let mut launch = launch(facts, now, None, disk);
    if is_alone(facts, now) {
        launch.join.clear();
    }
    launch
}

/// Every server that is wanted answers.
pub fn all_are_sure(facts: &Facts, now: Moment) -> bool {
    let awaited = |peer: &&Peer| !is_beyond(facts, peer, now) && !facts.is_surplus(now, &peer.name.pod);
    facts.peers.values().filter(awaited).all(|peer| peer.sure(now).is_some())
}

/// Every server that is wanted answers and has nothing.
pub fn is_to_be_founded(facts: &Facts, now: Moment) -> bool {
    let empty = |peer: &Peer| peer.sure(now).is_none() || peer.wrapper(now).is_some_and(is_empty);
    all_are_sure(facts, now) && !facts.peers.is_empty() && facts.peers.values().all(empty)
}

/// Neither of the first servers nor a pod that Kubernetes has: looked for, and not awaited.
pub fn is_beyond(facts: &Facts, peer: &Peer, now: Moment) -> bool {
    !facts.has_pod(now, &peer.name.pod) && !facts.me.peers.iter().any(|name| name.pod == peer.name.pod)
}

/// It was not looked at yet, or not where Kubernetes has told that it is: its name may lead nowhere.
pub fn is_yet_to_be_looked_at(facts: &Facts, peer: &Peer, waited: Duration, now: Moment) -> bool {
    let tried = |ip| peer.sure(now).is_some() || peer.was_tried_at(ip);
    let untried = || facts.vouched(now, &peer.name.pod).is_some_and(|ip| !tried(ip));
    let yet = waited < FIRST_LOOK && peer.standing == Standing::Unseen || waited < NEWS && untried();
    yet && !is_beyond(facts, peer, now)
}

/// The same, or it was not found, and Kubernetes has not told yet where it is.
pub fn is_yet_to_be_seen(facts: &Facts, peer: &Peer, waited: Duration, now: Moment) -> bool {
    let lost = waited < NEWS && facts.desired(now).is_none() && peer.sure(now).is_none();
    lost && !is_beyond(facts, peer, now) || is_yet_to_be_looked_at(facts, peer, waited, now)
}

/// Nothing here, nothing seen elsewhere, no leader.
fn bootstrap(facts: &Facts, tried: &Tried, now: Moment) -> Start {
    let size = match agreed_size(facts, now) {
        Ok(size) => size,
        Err(waiting) => return Start::Wait(waiting),
    };
    let first = facts.first(size);
    let Some(place) = first.iter().position(|pod| **pod == facts.me.pod) else {
        return Start::Wait(Waiting::Leader(sights(facts, now)));
    };
    if first.len() < size as usize {
        return Start::Wait(Waiting::Peers(sights(facts, now)));
    }
    // A server that would be alone has nobody to ask whether others have been added since; and where somebody has heard of a cluster, one
    // that holds it may be among those.
    if (size == 1 || facts.formed_elsewhere) && facts.desired(now).is_none() && now.since(tried.since) < NEWS {
        return Start::Wait(Waiting::Peers(sights(facts, now)));
    }
    // Fewer than the set was made with: an old word may not know of those that have been added again since.
    let fewer = facts.me.size.or(facts.me.named_peers()).is_some_and(|made| size < made);
    if fewer && facts.desired_since(now).is_some_and(|written| written < tried.since) {
        return Start::Wait(Waiting::Peers(sights(facts, now)));
    }
    // Servers that were added later are none of the first, and may hold the cluster.
    if are_more_wanted(facts, size, fewer, now) {
        return Start::Wait(Waiting::Peers(sights(facts, now)));
    }
    let mut expect = size;
    for pod in first.iter().filter(|pod| ***pod != facts.me.pod) {
        let Some(peer) = facts.peers.get(*pod) else { return Start::Wait(Waiting::Peers(sights(facts, now))) };
        match emptiness(facts, peer, now) {
            Emptiness::Empty => {}
            Emptiness::EmptyPlain => expect = facts.me.users_size.unwrap_or(size),
            Emptiness::Unread(at) => return Start::Read(at),
            Emptiness::Unknown => return Start::Wait(Waiting::Peers(sights(facts, now))),
        }
    }
    // Whoever is none of the first servers must not be forming a larger cluster with them.
    let rest = facts.peers.values().filter(|peer| !first.contains(&&peer.name.pod));
    if rest.clone().any(|peer| peer.standing == Standing::Unseen) {
        return Start::Wait(Waiting::Peers(sights(facts, now)));
    }
    if let Some(peer) = rest.clone().find(|peer| may_be_forming(peer, now) || is_silent(facts, peer, now)) {
        return Start::Wait(Waiting::Surplus(peer.name.pod.clone()));
    }
    // A disk that comes back with its pod may hold the cluster still.
    let held = rest.clone().find(|peer| peer.held_a_cluster()).map(|peer| &peer.name.pod);
    let gone = held.or_else(|| facts.held_elsewhere(&first, now)).filter(|_| facts.me.storage == Storage::Persistent);
    if let Some(pod) = gone {
        return Start::Wait(Waiting::Gone(pod.clone()));
    }
    // Those before the one before are up as well, or were: an older word of theirs does not tell whether they have founded it since.
    let is_down = |pod: &&&Name| facts.peers.get(**pod).is_some_and(|peer| !peer.is_up(now));
    if let Some(pod) = first[..place].iter().rfind(is_down) {
        return Start::Wait(Waiting::Turn((*pod).clone()));
    }
    // Who comes after this one may found the cluster at any moment, without it or with its name from before, and so may one that comes
    // before it and sees as many others as it expects. Two must not, and dkron 3 does not ask.
    // One that is just starting waits for this one, unless it finds others whom it can join.
    let serves_another = |state: &State| facts.peers.values().any(|peer| peer.is_up(now) && peer.node() != &state.node);
    let founding = |pod: &&Name| {
        let state = facts.peers.get(*pod)?.wrapper(now)?;
        Some(state).filter(|state| state.expecting && (state.up || serves_another(state)))
    };
    let is_full =
        |state: &State| state.members.iter().filter(|member| member.name != facts.me.node).count() >= size as usize;
    let others_found = first[place + 1..].iter().any(|pod| founding(pod).is_some())
        || first[..place].iter().any(|pod| founding(pod).is_some_and(is_full));
    let expect = Some(expect).filter(|_| !others_found);
    let mut launch = launch(facts, now, expect, Prepare::Keep);
    if size == 1 {
        launch.join.clear();
    } else if place == 0 && expect.is_some() {
        // The first of all has nobody to join yet, and would never serve; everywhere else this would make an island. By its address: a
        // name server may still give the own name somebody else's.
        launch.join.extend(facts.me.ip.map(|ip| Name::from(ip.to_string())));
    }
    Start::Run(launch, Why::Bootstrap)
}

/// Kubernetes wants more servers than are to found the cluster, by its last word, and not all of these answer: silence of its own unsays
/// nothing. Where they are fewer than the set was made with, the lowest of them has a younger word.
fn are_more_wanted(facts: &Facts, size: u32, fewer: bool, now: Moment) -> bool {
    let word = if fewer { facts.desired(now) } else { facts.last_desired() };
    let Some(desired) = word.filter(|desired| desired.replicas > size) else { return false };
    let wanted = |peer: &&Peer| peer.sure(now).is_some() && facts.may_be_wanted(&peer.name.pod);
    let there = facts.peers.values().filter(wanted).count() + 1;
    there < desired.replicas as usize
}

/// The lowest server decides how many found the cluster. While two numbers are visible, nobody starts.
fn agreed_size(facts: &Facts, now: Moment) -> Result<u32, Waiting> {
    let peers = || Waiting::Peers(sights(facts, now));
    let own = facts.size(now).ok_or_else(peers)?;
    let lowest = lowest(facts, now).ok_or_else(peers)?;
    let size = match facts.peers.get(lowest) {
        _ if *lowest == facts.me.pod => own,
        Some(peer) if peer.plain(now).is_some() => own,
        Some(peer) => peer.wrapper(now).and_then(|state| state.size).ok_or_else(peers)?,
        None => return Err(peers()),
    };
    let states = facts.peers.values().filter_map(|peer| peer.wrapper(now));
    let others: Vec<u32> = states.filter(|state| !state.phase.stops()).filter_map(|state| state.size).collect();
    match others.iter().find(|other| **other != size) {
        Some(other) => Err(Waiting::Sizes(size, *other)),
        None => Ok(size),
    }
}

/// The lowest of the servers that found the cluster, as this one sees it.
pub fn lowest(facts: &Facts, now: Moment) -> Option<&Name> {
    facts.first(facts.size(now)?).into_iter().next()
}

/// What the lowest server calls the cluster that is to be founded: whichever of them leads first, all call it so. By the own name where
/// that one does not say.
pub fn name_to_found(facts: &Facts, now: Moment) -> Option<Name> {
    let told = facts.peers.get(lowest(facts, now)?).and_then(|peer| peer.wrapper(now)?.founding.clone());
    told.or_else(|| facts.me.founding.clone())
}

/// The number of servers that this one tells others to found the cluster with.
pub fn told_size(facts: &Facts, now: Moment) -> Option<u32> {
    let own = facts.size(now)?;
    let lowest = lowest(facts, now)?;
    match facts.peers.get(lowest) {
        _ if *lowest == facts.me.pod => Some(own),
        Some(peer) if peer.plain(now).is_some() => Some(own),
        Some(peer) => peer.wrapper(now)?.size,
        None => None,
    }
}

enum Emptiness {
    Empty,
    EmptyPlain,
    /// Its dkron has to be asked there.
    Unread(SocketAddr),
    Unknown,
}

fn emptiness(facts: &Facts, peer: &Peer, now: Moment) -> Emptiness {
    if let Some(state) = peer.wrapper(now) {
        return if is_empty(state) { Emptiness::Empty } else { Emptiness::Unknown };
    }
    let Some(ip) = peer.plain(now).filter(|_| peer.leader(now).is_none()) else { return Emptiness::Unknown };
    let at = SocketAddr::new(ip, facts.me.rpc_port);
    match facts.readings.get(&at) {
        Some(reading) if now.since(reading.at) <= READING_HOLDS => {
            if reading.servers.is_empty() {
                Emptiness::EmptyPlain
            } else {
                Emptiness::Unknown
            }
        }
        _ => Emptiness::Unread(at),
    }
}

/// A dkron that runs and may have been started to found a cluster.
fn may_be_forming(peer: &Peer, now: Moment) -> bool {
    peer.is_up(now)
        && peer
            .wrapper(now)
            .is_none_or(|state| state.expecting || state.raft.as_ref().is_none_or(|raft| !raft.is_empty()))
}

/// Kubernetes has its pod, and it has not said what it holds.
fn is_silent(facts: &Facts, peer: &Peer, now: Moment) -> bool {
    facts.vouched(now, &peer.name.pod).is_some() && peer.sure(now).is_none()
}

/// A server that surely holds nothing and is not about to go.
fn is_empty(state: &State) -> bool {
    let goes = state.phase.stops() || state.phase == Phase::Unknown;
    state.disk == Disk::Empty && state.configuration().is_none() && state.leader.is_none() && !goes
}

/// Joining: whoever is surely a peer, by its name where that leads there and nowhere else, and otherwise by its address. A name of which
/// that is not sure may lead to somebody else's pod by the time dkron asks for it; so such names are joined only where nobody is sure.
pub fn launch(facts: &Facts, now: Moment, expect: Option<u32>, disk: Prepare) -> Launch {
    let at = |peer: &Peer, ip: IpAddr| {
        if peer.name_leads_to(ip) { Name::clone(&peer.name.host) } else { ip.to_string().into() }
    };
    // Who serves a cluster of another founding would be made one pool of gossip with the rest.
    let ours = || facts.peers.values().filter(|peer| !(peer.is_up(now) && facts.is_of_another_founding(peer)));
    let mut join: Vec<Name> = ours().filter_map(|peer| Some(at(peer, peer.sure(now)?))).collect();
    if join.is_empty() {
        let known = ours().filter(|peer| !is_beyond(facts, peer, now));
        let join_one = |peer: &Peer| match facts.vouched(now, &peer.name.pod).filter(|ip| !peer.is_strangers(*ip)) {
            Some(ip) => Some(at(peer, ip)),
            None => (!facts.is_misled_by(now, peer)).then(|| Name::clone(&peer.name.host)),
        };
        join = known.filter_map(join_one).collect();
    }
    Launch { join, expect, disk }
}

/// What is seen of each peer, for people.
pub fn sights(facts: &Facts, now: Moment) -> Vec<Sight> {
    facts.peers.values().map(|peer| Sight::of(peer, now)).collect()
}
