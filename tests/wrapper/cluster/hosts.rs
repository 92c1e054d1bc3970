//! The names of the pods: one hosts file that every pod sees, rewritten in place since it is mounted.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::net::Ipv4Addr;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};

/// The file.
pub struct Hosts {
    path: PathBuf,
    file: File,
    names: Mutex<BTreeMap<String, Ipv4Addr>>,
}

impl Hosts {
    /// Creates the file with nothing but localhost in it.
    pub fn create(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().create(true).write(true).truncate(true).open(path);
        let file = file.with_context(|| format!("creating {}", path.display()))?;
        let hosts = Self { path: path.to_owned(), file, names: Mutex::default() };
        hosts.change(|_| ())?;
        Ok(hosts)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name leads to this address from now on.
    pub fn add(&self, name: &str, address: Ipv4Addr) -> Result<()> {
        self.change(|names| {
            names.insert(name.to_owned(), address);
        })
    }

    /// The name leads nowhere.
    pub fn remove(&self, name: &str) -> Result<()> {
        self.change(|names| {
            names.remove(name);
        })
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, Ipv4Addr>)) -> Result<()> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut names);
        // A name is asked for with and without its last dot.
        let lines = names.iter().map(|(name, address)| format!("{address} {name} {name}.\n"));
        let text = format!("127.0.0.1 localhost\n{}", lines.collect::<String>());
        self.file.write_all_at(text.as_bytes(), 0).context("writing the hosts file")?;
        self.file.set_len(text.len() as u64).context("writing the hosts file")
    }
}
