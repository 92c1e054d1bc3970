//! What the procedure learns: facts as they arrive. Everything that tells of another machine is believed only after
//! `identity` has said whose it is.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::moment::Moment;
use super::state::{Disk, Leader, Member, Name, Owner, Server, State};

/// What never changes while the wrapper lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Me {
    /// Namespace of the pod.
    pub namespace: Name,
    /// Cluster that it serves.
    pub cluster: Name,
    /// Name of the pod.
    pub pod: Name,
    /// dkron's node name.
    pub node: Name,
    /// Address of the pod.
    pub ip: Option<IpAddr>,
    /// The servers of the first bootstrap in the order of their ordinals, own pod included.
    pub peers: Vec<PeerName>,
    /// Servers of the first bootstrap, where that was said.
    pub size: Option<u32>,
    /// `--bootstrap-expect` as the user wrote it.
    pub users_size: Option<u32>,
    /// What becomes of the disk when the pod goes.
    pub storage: Storage,
    /// How dkron deals with addresses; [`Input::Generation`] may tell later.
    pub generation: Generation,
    /// Time between TERM and KILL, where the label updater does not know better.
    pub grace: Duration,
    /// Port of dkron's gRPC and raft.
    pub rpc_port: u16,
    /// What the disk was found to hold.
    pub disk: Disk,
    /// The marker beside the raft state.
    pub marker: Option<Marker>,
    /// What a cluster is called that is founded with this server as the lowest, in this life; nobody else has the same.
    pub founding: Option<Name>,
}

impl Me {
    /// Servers of the first bootstrap by their names. The own name alone tells nothing: so are the pods of a set stamped that was made
    /// without replicas.
    pub fn named_peers(&self) -> Option<u32> {
        u32::try_from(self.peers.len()).ok().filter(|named| *named > 1)
    }
}

/// A server by the names it has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PeerName {
    /// Name of the pod.
    pub pod: Name,
    /// What dkron joins: a complete DNS name, or an address.
    pub host: Name,
}

/// What becomes of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Storage {
    /// It comes back with the pod.
    Persistent,
    /// It is lost with the pod.
    Ephemeral,
}

/// How dkron deals with addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Generation {
    /// Version 3 and before: raft keeps the addresses of its configuration.
    Three,
    /// Version 4 and later, and whatever cannot be told: raft follows names to their addresses.
    Four,
}

/// The file `dkron-ha.json` beside the raft state, fsynced whenever it changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Marker {
    /// The set that the state belongs to.
    #[serde(flatten)]
    pub owner: Owner,
    /// The raft configuration as it was last seen; empty while this disk holds nothing.
    pub members: Vec<Server>,
    /// Pods whose servers hold a cluster of this set, of which this disk holds nothing yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<Name>,
}

/// `/dkron-ha/desired.json`: what Kubernetes wants, written by the label updater.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Desired {
    /// `spec.replicas`.
    pub replicas: u32,
    /// `spec.ordinals.start`.
    #[serde(default)]
    pub ordinals_start: u32,
    /// UID of the StatefulSet.
    pub set_uid: Name,
    /// The StatefulSet is being deleted.
    #[serde(default)]
    pub set_deleting: bool,
    /// `podManagementPolicy` is `OrderedReady`.
    #[serde(default)]
    pub ordered_ready: bool,
    /// The own pod's `deletionGracePeriodSeconds`, once it is being deleted.
    #[serde(default)]
    pub grace_seconds: Option<u64>,
    /// Every pod of the set.
    pub pods: Vec<DesiredPod>,
}

impl Desired {
    /// Ordinals of the pods that are wanted.
    pub fn wanted(&self) -> Range<u32> {
        self.ordinals_start..self.ordinals_start.saturating_add(self.replicas)
    }
}

/// A pod of the set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DesiredPod {
    /// Its name.
    pub name: Name,
    /// Its UID.
    pub uid: Name,
    /// Its address, once it has one.
    #[serde(default)]
    pub ip: Option<IpAddr>,
    /// It is being deleted.
    #[serde(default)]
    pub deleting: bool,
    /// Its annotation `dkron-ha.io/formed` says that it has known a leader.
    #[serde(default)]
    pub formed: bool,
}

/// The address that Kubernetes gives a pod.
pub fn address_of(pods: &[DesiredPod], pod: &str) -> Option<IpAddr> {
    pods.iter().find(|there| &*there.name == pod)?.ip
}

/// One look at one address of a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The address.
    pub ip: IpAddr,
    /// DNS gave it for the peer's name.
    pub by_name: bool,
    /// What its wrapper said.
    pub wrapper: Told<State>,
    /// What its dkron said. Asked only where no wrapper told it in a language that is understood.
    pub dkron: Told<DkronView>,
}

/// What somebody said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told<T> {
    /// An answer.
    Answer(T),
    /// Something answers there, and not in a language that is understood.
    Unreadable,
    /// The machine answers and nothing listens at the port.
    Nobody,
    /// Silence, or nobody asked.
    Silence,
}

/// A dkron server as its HTTP API shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DkronView {
    /// The leader that it names, read strictly.
    pub leader: Option<Leader>,
    /// It says that it leads.
    pub leads: bool,
    /// The servers that its serf knows.
    pub members: Vec<Member>,
}

/// A raft configuration as some dkron tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// Its servers.
    pub servers: Vec<Server>,
    /// The ID of the one that raft there follows, whatever gossip shows of it, where it is at the address of the configuration.
    pub leader: Option<Name>,
}

impl From<Vec<Server>> for Configuration {
    fn from(servers: Vec<Server>) -> Self {
        Self { servers, leader: None }
    }
}

/// How a request to the edges ended.
pub type Outcome<T> = Result<T, Name>;

/// What the procedure hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Time has passed.
    Tick,
    /// TERM or INT came.
    Stop,
    /// A peer was looked at, each of its addresses; `Err` where no address was found.
    Looked {
        /// Name of its pod.
        pod: Name,
        /// When the look began.
        asked: Moment,
        /// What was seen.
        looks: Outcome<Vec<Look>>,
    },
    /// The own dkron was looked at; `None` where its HTTP API does not answer.
    Own(Option<DkronView>),
    /// A `desired.json` that was read, and when it was written; not older than this wrapper's boot.
    Desired(Desired, Moment),
    /// dkron was asked for its version.
    Generation(Generation),
    /// dkron was started.
    Started,
    /// dkron ended with this exit code (128 + n after signal n).
    Ended(u8),
    /// Answer to [`Action::ListRaft`](super::Action::ListRaft).
    Raft(SocketAddr, Outcome<Configuration>),
    /// Answer to [`Action::RemovePeer`](super::Action::RemovePeer).
    Removed(Name, Outcome<()>),
    /// Answer to [`Action::HandOver`](super::Action::HandOver): the message was taken.
    HandedOver(SocketAddr, Outcome<()>),
    /// Answer to [`Action::Leave`](super::Action::Leave).
    Left(Outcome<()>),
    /// Answer to [`Action::AskBusy`](super::Action::AskBusy): executions that run on this node.
    Busy(Outcome<usize>),
}
