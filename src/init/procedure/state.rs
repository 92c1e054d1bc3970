//! What a wrapper says of itself at `GET :8947/v1/state`, and what the other wrappers read.
//!
//! Fields are added, never changed; a reader ignores what it does not know. What would mean something else to an older reader
//! raises [`PROTOCOL`].

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Number of this language. An answer with another number counts as "state unknown": nobody bootstraps beside it.
pub const PROTOCOL: u32 = 1;

/// A name that many facts share.
pub type Name = Arc<str>;

/// Everything that one wrapper tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools, reason = "what is told is a list of facts")]
pub struct State {
    /// [`PROTOCOL`] of the teller.
    pub protocol: u32,
    /// Version of the wrapper, for people.
    pub version: Name,
    /// Namespace of the pod.
    pub namespace: Name,
    /// Cluster that it serves.
    pub cluster: Name,
    /// UID of its StatefulSet, where the label updater told it.
    #[serde(default)]
    pub set_uid: Option<Name>,
    /// Name of the pod.
    pub pod: Name,
    /// dkron's node name: serf's name of this member and raft's ID of this server.
    pub node: Name,
    /// Address of the pod.
    #[serde(default)]
    pub ip: Option<IpAddr>,
    /// What the wrapper is doing.
    pub phase: Phase,
    /// What its disk holds.
    pub disk: Disk,
    /// The StatefulSet that the disk belongs to, as far as its marker tells.
    #[serde(default)]
    pub owner: Option<Owner>,
    /// Whether this server has ever heard of a leader, or of somebody who holds the cluster, in this life or (by its marker) an earlier
    /// one.
    pub formed: bool,
    /// Servers of the bootstrap that it takes part in, or would.
    #[serde(default)]
    pub size: Option<u32>,
    /// What the cluster is called that it was started to found, or is to be called if this server is the lowest of those that found it;
    /// `None` once there is one, and raft has it.
    #[serde(default)]
    pub founding: Option<Name>,
    /// Whether it was started with `--bootstrap-expect` and has not heard of a leader since.
    #[serde(default)]
    pub expecting: bool,
    /// dkron of the generation before 4, whose raft does not follow addresses and finds no majority at those that it has.
    #[serde(default)]
    pub stranded: bool,
    /// Its dkron is down for a new beginning of all: every server that holds nothing is to end its dkron now.
    #[serde(default)]
    pub anew: bool,
    /// It is about to start dkron although the leader has not taken it up yet, and asks once more whether somebody else is too.
    #[serde(default)]
    pub comes: bool,
    /// It waits beside a cluster of another founding than its own disk's, or perhaps another, which somebody has led since the wait began.
    #[serde(default)]
    pub apart: bool,
    /// dkron's HTTP API answers, so its start is over.
    pub up: bool,
    /// The leader that the own dkron names, read strictly.
    #[serde(default)]
    pub leader: Option<Leader>,
    /// The own dkron leads.
    #[serde(default)]
    pub leads: bool,
    /// For how long it has been a voter that knows the leader; milliseconds.
    #[serde(default)]
    pub voter_for: Option<u64>,
    /// The raft configuration as the own dkron told it last, or before that as the marker tells it; `None` while neither has,
    /// empty if dkron has none.
    #[serde(default)]
    pub raft: Option<Vec<Server>>,
    /// Servers that the own dkron's serf knows.
    #[serde(default)]
    pub members: Vec<Member>,
}

impl State {
    /// The raft configuration that it told, unless it told none or an empty one.
    pub fn configuration(&self) -> Option<&[Server]> {
        self.raft.as_deref().filter(|servers| !servers.is_empty())
    }

    /// Its disk holds nothing, and it waits for others: no dkron votes there.
    pub fn waits_with_nothing(&self) -> bool {
        self.disk == Disk::Empty && self.phase == Phase::Waiting && !self.up
    }

    /// dkron ran on its disk, and it has told no configuration: raft may well have nothing there.
    pub fn is_blank(&self) -> bool {
        self.disk == Disk::Unknown && self.configuration().is_none()
    }

    /// That configuration has not the server itself: it was taken out, and knows it.
    pub fn is_out(&self) -> bool {
        self.configuration().is_some_and(|servers| !lists(servers, &self.node))
    }
}

/// What a wrapper is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// dkron does not run yet: something is waited for.
    Waiting,
    /// dkron was started and does not serve its API yet.
    Starting,
    /// dkron runs.
    Serving,
    /// TERM came; it serves on until its going harms nobody.
    Holding,
    /// It is about to go, and asks once more whether somebody else is too.
    Going,
    /// It goes: others need not count on it.
    Leaving,
    /// A word that this version does not know.
    #[serde(other)]
    Unknown,
}

impl Phase {
    /// TERM came.
    pub fn stops(self) -> bool {
        matches!(self, Self::Holding | Self::Going | Self::Leaving)
    }
}

/// What a disk holds of raft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Disk {
    /// Nothing, for sure.
    Empty,
    /// A raft configuration that was once seen not to be empty.
    State,
    /// dkron ran on it, and nobody has seen a configuration: counts as state.
    #[serde(other)]
    Unknown,
}

/// The StatefulSet that a disk belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// Namespace of the set.
    pub namespace: Name,
    /// Name of the cluster.
    pub cluster: Name,
    /// UID of the set that wrote last; `None` where nobody told it.
    #[serde(default)]
    pub set_uid: Option<Name>,
    /// UIDs of sets of the same name that it belonged to before.
    #[serde(default)]
    pub former: Vec<Name>,
    /// The founding of its cluster: a set that lost its only server's disk may have been founded anew, and its other disks are then
    /// another cluster's. `None` where no wrapper has seen it yet.
    #[serde(default)]
    pub founding: Option<Name>,
}

impl Owner {
    /// UIDs of all sets that it ever belonged to.
    pub fn lineage(&self) -> impl Iterator<Item = &Name> {
        self.former.iter().chain(&self.set_uid)
    }
}

/// The server that leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Leader {
    /// Name of the node.
    pub name: Name,
    /// Its address for gRPC and raft, `IP:PORT`.
    pub rpc_addr: Name,
}

/// A server of a raft configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Server {
    /// raft's ID: the name of the node.
    pub id: Name,
    /// `IP:PORT`.
    pub address: Name,
    /// Whether it votes.
    pub voter: bool,
}

/// Whether the node stands in that configuration.
pub fn lists(servers: &[Server], node: &Name) -> bool {
    servers.iter().any(|server| server.id == *node)
}

/// A server as serf knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Name of the node.
    pub name: Name,
    /// Address of serf.
    pub ip: IpAddr,
    /// How serf sees it.
    pub status: Status,
    /// For how long the teller has seen it so, at this address; milliseconds.
    #[serde(default)]
    pub seen_for: Option<u64>,
}

impl Member {
    /// A member as it is seen at this moment.
    pub fn new(name: Name, ip: IpAddr, status: Status) -> Self {
        Self { name, ip, status, seen_for: None }
    }
}

/// serf's states of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// 1: alive, or suspected.
    Alive,
    /// 2: says that it goes.
    Leaving,
    /// 3: has said so and is gone; its name is free.
    Left,
    /// 4: gone without a word; its name is free half a minute later.
    Failed,
    /// Anything else.
    #[serde(other)]
    Unknown,
}
