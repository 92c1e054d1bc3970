//! What to do at the start and at the end of dkron's life: facts in, decision out. No clock, no socket, no process.
//!
//! For now the way of the Helm chart that came before, with a strict reading of who leads. The full procedure takes this
//! module's place; [`super::run`] only gathers the facts and carries out what is decided here.

use std::fmt;

use rustix::process::Signal;

use super::leader::{Leader, NoLeader};

/// How often every peer must have said that nobody leads before a cluster is founded. A second apart, they outlast an
/// election (1.3 to 2.9 s without a leader).
pub const QUIET_ROUNDS: u32 = 5;

/// dkron's role, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Holds raft state and may lead.
    Server,
    /// Runs jobs only.
    Agent,
    /// Only dkron's configuration file knows.
    Unknown,
}

/// What was last seen of a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Nothing yet.
    Unseen,
    /// Its name has no address.
    Unresolved(String),
    /// No dkron answers there.
    Silent(String),
    /// Its dkron answers and knows no leader.
    Leaderless(NoLeader),
    /// Its dkron knows the leader.
    Knows(Leader),
}

impl fmt::Display for Sight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unseen => f.write_str("not seen yet"),
            Self::Unresolved(why) => write!(f, "no address: {why}"),
            Self::Silent(why) => write!(f, "no answer: {why}"),
            Self::Leaderless(why) => write!(f, "no leader: {why}"),
            Self::Knows(leader) => write!(f, "leader: {leader}"),
        }
    }
}

/// A server of the first bootstrap.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Name or address for dkron and DNS.
    pub name: String,
    /// It is this pod.
    pub own: bool,
    /// What was last seen of it.
    pub sight: Sight,
    /// How often in a row it had an address and told of no leader.
    pub quiet_rounds: u32,
}

impl Peer {
    /// A peer of whom nothing is known yet.
    pub fn new(name: String, own: bool) -> Self {
        Self { name, own, sight: Sight::Unseen, quiet_rounds: 0 }
    }

    /// Takes in one round's sight.
    pub fn note(&mut self, sight: Sight) {
        self.quiet_rounds = match sight {
            Sight::Silent(_) | Sight::Leaderless(_) => self.quiet_rounds.saturating_add(1),
            Sight::Unseen | Sight::Unresolved(_) | Sight::Knows(_) => 0,
        };
        self.sight = sight;
    }
}

/// Everything that the start depends on.
#[derive(Clone, Debug)]
pub struct Facts {
    /// dkron's role.
    pub role: Role,
    /// Servers of the first bootstrap.
    pub size: Option<u32>,
    /// The servers of the first bootstrap, by ordinal.
    pub peers: Vec<Peer>,
}

/// What to do before dkron runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// Nothing until a fact changes.
    Wait(WaitFor),
    /// Start dkron.
    Run(Launch),
}

/// What a start waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// Addresses of these names.
    Names(Vec<String>),
    /// More rounds of answers.
    Answers,
    /// A leader: this server is none of those who found the cluster.
    Leader,
}

/// How dkron is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Launch {
    /// As the user wrote it.
    AsWritten,
    /// As an agent, with joining where the user said nothing of it.
    Agent,
    /// As a server.
    Server {
        /// Whom to join.
        join: Vec<String>,
        /// Found a cluster with so many servers; `None` to join only.
        expect: Option<u32>,
    },
}

/// Decides the start.
pub fn start(facts: &Facts) -> Start {
    match facts.role {
        Role::Server => start_server(facts),
        Role::Agent => Start::Run(Launch::Agent),
        Role::Unknown => Start::Run(Launch::AsWritten),
    }
}

fn start_server(facts: &Facts) -> Start {
    let others: Vec<&Peer> = facts.peers.iter().filter(|peer| !peer.own).collect();
    let join = || others.iter().map(|peer| peer.name.clone()).collect();
    if others.is_empty() {
        // Without a word on the cluster the user's own flags are all there is.
        let known = facts.size == Some(1) || !facts.peers.is_empty();
        let alone = Launch::Server { join: Vec::new(), expect: Some(facts.size.unwrap_or(1)) };
        return Start::Run(if known { alone } else { Launch::AsWritten });
    }
    if others.iter().any(|peer| matches!(peer.sight, Sight::Knows(_))) {
        return Start::Run(Launch::Server { join: join(), expect: None });
    }
    let nameless = others.iter().filter(|peer| matches!(peer.sight, Sight::Unseen | Sight::Unresolved(_)));
    let nameless: Vec<String> = nameless.map(|peer| peer.name.clone()).collect();
    if !nameless.is_empty() {
        return Start::Wait(WaitFor::Names(nameless));
    }
    if others.iter().any(|peer| peer.quiet_rounds < QUIET_ROUNDS) {
        return Start::Wait(WaitFor::Answers);
    }
    let size = facts.size.unwrap_or(u32::try_from(facts.peers.len()).unwrap_or(u32::MAX));
    // A server that was added by scaling up must never found a second cluster.
    let founds = facts.peers.iter().zip(0..size).any(|(peer, _)| peer.own);
    if founds { Start::Run(Launch::Server { join: join(), expect: Some(size) }) } else { Start::Wait(WaitFor::Leader) }
}

/// What to do about a signal that came for dkron.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnSignal {
    /// Give it to dkron. TERM and INT end it so, in its own way and as long as Kubernetes lets it.
    PassOn,
    /// There is no dkron yet: end as this signal ends a process.
    End,
    /// There is no dkron yet that it could mean.
    Ignore,
}

/// Decides about a signal; `running` says that dkron was started.
pub fn on_signal(signal: Signal, running: bool) -> OnSignal {
    match (running, signal) {
        (true, _) => OnSignal::PassOn,
        (false, Signal::TERM | Signal::INT | Signal::QUIT) => OnSignal::End,
        (false, _) => OnSignal::Ignore,
    }
}

#[cfg(test)]
mod tests;
