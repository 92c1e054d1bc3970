//! How a server is started while somebody leads.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::action::Prepare;
use super::facts::Facts;
use super::input::Generation;
use super::majority;
use super::moment::Moment;
use super::peer::Peer;
use super::saying::Waiting;
use super::start::{NEWS, READING_HOLDS, Start, Tried, Why, is_beyond, is_yet_to_be_seen, launch, sights};
use super::state::{Disk, Leader, Member, Name, Phase, Server, State, Status, lists};

/// Time for all with raft state to name the same leader, before a server with an empty disk joins it all the same: dkron's leader takes
/// up whom it does not know each minute, if it does not obey the shorter interval.
pub const AGREEMENT: Duration = Duration::from_secs(70);

/// A configuration that cannot be read within this time is done without: the leader then sorts it out, if more slowly.
const READING: Duration = Duration::from_secs(6);

/// A leader without a majority steps down after 0.5 s, and its wrapper says so a second later.
const RIVALS: Duration = Duration::from_secs(3);

/// A server that holds nothing lets one pass that holds something and comes at the same moment, for so long.
const AFTER_OTHERS: Duration = Duration::from_secs(1);

/// Tries to have the own stale entry removed.
const REMOVALS: u32 = 3;

/// The set was founded anew while nobody knew of the own disk, or of the other one.
pub const OF_ANOTHER_FOUNDING: &str = "one that was founded before or since";

/// A leader exists.
pub fn join(facts: &Facts, tried: &Tried, now: Moment) -> Start {
    let Some((leader, sure)) = facts.leader(now) else { return Start::Wait(Waiting::Leader(sights(facts, now))) };
    let empty = facts.disk == Disk::Empty;
    // Its raft may well have nothing, and vote for anybody.
    let blank = empty || facts.disk == Disk::Unknown && facts.marker.is_none();
    let keep = |disk| Start::Run(launch(facts, now, None, disk), Why::Leader(leader.name.clone()));
    let led_for = tried.leader_since.map_or(Duration::ZERO, |since| now.since(since));
    // An empty disk must not vote for a leader that only some follow.
    let agreed = apart(facts, now).next().is_none() && !is_one_apart_hidden(facts, tried, now);
    let waited = now.since(tried.since);
    let unseen = facts.peers.values().any(|peer| is_yet_to_be_seen(facts, peer, waited, now));
    if empty && (!agreed && led_for < AGREEMENT || unseen) {
        return Start::Wait(Waiting::Leader(sights(facts, now)));
    }
    if facts.was_founded_apart_from(leader, now) {
        return Start::Wait(Waiting::DiskOfAnother(format!("{OF_ANOTHER_FOUNDING}, while {} leads", leader.name)));
    }
    // Of two that say that they lead one may have lost that a moment ago, and not said so yet.
    let leads = |peer: &&Peer| peer.dkron(now).is_some_and(|view| view.leads) && facts.is_of_another_founding(peer);
    if let Some(rival) = facts.peers.values().find(leads).filter(|_| led_for < RIVALS) {
        return Start::Wait(founded_apart_beside(rival));
    }
    // The leader may be asked for changes only where it is surely one of ours.
    let leader_at = leader.rpc_addr.parse::<SocketAddr>().ok().filter(|_| sure);
    // Whoever was alone in its cluster is that cluster; with another one beside it a person has to decide.
    let sole = facts.is_sole() && !facts.was_founded_with(leader, now);
    if !empty && led_for < AGREEMENT && others_may_win(facts, waited, now) {
        // Should that leader be lost meanwhile, it has to be known whether this server counts.
        let unread = leader_at.filter(|_| tried.is_listed.is_none());
        return unread.map_or_else(|| Start::Wait(Waiting::Leader(sights(facts, now))), Start::Read);
    }
    // Raft of that generation goes by its own disk, wherever it comes back: not before it is known what the leader has.
    let old = facts.me.generation == Generation::Three && !empty;
    let at = match leader_at {
        Some(at) => at,
        None if sole || old && led_for < AGREEMENT => return Start::Wait(Waiting::Leader(sights(facts, now))),
        None => return keep(Prepare::Keep),
    };
    let moved = facts.marker.as_ref().is_none_or(|marker| !stands_at_own_address(facts, &marker.members));
    if !empty && !moved && !sole && !old {
        return keep(Prepare::Keep);
    }
    let Some(reading) = facts.readings.get(&at).filter(|reading| now.since(reading.at) <= READING_HOLDS) else {
        let gone = tried.removed && old;
        let disk = if gone { Prepare::MoveAside } else { Prepare::Keep };
        let in_vain = tried.reading_since.is_some_and(|(_, since)| now.since(since) > READING);
        return if in_vain && !sole { keep(disk) } else { Start::Read(at) };
    };
    let listed = reading.servers.iter().find(|server| facts.is_own(server));
    if sole && !reading.servers.is_empty() && (listed.is_none() || facts.may_be_apart_from(leader, now)) {
        // Who stands there may do so by a name and an address that were somebody else's; others may be about to tell.
        let is_settled = listed.is_none() || led_for >= AGREEMENT;
        let another = || Waiting::DiskOfAnother(format!("this server alone, while {} leads another", leader.name));
        return Start::Wait(if is_settled { another() } else { Waiting::Leader(sights(facts, now)) });
    }
    // A configuration without the leader itself tells nothing, and nobody is waited for without end.
    let of_leader = lists(&reading.servers, &leader.name);
    let patient = led_for < AGREEMENT;
    let unlisted = patient && listed.is_none();
    // Whoever was taken out and runs on still believes in the voters of before, and would get the vote of an empty disk. So is one that
    // is moved aside.
    let holds_nothing = patient && empty || unlisted && (old || blank);
    let meets_old = holds_nothing && of_leader && runs_taken_out(facts, &reading.servers, waited, now);
    // Whose wrapper cannot be heard may lead a cluster that was founded another time; somebody else may be about to tell.
    let meets_apart = !empty && unlisted && may_be_told_its_founding(facts, leader, now);
    // Nor may one who has what was before meet an empty disk that the leader has not taken up yet: it would get that vote.
    let meets_empty = !empty && unlisted && of_leader && runs_empty(facts, &reading.servers, now);
    if meets_old || meets_apart || meets_empty {
        return Start::Wait(Waiting::Leader(sights(facts, now)));
    }
    // Of one that was taken out and one that holds nothing each may be about to start without knowing of the other.
    if unlisted && of_leader && may_meet_another(facts, &reading.servers, now) {
        let withdrew = tried.withdrew.is_some_and(|withdrew| now.since(withdrew) < AFTER_OTHERS);
        match tried.announced {
            None if blank && withdrew => return Start::Wait(Waiting::Leader(sights(facts, now))),
            Some(since) if facts.all_heard(now, since) => {}
            _ => return Start::Announce,
        }
    }
    let stale = listed.is_some() && (empty || !stands_at_own_address(facts, &reading.servers));
    // Those who were removed and kept their disks must never be a majority of what these say: they would elect one of themselves.
    let rest = reading.servers.iter().filter(|server| !facts.is_own(server)).count();
    let enough = facts.marker.as_ref().is_none_or(|marker| rest >= super::majority(marker.members.len()));
    if stale && enough && tried.removals < REMOVALS {
        return Start::Remove(at);
    }
    // Raft of that generation would go on with the addresses of its own configuration.
    let aside = old && (listed.is_none() || stale);
    keep(if aside && !stale { Prepare::MoveAside } else { Prepare::Keep })
}

