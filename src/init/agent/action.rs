//! What the life of an agent wants done. The edges do it and answer with an [`Input`](super::Input) where one is named.

use std::net::IpAddr;

use super::saying::Saying;

/// One thing to do, in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start dkron; answered by `Started`, later by `Ended`.
    Start,
    /// Send TERM to dkron.
    Term,
    /// Send KILL to dkron.
    Kill,
    /// Let the gossip of this agent and that of the server at this address hear of each other; answered by `Introduced`.
    Introduce(IpAddr),
    /// Count the jobs that run here; answered by `Jobs`.
    CountJobs,
    /// Tell people.
    Say(Saying),
    /// End this program as dkron ended, with this code.
    Exit(u8),
}
