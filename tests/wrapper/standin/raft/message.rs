//! What rafts say to each other.

use serde::{Deserialize, Serialize};

use super::journal::Entry;

/// The leader's message: it is alive, and here is what follows `previous`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Append {
    pub term: u64,
    pub leader: String,
    /// Where the leader says that it is reached.
    pub address: String,
    pub previous: u64,
    pub previous_term: u64,
    pub entries: Vec<Entry>,
    pub commit: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Appended {
    pub term: u64,
    pub success: bool,
    pub last: u64,
}

/// A request for a vote.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ask {
    pub term: u64,
    pub candidate: String,
    pub last: u64,
    pub last_term: u64,
    /// Only to learn whether one would win.
    pub pre: bool,
    /// The leader itself asked for it, so that a known leader is no reason to refuse.
    pub transfer: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Vote {
    pub term: u64,
    pub granted: bool,
}
