//! One pod of the set through all its lives: each has an address and a sandbox of its own, the disk stays.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::container::{Container, Words};
use super::log::Log;
use super::sandbox::Sandbox;

/// The kubelet starts a container that ended at once, then with pauses.
const PAUSES: [u64; 3] = [0, 10, 20];

/// A place of the set.
pub struct Pod {
    name: String,
    folder: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    lives: u32,
    life: Option<Life>,
}

/// A pod while it exists. Fields are dropped in this order.
struct Life {
    name: String,
    container: Arc<Container>,
    sandbox: Sandbox,
    words: Words,
    log: Log,
    deleting: bool,
    restarts: usize,
    ended_at: Option<Instant>,
}

/// Folders of one life.
pub struct Folders {
    pub data: PathBuf,
    pub shared: PathBuf,
    pub run: PathBuf,
}

impl Pod {
    /// A pod that does not exist yet.
    pub fn new(name: String, folder: PathBuf) -> Self {
        Self { name, folder, inner: Mutex::default() }
    }

    /// `dkron-0`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The disk: kept through all lives.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Takes the disk away.
    pub fn wipe(&self) -> Result<()> {
        let data = self.data();
        if data.exists() {
            fs::remove_dir_all(&data).with_context(|| format!("removing {}", data.display()))?;
        }
        Ok(())
    }

    /// Begins a life in this sandbox; returns its name, `dkron-0.2` for the second.
    pub fn begin(
        &self,
        sandbox: Sandbox,
        log: &Log,
        words: impl FnOnce(&Folders) -> Words,
    ) -> Result<(String, Folders)> {
        let mut inner = self.lock();
        inner.lives += 1;
        let name = format!("{}.{}", self.name, inner.lives);
        let own = self.folder.join(inner.lives.to_string());
        let folders = Folders { data: self.data(), shared: own.join("shared"), run: own.join("run") };
        for folder in [&folders.data, &folders.shared, &folders.run] {
            fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        }
        let words = words(&folders);
        let container = Arc::new(Container::start(&sandbox, &words, log)?);
        inner.life = Some(Life {
            name: name.clone(),
            container,
            sandbox,
            words,
            log: log.clone(),
            deleting: false,
            restarts: 0,
            ended_at: None,
        });
        Ok((name, folders))
    }

    /// Name and address of the life that it has.
    pub fn life(&self) -> Option<(String, Ipv4Addr)> {
        self.lock().life.as_ref().map(|life| (life.name.clone(), life.sandbox.address()))
    }

    /// Its container.
    pub fn container(&self) -> Result<Arc<Container>> {
        let inner = self.lock();
        let life = inner.life.as_ref().with_context(|| format!("{} does not run", self.name))?;
        Ok(Arc::clone(&life.container))
    }

    /// The kubelet starts its container no more.
    pub fn mark_deleting(&self) {
        if let Some(life) = &mut self.lock().life {
            life.deleting = true;
        }
    }

    /// The kubelet forgets how often it has started the container: who kills it on purpose measures no pause of the kubelet.
    pub fn forgive(&self) {
        if let Some(life) = &mut self.lock().life {
            life.restarts = 0;
        }
    }

    /// Ends whatever still runs, and gives the address back.
    pub fn end(&self) {
        let life = self.lock().life.take();
        drop(life);
    }

    /// What the kubelet does once in a while: starts a container that ended. Returns what it did.
    pub fn keep(&self) -> Result<Option<String>> {
        let mut inner = self.lock();
        let Some(life) = inner.life.as_mut().filter(|life| !life.deleting) else { return Ok(None) };
        let Some(status) = life.container.ended() else { return Ok(None) };
        let ended_at = *life.ended_at.get_or_insert_with(Instant::now);
        let pause = PAUSES[life.restarts.min(PAUSES.len() - 1)];
        if ended_at.elapsed() < Duration::from_secs(pause) {
            return Ok(None);
        }
        life.restarts += 1;
        life.ended_at = None;
        life.container = Arc::new(Container::start(&life.sandbox, &life.words, &life.log)?);
        Ok(Some(format!("container ended with {status}; started again")))
    }

    /// Where its lives put what they write.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
