//! What raft keeps on disk: term, vote and log, one JSON line per change, in `<data-dir>/raft/raft.db`.
//! Snapshots are not modelled: the log is kept whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::standin::jobs::store::Command;

/// A member of the raft configuration. All are voters, as dkron's are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    pub id: String,
    pub address: String,
}

/// What an entry of the log says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Payload {
    /// A new leader's first entry.
    Noop,
    Configuration(Vec<Server>),
    Command(Command),
}

/// One entry of the log; its index is its place, from 1.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    pub term: u64,
    pub payload: Payload,
}

#[derive(Serialize, Deserialize)]
enum Line {
    Term {
        term: u64,
        vote: Option<String>,
    },
    /// Whatever was at `index` and behind it is gone.
    Entry {
        index: u64,
        entry: Entry,
    },
    /// `peers.json` replaced every configuration so far.
    Recovered {
        servers: Vec<Server>,
    },
}

/// The state and the file that holds it, locked for as long as the process lives.
pub struct Journal {
    file: File,
    pub term: u64,
    pub vote: Option<String>,
    entries: Vec<Entry>,
    /// Every configuration in force at some place of the log, with the place; 0 for the one of `peers.json`.
    configurations: Vec<(u64, Vec<Server>)>,
}

impl Journal {
    /// Opens the file below `data`, waiting for a process that holds it, and takes `peers.json` in.
    ///
    /// # Errors
    /// A directory that cannot be written, or `peers.json` without any state.
    pub fn open(data: &Path) -> io::Result<Self> {
        let raft = data.join("raft");
        fs::create_dir_all(raft.join("snapshots"))?;
        let path = raft.join("raft.db");
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        file.lock()?;
        let mut journal = Self { file, term: 0, vote: None, entries: Vec::new(), configurations: Vec::new() };
        // A line that was cut off by a kill is not counted.
        for line in fs::read_to_string(&path)?.lines().map_while(|line| serde_json::from_str(line).ok()) {
            journal.take(line);
        }
        let peers = raft.join("peers.json");
        if peers.is_file() {
            journal.recover(&fs::read_to_string(&peers)?)?;
            fs::remove_file(peers)?;
        }
        Ok(journal)
    }

    fn recover(&mut self, peers: &str) -> io::Result<()> {
        let servers: Vec<Server> = serde_json::from_str(peers)
            .map_err(|error| io::Error::other(format!("failed to parse peers.json: {error}")))?;
        if !self.has_state() {
            return Err(io::Error::other(
                "refused to recover cluster with no initial state, this is probably an operator error",
            ));
        }
        self.write(Line::Recovered { servers })
    }

    /// Whether there was ever a term or an entry.
    pub fn has_state(&self) -> bool {
        self.term > 0 || !self.entries.is_empty()
    }

    pub fn last_index(&self) -> u64 {
        self.entries.len() as u64
    }

    /// 0 for a place that the log does not have.
    pub fn term_at(&self, index: u64) -> u64 {
        self.entry(index).map_or(0, |entry| entry.term)
    }

    pub fn entry(&self, index: u64) -> Option<&Entry> {
        let at = usize::try_from(index.checked_sub(1)?).ok()?;
        self.entries.get(at)
    }

    /// At most `most` entries from `index` on.
    pub fn from(&self, index: u64, most: usize) -> Vec<Entry> {
        (index..).take(most).map_while(|index| self.entry(index).cloned()).collect()
    }

    /// The last configuration in the log, committed or not, and its place; 0 when `peers.json` gave it.
    pub fn configuration(&self) -> (u64, &[Server]) {
        self.configurations.last().map_or((0, &[]), |(index, servers)| (*index, servers))
    }

    /// Whether `peers.json` gave the configuration that counts.
    pub fn is_recovered(&self) -> bool {
        self.configurations.last().is_some_and(|(index, _)| *index == 0)
    }

    /// # Errors
    /// The disk's.
    pub fn set_term(&mut self, term: u64, vote: Option<String>) -> io::Result<()> {
        self.write(Line::Term { term, vote })
    }

    /// Puts `entry` at `index` and drops what was there and behind.
    ///
    /// # Errors
    /// The disk's.
    pub fn put(&mut self, index: u64, entry: Entry) -> io::Result<()> {
        self.write(Line::Entry { index, entry })
    }

    fn write(&mut self, line: Line) -> io::Result<()> {
        let mut text = serde_json::to_string(&line)?;
        text.push('\n');
        self.file.write_all(text.as_bytes())?;
        self.take(line);
        Ok(())
    }

    fn take(&mut self, line: Line) {
        match line {
            Line::Term { term, vote } => (self.term, self.vote) = (term, vote),
            Line::Recovered { servers } => self.configurations = vec![(0, servers)],
            Line::Entry { index, entry } => {
                self.entries.truncate(usize::try_from(index.saturating_sub(1)).unwrap_or(usize::MAX));
                self.configurations.retain(|(at, _)| *at < index);
                if let Payload::Configuration(servers) = &entry.payload {
                    self.configurations.push((index, servers.clone()));
                }
                self.entries.push(entry);
            }
        }
    }
}
