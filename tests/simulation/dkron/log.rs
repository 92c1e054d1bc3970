//! raft's log as far as it matters: which cluster it belongs to, how far it goes and the configuration that it ends with.
//!
//! raft's logs agree up to every entry of equal index and term, so that (term, index) of the last entry stands for all before it.

use dkron_ha::init::procedure::Marker;

use crate::names::{Ip, Mask, PLACES, bit, slots};

/// A raft configuration: voters by place. Non-voters do not occur in dkron.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Servers {
    /// The voters.
    pub voters: Mask,
    /// Their addresses.
    pub ips: [Ip; PLACES],
}

impl Servers {
    /// How many votes are a majority.
    pub fn majority(&self) -> u32 {
        self.voters.count_ones() / 2 + 1
    }

    /// Whether this place votes.
    pub fn has(&self, place: usize) -> bool {
        self.voters & bit(place) != 0
    }

    /// With this voter at this address.
    #[must_use]
    pub fn with(mut self, place: usize, ip: Ip) -> Self {
        self.voters |= bit(place);
        self.ips[place] = ip;
        self
    }

    /// Without this voter.
    #[must_use]
    pub fn without(mut self, place: usize) -> Self {
        self.voters &= !bit(place);
        self
    }

    /// The voters' places.
    pub fn places(&self) -> impl Iterator<Item = usize> + use<> {
        slots(self.voters)
    }
}

/// A raft log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// Number of the bootstrap that it began with; zero for an empty log.
    pub genesis: u32,
    /// Term of the last entry.
    pub term: u32,
    /// Index of the last entry.
    pub index: u32,
    /// The configuration that it ends with.
    pub servers: Servers,
}

impl Log {
    /// What raft compares before it votes.
    pub fn end(&self) -> (u32, u32) {
        (self.term, self.index)
    }

    /// There is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.genesis == 0
    }

    /// Whose log this is hears out the server at `place` that has `log` and asks for its vote: nobody votes for one that its own
    /// configuration does not have.
    pub fn knows(&self, place: usize, log: &Self) -> bool {
        self.is_empty() || self.genesis == log.genesis && self.servers.has(place)
    }
}

/// What is on a disk.
#[derive(Clone, Debug, Default)]
pub struct Volume {
    /// dkron ran on it: `raft.db` exists.
    pub database: bool,
    /// raft's log.
    pub log: Log,
    /// The wrapper's marker.
    pub marker: Option<Marker>,
    /// It replaces one with committed entries, and has not got them back yet.
    pub lost: bool,
    /// dkron ran on it without a wrapper since it was lost: nobody can tell that from one that has everything.
    pub unwatched: bool,
    /// Since when a wrapper has waited with it.
    pub waits_since: u64,
}

/// A bootstrap and what became of it.
#[derive(Clone, Copy, Debug)]
pub struct Cluster {
    /// The set whose server did it.
    pub set: usize,
    /// The end of the committed entries.
    pub committed: (u32, u32),
    /// The configuration that it began with.
    pub first: Servers,
    /// The configuration committed last.
    pub servers: Servers,
    /// A dkron without a wrapper founded it.
    pub plain: bool,
    /// It has had a leader.
    pub led: bool,
    /// When a leader last reached a majority of it.
    pub led_at: u64,
    /// When it was founded.
    pub founded_at: u64,
    /// Places of the set whose disks held another one when it was founded, where nobody could know of them yet.
    pub unknown: Mask,
    /// More of its disks are lost than it can do without: whatever follows is a new beginning.
    pub dead: bool,
}

impl Cluster {
    /// When it was founded, the disk at this place held another one that nobody could know of yet.
    pub fn was_founded_unaware_of(&self, place: usize) -> bool {
        self.unknown & bit(place) != 0
    }
}
