//! dkron's data directory, as the procedure sees it.

use std::io;
use std::path::{Path, PathBuf};

use super::super::procedure::{Disk, Marker, Server};
use super::marker::{self, MarkerError};
use super::raft_dir::RaftDir;

/// A data directory.
#[derive(Clone, Debug)]
pub struct DataDir {
    path: PathBuf,
    raft: RaftDir,
}

impl DataDir {
    /// The one at `path`.
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), raft: RaftDir::of(path) }
    }

    /// What it holds, and the marker in it. A marker that cannot be believed is told, and counts as none.
    pub fn holds(&self) -> (Disk, Option<Marker>, Option<MarkerError>) {
        let (marker, error) = match marker::read(&self.path) {
            Ok(marker) => (marker, None),
            Err(error) => (None, Some(error)),
        };
        let disk = self.raft.holds(marker.as_ref());
        // A marker beside nothing tells of raft state that somebody has taken away.
        (disk, marker.filter(|_| disk != Disk::Empty), error)
    }

    /// Writes the marker.
    ///
    /// # Errors
    /// What the system says.
    pub fn mark(&self, marker: &Marker) -> io::Result<()> {
        marker::write(&self.path, marker)
    }

    /// See [`RaftDir::move_aside`].
    ///
    /// # Errors
    /// What the system says.
    pub fn move_aside(&self) -> io::Result<()> {
        self.raft.move_aside()
    }

    /// See [`RaftDir::write_peers_json`].
    ///
    /// # Errors
    /// What the system says.
    pub fn write_peers_json(&self, servers: &[Server]) -> io::Result<()> {
        self.raft.write_peers_json(servers)
    }
}