/// The own disk is of another founding than that of `other`.
pub fn founded_apart_beside(other: &Peer) -> Waiting {
    Waiting::DiskOfAnother(format!("{OF_ANOTHER_FOUNDING}, beside {}", other.name.pod))
}

/// Servers with raft state that do not follow the leader that there is.
pub fn apart(facts: &Facts, now: Moment) -> impl Iterator<Item = &Peer> {
    let leader = facts.leader(now).map(|(leader, _)| &leader.name);
    let follows = move |peer: &Peer| peer.leader(now).map(|named| &named.name) == leader;
    facts.peers.values().filter(move |peer| may_vote(peer, now) && !follows(peer))
}

/// One that did not follow that leader has fallen silent since without a goodbye, and may come back as it was.
fn is_one_apart_hidden(facts: &Facts, tried: &Tried, now: Moment) -> bool {
    let is_hidden = |peer: &Peer| peer.sure(now).is_none() && !peer.has_parted();
    let mut apart = tried.apart.iter().filter(|(pod, _)| !facts.is_surplus(now, pod));
    apart.any(|(pod, _)| facts.peers.get(pod).is_some_and(is_hidden))
}

/// The own server stands in that configuration with its present address.
pub fn stands_at_own_address<'a>(facts: &Facts, servers: impl IntoIterator<Item = &'a Server>) -> bool {
    facts.me.ip.is_some_and(|ip| stands_at(facts, servers, &facts.me.node, ip))
}

/// The server `node` stands in that configuration with this address.
pub fn stands_at<'a>(facts: &Facts, servers: impl IntoIterator<Item = &'a Server>, node: &Name, ip: IpAddr) -> bool {
    let address = SocketAddr::new(ip, facts.me.rpc_port).to_string();
    servers.into_iter().any(|server| server.id == *node && *server.address == *address)
}

/// A dkron with raft state that runs, or may at any moment.
fn may_vote(peer: &Peer, now: Moment) -> bool {
    match peer.wrapper(now) {
        Some(state) => state.disk != Disk::Empty && (state.up || !state.phase.stops()),
        None => peer.is_up(now),
    }
}

