//! What raft's configurations say: whom the last one has, and how this server stands in any.

use std::time::Duration;

use super::facts::{Facts, Reading};
use super::majority;
use super::moment::Moment;
use super::state::{Name, Server, lists};

/// A raft configuration that was read this long ago has to be read again before it decides anything.
const RAFT_HOLDS: Duration = Duration::from_secs(15);

impl Facts {
    /// That is this server.
    pub fn is_own(&self, server: &Server) -> bool {
        server.id == self.me.node
    }

    /// This server stands in that configuration as a voter.
    pub fn votes_in(&self, servers: &[Server]) -> bool {
        servers.iter().any(|server| self.is_own(server) && server.voter)
    }

    /// The same, as a voter or not.
    pub fn is_among(&self, servers: &[Server]) -> bool {
        lists(servers, &self.me.node)
    }

    /// The same, and nobody else does.
    pub fn is_alone_in(&self, servers: &[Server]) -> bool {
        !servers.is_empty() && servers.iter().all(|server| self.is_own(server))
    }

    /// The configuration that was read last, however long ago, has this node.
    pub fn raft_has(&self, node: &Name) -> bool {
        self.raft.as_ref().is_some_and(|reading| lists(&reading.servers, node))
    }

    /// That configuration, unless it was read too long ago.
    pub fn young_raft(&self, now: Moment) -> Option<&Reading> {
        self.raft.as_ref().filter(|reading| now.since(reading.at) <= RAFT_HOLDS)
    }

    /// Its voters.
    pub fn voters(&self, now: Moment) -> Option<impl Iterator<Item = &Server>> {
        Some(self.young_raft(now)?.servers.iter().filter(|server| server.voter))
    }

    /// What this server tells others: the configuration that was read last, however long ago, or else that of the marker.
    pub fn told_raft(&self) -> Option<&Vec<Server>> {
        let of_marker = || self.marker.as_ref().map(|marker| &marker.members);
        self.raft.as_ref().map(|reading| &reading.servers).or_else(of_marker)
    }

    /// Since when the own dkron has shown a majority of the voters where they are, this server one of it.
    pub fn finds_majority_since(&self, now: Moment) -> Option<Moment> {
        let voters: Vec<_> = self.voters(now)?.collect();
        let others = voters.iter().any(|server| self.is_own(server)).then(|| majority(voters.len()) - 1)?;
        let found = voters.iter().filter_map(|server| self.peer_of(&server.id)).filter(|peer| self.shows(peer, now));
        let mut since: Vec<_> = found.filter_map(|peer| self.seen.get(peer.node()).map(|(_, since)| *since)).collect();
        since.sort_unstable();
        since.get(others.checked_sub(1)?).copied()
    }
}
