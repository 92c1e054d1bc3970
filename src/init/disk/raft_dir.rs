//! The directory in which dkron keeps raft's log and snapshots.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::super::procedure::{Disk, Marker, Server};
use super::whole_file::{self, Kind};

/// Where dkron has it, in its data directory.
const NAME: &str = "raft";

/// What dkron takes for its raft configuration at its next start, and then removes.
const PEERS: &str = "peers.json";

/// What may lie in the directory before raft has ever run there: dkron makes the directory of snapshots before the log.
const BEFORE_RAFT: [&str; 4] = ["snapshots", PEERS, "peers.json.new", "peers.info"];

/// A server as raft reads it from `peers.json`.
#[derive(Serialize)]
struct Peer<'a> {
    id: &'a str,
    address: &'a str,
    non_voter: bool,
}

/// The raft directory of one data directory.
#[derive(Clone, Debug)]
pub struct RaftDir {
    data_dir: PathBuf,
}

impl RaftDir {
    /// The raft directory in `data_dir`.
    pub fn of(data_dir: &Path) -> Self {
        Self { data_dir: data_dir.to_owned() }
    }

    /// What the disk holds; `marker` is what was read beside it, `None` also where it could not be believed.
    ///
    /// Empty needs proof: dkron's own log is `raft/raft.db`, that of other storage engines has other names, so any file
    /// there counts; and whatever cannot be looked at is unknown.
    pub fn holds(&self, marker: Option<&Marker>) -> Disk {
        match has_run(&self.path()) {
            Ok(false) => Disk::Empty,
            Ok(true) if marker.is_some_and(|marker| !marker.members.is_empty()) => Disk::State,
            Ok(true) | Err(_) => Disk::Unknown,
        }
    }

    /// Renames the directory to `raft.removed-<n>`, so that dkron starts empty; of older such copies only one is kept.
    ///
    /// # Errors
    /// What the system says. Where there is no directory nothing is done.
    pub fn move_aside(&self) -> io::Result<()> {
        if !self.path().try_exists()? {
            return Ok(());
        }
        let (mut copies, mut next) = (Vec::new(), 0);
        for entry in fs::read_dir(&self.data_dir)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix(NAME)?.strip_prefix(".removed-"));
            if let Some(number) = number.and_then(|number| number.parse::<u32>().ok()) {
                next = next.max(number.saturating_add(1));
                copies.push(number);
            }
        }
        let copy = |number| self.data_dir.join(format!("{NAME}.removed-{number}"));
        fs::rename(self.path(), copy(next))?;
        copies.sort_unstable();
        copies.pop();
        for number in copies {
            fs::remove_dir_all(copy(number))?;
        }
        Ok(())
    }

    /// Writes what raft is to take for its configuration at the next start.
    ///
    /// # Errors
    /// What the system says.
    pub fn write_peers_json(&self, servers: &[Server]) -> io::Result<()> {
        let peers: Vec<Peer<'_>> =
            servers.iter().map(|Server { id, address, voter }| Peer { id, address, non_voter: !voter }).collect();
        whole_file::write(&self.path().join(PEERS), &serde_json::to_vec(&peers)?, Kind::State)
    }

    fn path(&self) -> PathBuf {
        self.data_dir.join(NAME)
    }
}

/// Whether raft has ever run in `directory`.
fn has_run(directory: &Path) -> io::Result<bool> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let snapshots = name == BEFORE_RAFT[0] && fs::read_dir(entry.path())?.next().is_some();
        if snapshots || !BEFORE_RAFT.iter().any(|early| name == *early) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::super::super::procedure::Owner;
    use super::*;

    fn marker(members: usize) -> Marker {
        let owner = Owner { namespace: "n".into(), cluster: "a".into(), set_uid: None, former: vec![], founding: None };
        Marker { owner, members: vec![server("a-0", true); members], elsewhere: vec!["a-1".into()] }
    }

    fn server(id: &str, voter: bool) -> Server {
        Server { id: id.into(), address: "10.0.0.1:6868".into(), voter }
    }

    /// A data directory with these files, or directories where the name ends in a slash.
    fn with(names: &[&str]) -> (tempfile::TempDir, RaftDir) {
        let directory = tempfile::tempdir().expect("a directory");
        for name in names {
            let path = directory.path().join(name);
            fs::create_dir_all(if name.ends_with('/') { &path } else { path.parent().expect("a parent") })
                .expect("made");
            if !name.ends_with('/') {
                fs::write(path, *name).expect("written");
            }
        }
        let raft = RaftDir::of(directory.path());
        (directory, raft)
    }

    #[test]
    fn only_a_disk_without_any_trace_of_raft_is_empty() {
        let table: [(&[&str], Disk); 8] = [
            (&[], Disk::Empty),
            (&["raft/"], Disk::Empty),
            (&["raft/snapshots/", "raft/peers.json", "dkron-ha.json"], Disk::Empty),
            (&["raft.removed-0/raft.db"], Disk::Empty),
            (&["raft/raft.db"], Disk::State),
            // Another storage engine, whatever it calls its file.
            (&["raft/log.fast"], Disk::State),
            (&["raft/snapshots/3-17-1/state.bin"], Disk::State),
            (&["raft"], Disk::Unknown),
        ];
        for (names, expected) in table {
            let (_directory, raft) = with(names);
            assert_eq!(raft.holds(Some(&marker(1))), expected, "{names:?}");
            let without = if expected == Disk::State { Disk::Unknown } else { expected };
            assert_eq!(raft.holds(None), without, "{names:?}");
            assert_eq!(raft.holds(Some(&marker(0))), without, "{names:?}");
        }
        assert_eq!(RaftDir::of(Path::new("/nowhere/at/all")).holds(None), Disk::Empty);
    }

    #[test]
    fn of_what_was_moved_aside_one_older_copy_is_kept() {
        let (directory, raft) = with(&["keep", "raft.removed-x/", "raft.removed-7/old"]);
        let listed = || {
            let entries = fs::read_dir(directory.path()).expect("a directory");
            let mut names: Vec<_> =
                entries.map(|e| e.expect("entry").file_name().into_string().expect("text")).collect();
            names.sort();
            names
        };
        raft.move_aside().expect("nothing to do");
        assert_eq!(listed(), ["keep", "raft.removed-7", "raft.removed-x"]);
        for expected in [["raft.removed-7", "raft.removed-8"], ["raft.removed-8", "raft.removed-9"]] {
            fs::create_dir(directory.path().join("raft")).expect("made");
            fs::write(directory.path().join("raft/raft.db"), "log").expect("written");
            raft.move_aside().expect("moved");
            assert_eq!(listed()[1..3], expected);
            assert_eq!(raft.holds(Some(&marker(1))), Disk::Empty);
        }
        assert_eq!(fs::read(directory.path().join("raft.removed-9/raft.db")).expect("kept"), b"log");
    }

    #[test]
    fn peers_are_written_as_raft_reads_them() {
        let (directory, raft) = with(&["raft/"]);
        raft.write_peers_json(&[server("a-0", true), server("a\"1", false)]).expect("written");
        let text = fs::read_to_string(directory.path().join("raft/peers.json")).expect("text");
        let expected = "[{\"id\":\"a-0\",\"address\":\"10.0.0.1:6868\",\"non_voter\":false},\
                        {\"id\":\"a\\\"1\",\"address\":\"10.0.0.1:6868\",\"non_voter\":true}]";
        assert_eq!(text, expected);
    }
}
