//! Plays the label updater: tells every wrapper what Kubernetes wants, once a second and at every change.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use dkron_ha::init::procedure::{Desired, DesiredPod};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

/// Between two writings while nothing changes.
const PERIOD: Duration = Duration::from_secs(1);

/// The file.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct File<'a> {
    #[serde(flatten)]
    desired: &'a Desired,
    written: Written<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    boot: &'a str,
    monotonic_ms: u64,
}

struct Wish {
    desired: Desired,
    /// Where each pod reads, and its grace period once it is being deleted.
    readers: Vec<(String, PathBuf, Option<u64>)>,
}

/// The wish, and the thread that writes it down.
pub struct Desk {
    wish: Arc<Mutex<Wish>>,
    wake: Option<Sender<()>>,
    silent: Arc<AtomicBool>,
    writer: Option<JoinHandle<()>>,
}

impl Desk {
    /// A set that wants `replicas` pods.
    pub fn open(set_uid: &str, replicas: u32, ordered_ready: bool) -> Result<Self> {
        let desired = Desired {
            replicas,
            ordinals_start: 0,
            set_uid: set_uid.into(),
            set_deleting: false,
            ordered_ready,
            grace_seconds: None,
            pods: Vec::new(),
        };
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").context("the id of this boot")?;
        let wish = Arc::new(Mutex::new(Wish { desired, readers: Vec::new() }));
        let silent = Arc::new(AtomicBool::new(false));
        let (wake, woken) = mpsc::channel();
        let (seen, quiet) = (Arc::clone(&wish), Arc::clone(&silent));
        let writer = thread::spawn(move || write_on(&seen, &quiet, boot.trim(), &woken));
        Ok(Self { wish, wake: Some(wake), silent, writer: Some(writer) })
    }

    /// Stops writing: the label updater is gone. What was written stays.
    pub fn fall_silent(&self) {
        self.silent.store(true, Ordering::Relaxed);
    }

    /// Sets `spec.replicas`.
    pub fn want(&self, replicas: u32) {
        self.change(|wish| wish.desired.replicas = replicas);
    }

    /// A pod exists, with its address, and reads in this folder.
    pub fn add(&self, pod: DesiredPod, folder: &Path) {
        self.change(|wish| {
            wish.readers.push((pod.name.to_string(), folder.join("desired.json"), None));
            wish.desired.pods.push(pod);
            wish.desired.pods.sort_by(|one, other| one.name.cmp(&other.name));
        });
    }

    /// A pod is being deleted.
    pub fn deleting(&self, pod: &str, grace: Duration) {
        self.change(|wish| {
            wish.of(pod).for_each(|pod| pod.deleting = true);
            let readers = wish.readers.iter_mut().filter(|(name, ..)| name == pod);
            readers.for_each(|(_, _, seconds)| *seconds = Some(grace.as_secs()));
        });
    }

    /// A pod's server has reported a leader.
    pub fn formed(&self, pod: &str) {
        self.change(|wish| wish.of(pod).for_each(|pod| pod.formed = true));
    }

    /// A pod is gone.
    pub fn remove(&self, pod: &str) {
        self.change(|wish| {
            wish.desired.pods.retain(|known| &*known.name != pod);
            wish.readers.retain(|(name, ..)| name != pod);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Wish)) {
        change(&mut lock(&self.wish));
        if let Some(wake) = &self.wake {
            let _ = wake.send(());
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

impl Wish {
    fn of<'a>(&'a mut self, pod: &'a str) -> impl Iterator<Item = &'a mut DesiredPod> {
        self.desired.pods.iter_mut().filter(move |known| &*known.name == pod)
    }
}

fn lock(wish: &Mutex<Wish>) -> MutexGuard<'_, Wish> {
    wish.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write_on(wish: &Mutex<Wish>, silent: &AtomicBool, boot: &str, woken: &Receiver<()>) {
    loop {
        if !silent.load(Ordering::Relaxed) {
            let wish = lock(wish);
            for (_, path, grace_seconds) in &wish.readers {
                let desired = Desired { grace_seconds: *grace_seconds, ..wish.desired.clone() };
                // A reader's folder may have gone with its pod.
                let _ = write(&desired, path, boot);
            }
        }
        match woken.recv_timeout(PERIOD) {
            Ok(()) | Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn write(desired: &Desired, path: &Path, boot: &str) -> Result<()> {
    let now = clock_gettime(ClockId::Monotonic);
    let monotonic_ms = u64::try_from(now.tv_sec)? * 1000 + u64::try_from(now.tv_nsec)? / 1_000_000;
    let file = File { desired, written: Written { boot, monotonic_ms } };
    let new = path.with_extension("new");
    fs::write(&new, serde_json::to_vec(&file)?)?;
    Ok(fs::rename(new, path)?)
}
