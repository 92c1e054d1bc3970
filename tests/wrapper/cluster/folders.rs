//! Folders with the logs of trials: kept until a scenario has shown what it must, and for good if it has not.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

thread_local! {
    /// Of the scenario that this thread runs.
    static FOLDERS: RefCell<Vec<PathBuf>> = const { RefCell::new(Vec::new()) };
}

/// Creates one for a trial of this name.
pub fn create(name: &str) -> Result<PathBuf> {
    let base = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = tempfile::Builder::new().prefix(&format!("wrapper-{name}-")).tempdir_in(base);
    let folder = folder.context("a folder for a trial")?.keep();
    FOLDERS.with_borrow_mut(|folders| folders.push(folder.clone()));
    Ok(folder)
}

/// Nobody needs those any more that were created since this was called last. With `DKRON_HA_KEEP` they stay all the same.
pub fn remove() -> Result<()> {
    let all = FOLDERS.take();
    if std::env::var_os("DKRON_HA_KEEP").is_some() {
        return Ok(());
    }
    all.iter()
        .try_for_each(|folder| fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display())))
}

/// They stay; returns where they are.
pub fn keep() -> String {
    let all = FOLDERS.take();
    all.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(" ")
}
