//! What the procedure wants done. The edges do it and answer with an [`Input`](super::Input) where one is named.

use std::net::SocketAddr;

use super::input::Marker;
use super::saying::Saying;
use super::state::{Name, Server};

/// Exit code of a program that TERM ended before it ran dkron: as the signal ends a process that does not catch it.
pub const TERMINATED: u8 = 128 + 15;

/// One thing to do, in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start dkron; answered by `Started`, later by `Ended`.
    Start(Launch),
    /// Send TERM to dkron.
    Term,
    /// Send KILL to dkron.
    Kill,
    /// End the plugins that a dkron which died has left behind.
    EndPlugins,
    /// `dkron raft list-peers` at this address; answered by `Raft`.
    ListRaft(SocketAddr),
    /// `dkron raft remove-peer` of `id` at the leader; answered by `Removed`.
    RemovePeer {
        /// gRPC address of the leader.
        at: SocketAddr,
        /// raft's ID of the server to remove.
        id: Name,
    },
    /// Ask the server at this address to take over, by raft's `TimeoutNow`; answered by `HandedOver`.
    HandOver(SocketAddr),
    /// `POST /v1/leave` at the own dkron; answered by `Left`.
    Leave,
    /// `GET /v1/busy` at the own dkron; answered by `Busy`.
    AskBusy,
    /// Write the marker beside the raft state.
    Mark(Marker),
    /// Look at all peers and at the own dkron now.
    Look,
    /// Tell people.
    Say(Saying),
    /// End this program with this code; dkron is gone.
    Exit(u8),
}

/// How a server is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// What dkron joins: names with a trailing dot, or addresses. Empty for a server that is alone.
    pub join: Vec<Name>,
    /// `--bootstrap-expect`; `None` takes the user's own out.
    pub expect: Option<u32>,
    /// What is done to the disk first.
    pub disk: Prepare,
}

/// What is done to the raft directory before a start. Only for dkron before version 4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prepare {
    /// Nothing.
    Keep,
    /// The raft directory is moved aside: this server was removed and comes back empty.
    MoveAside,
    /// `raft/peers.json` is written: raft takes these servers for its configuration.
    Recover(Vec<Server>),
}
