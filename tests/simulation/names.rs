//! Places, addresses and names of the simulated world. Shared texts are made once for each world: making them while it runs would
//! cost more than the rest of it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use dkron_ha::contract::port;
use dkron_ha::init::procedure::Name;

/// Places of the set that is watched: as many ordinals as it can be scaled out to.
pub const PLACES: usize = 7;
/// Places of the set in another namespace whose pods have equal names.
pub const STRANGERS: usize = 3;
/// All places.
pub const SLOTS: usize = PLACES + STRANGERS;
/// Addresses of the pod network. Zero means "none".
pub const ADDRESSES: usize = 80;

/// A place for a pod: those of the watched set first.
pub type Slot = usize;
/// Number of a pod's address.
pub type Ip = u8;
/// Places as bits.
pub type Mask = u16;

/// Bit of a place.
pub const fn bit(slot: usize) -> Mask {
    1 << slot
}

/// The places in a mask.
pub fn slots(mask: Mask) -> impl Iterator<Item = Slot> {
    (0..Mask::BITS as usize).filter(move |slot| mask & bit(*slot) != 0)
}

/// Which of the two sets a place belongs to.
pub const fn set_of(slot: Slot) -> usize {
    if slot < PLACES { 0 } else { 1 }
}

/// Number of a place within its set: with the first ordinal it makes the name, so it stands for serf's name and raft's ID too.
pub const fn place_of(slot: Slot) -> usize {
    if slot < PLACES { slot } else { slot - PLACES }
}

/// The place with this number in this set.
pub const fn slot_of(set: usize, place: usize) -> Slot {
    if set == 0 { place } else { PLACES + place }
}

/// The address itself.
pub fn address(ip: Ip) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 77, 0, ip))
}

/// Number of an address of the pod network.
pub fn number(ip: IpAddr) -> Option<Ip> {
    match ip {
        IpAddr::V4(four) if four.octets()[..3] == [10, 77, 0] => Some(four.octets()[3]),
        _ => None,
    }
}

/// The shared texts.
#[derive(Debug)]
pub struct Names {
    /// Names of pods and nodes by place.
    pub nodes: Vec<Name>,
    /// DNS names by slot.
    pub hosts: Vec<Name>,
    /// `IP:PORT` of gRPC and raft by address.
    pub rpc: Vec<Name>,
    /// Namespaces of the two sets.
    pub namespaces: [Name; 2],
    /// The cluster, of both.
    pub cluster: Name,
    /// A reason for whatever failed.
    pub failed: Name,
    /// Names of the UIDs of sets and pods that were given out.
    pub uids: Vec<Name>,
}

impl Names {
    /// Names of sets whose first ordinal is this.
    pub fn new(first: usize) -> Self {
        let namespaces: [Name; 2] = ["green".into(), "blue".into()];
        let host = |slot: Slot| {
            let ordinal = first + place_of(slot);
            format!("dkron-{ordinal}.dkron.{}.svc.cluster.local.", namespaces[set_of(slot)]).into()
        };
        Self {
            nodes: (0..PLACES).map(|place| format!("dkron-{}", first + place).into()).collect(),
            hosts: (0..SLOTS).map(host).collect(),
            rpc: (0..ADDRESSES).map(|ip| rpc(ip as Ip).to_string().into()).collect(),
            namespaces,
            cluster: "dkron".into(),
            failed: "failed".into(),
            uids: Vec::new(),
        }
    }

    /// The name of UID number `uid`.
    pub fn uid(&mut self, uid: u32) -> Name {
        while self.uids.len() <= uid as usize {
            self.uids.push(format!("uid-{}", self.uids.len()).into());
        }
        self.uids[uid as usize].clone()
    }

    /// The place of this node's name.
    pub fn place(&self, name: &Name) -> Option<usize> {
        self.nodes.iter().position(|node| Arc::ptr_eq(node, name) || node == name)
    }
}

/// `IP:PORT` of gRPC and raft.
pub fn rpc(ip: Ip) -> SocketAddr {
    SocketAddr::new(address(ip), port::DKRON_RPC)
}
