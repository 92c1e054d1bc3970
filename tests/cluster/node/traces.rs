//! What a node leaves outside its namespaces: control groups, which no namespace removes. One directory of each controller holds
//! all of the node's.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

const MOUNTED: &str = "/sys/fs/cgroup";

/// Tells the process inside what the directories are called.
pub const VARIABLE: &str = "DKRON_HA_TIER_CGROUP";

const NAME: &str = "dkron-ha-cluster-tier-";

/// Processes that are killed need a moment until their group is empty.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// The directories; removed when dropped.
pub struct Traces {
    /// Below each controller.
    pub name: String,
    directories: Vec<PathBuf>,
}

impl Traces {
    /// Makes them, and removes those of runs that were killed.
    pub fn none_but_ours() -> Result<Self> {
        let controllers = controllers().context("looking for control groups")?;
        for stale in controllers.iter().flat_map(|controller| of_the_dead(controller)) {
            remove(&stale);
        }
        let name = format!("{NAME}{}", process::id());
        let directories: Vec<_> = controllers.iter().map(|controller| controller.join(&name)).collect();
        for directory in &directories {
            fs::create_dir(directory).with_context(|| format!("making {}", directory.display()))?;
        }
        Ok(Self { name, directories })
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        let begun = Instant::now();
        self.directories.retain(|directory| !remove(directory));
        while !self.directories.is_empty() && begun.elapsed() < GONE_WITHIN {
            thread::sleep(Duration::from_millis(50));
            self.directories.retain(|directory| !remove(directory));
        }
        for directory in &self.directories {
            eprintln!("left behind: {}", directory.display());
        }
    }
}

/// Version 2 has one tree, version 1 a tree for each controller; links to those are passed over.
fn controllers() -> io::Result<Vec<PathBuf>> {
    let root = PathBuf::from(MOUNTED);
    if root.join("cgroup.controllers").is_file() {
        return Ok(vec![root]);
    }
    let entries = fs::read_dir(&root)?.collect::<io::Result<Vec<_>>>()?;
    let mounted = |path: &PathBuf| path.is_dir() && !path.is_symlink() && path.join("cgroup.procs").is_file();
    Ok(entries.into_iter().map(|entry| entry.path()).filter(mounted).collect())
}

fn of_the_dead(controller: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(controller).into_iter().flatten().flatten();
    let dead = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.strip_prefix(NAME).is_some_and(|id| !Path::new("/proc").join(id).exists())
    };
    entries.map(|entry| entry.path()).filter(dead).collect()
}

/// Whether it is gone with everything below.
fn remove(directory: &Path) -> bool {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            remove(&entry.path());
        }
    }
    fs::remove_dir(directory).is_ok() || !directory.exists()
}