/// A server that runs with raft state, or is about to, and is not in the leader's configuration, although it may still name that leader; or
/// one that has not said what it holds.
fn runs_taken_out(facts: &Facts, servers: &[Server], waited: Duration, now: Moment) -> bool {
    let starts = |state: &State| state.comes || state.phase == Phase::Starting;
    let comes = |peer: &Peer| peer.is_up(now) || peer.wrapper(now).is_some_and(starts);
    // Whose words are not understood, or do not come through, may be about to start with whatever it has: that does not take long.
    let may_come = |peer: &Peer| waited < NEWS && (peer.is_foreign(now) || peer.is_mute(now));
    // Two that may hold nothing both stand for nothing.
    let blank = |peer: &Peer| facts.disk == Disk::Unknown && peer.wrapper(now).is_some_and(State::is_blank);
    let votes = |peer: &Peer| may_vote(peer, now) && comes(peer) && !blank(peer);
    let runs = |peer: &Peer| (votes(peer) || may_come(peer)) && !lists(servers, peer.node());
    facts.peers.values().any(runs) || shows_silent(facts, servers, now)
}

/// The own disk has the name of its founding, and nobody tells that of the leader's cluster, while some other server has yet to be heard.
fn may_be_told_its_founding(facts: &Facts, leader: &Leader, now: Moment) -> bool {
    let unheard = |peer: &Peer| peer.wrapper(now).is_none() && !is_beyond(facts, peer, now);
    let others = || facts.peers.values().filter(|peer| *peer.node() != leader.name);
    facts.is_founding_untold(leader, now)
        && facts.peer_of(&leader.name).is_some_and(|peer| peer.is_unheard(now))
        && others().any(unheard)
}

/// Gossip shows a server that is not in the leader's configuration and has not said what it holds, or has lost one whom Kubernetes still
/// has there.
fn shows_silent(facts: &Facts, servers: &[Server], now: Moment) -> bool {
    let there = |member: &Member| facts.vouched(now, facts.pod_of(&member.name)) == Some(member.ip);
    let runs = |member: &&Member| match member.status {
        Status::Alive => true,
        Status::Failed => there(member),
        _ => false,
    };
    let silent = |node: &Name| {
        let ours = facts.ordinal(node).is_some() && *node != facts.me.node;
        ours && facts.peer_of(node).is_none_or(|peer| peer.wrapper(now).is_none())
    };
    let shown = facts.peers.values().filter(|peer| peer.leader(now).is_some()).filter_map(|peer| peer.dkron(now));
    let mut shown = shown.flat_map(|view| &view.members).filter(runs);
    shown.any(|member| silent(&member.name) && !lists(servers, &member.name))
}

/// A server that is about to run, or runs, with an empty disk and is not in the leader's configuration: it votes for anybody.
fn runs_empty(facts: &Facts, servers: &[Server], now: Moment) -> bool {
    let runs = |state: &State| state.comes || matches!(state.phase, Phase::Starting | Phase::Serving);
    let empty = |state: &State| state.disk == Disk::Empty || facts.disk == Disk::State && state.is_blank();
    let is_new = |state: &State| empty(state) && runs(state) && !lists(servers, &state.node);
    facts.peers.values().filter_map(|peer| peer.wrapper(now)).any(is_new) || shows_silent(facts, servers, now)
}

/// Somebody who is not in the leader's configuration may be about to start just now: who has said nothing may too.
fn may_meet_another(facts: &Facts, servers: &[Server], now: Moment) -> bool {
    let is_in = |peer: &Peer| peer.sure(now).is_some() && lists(servers, peer.node());
    facts.peers.values().any(|peer| !is_in(peer) && (peer.sure(now).is_some() || !is_beyond(facts, peer, now)))
}

/// Whoever was removed and kept its disk believes in the voters of that time. A majority of those that the leader has not taken up
/// again could elect one of themselves; so they come one after another.
fn others_may_win(facts: &Facts, waited: Duration, now: Moment) -> bool {
    let Some(marker) = &facts.marker else { return false };
    let own = facts.ordinal(&facts.me.pod);
    let comes_first = |peer: &&Peer| match peer.phase(now) {
        _ if peer.leader(now).is_some() => false,
        // Those with empty disks come after all others.
        Some(Phase::Waiting) => may_vote(peer, now) && facts.ordinal(&peer.name.pod) < own,
        Some(phase) => !phase.stops() || peer.is_up(now),
        None => peer.is_up(now) || is_yet_to_be_seen(facts, peer, waited, now),
    };
    let before = marker.members.iter().filter_map(|server| facts.peer_of(&server.id)).filter(comes_first).count();
    let own = usize::from(!facts.is_among(&marker.members));
    before > 0 && before + 1 >= majority(marker.members.len() + own)
}
