//! The corpus of `tests/manifests`: golden verdicts, the command line against the real HTTPS server, and a second pass.
//!
//! `UPDATE_GOLDEN=1 cargo test --test corpus` writes the golden files anew; the difference is then reviewed as code is.

mod golden;
mod hostile;
mod https;
mod readme;
mod serving;
mod shell;

use std::path::{Path, PathBuf};

/// All manifests, in order.
fn manifests() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests");
    let files = std::fs::read_dir(folder).expect("tests/manifests");
    let mut files: Vec<_> = files.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml" || extension == "json"));
    files.sort();
    assert!(files.len() >= 30, "only {} manifests", files.len());
    files
}

fn stem(file: &Path) -> String {
    file.file_stem().expect("a name").to_string_lossy().into_owned()
}

/// Files of the corpus that are meant to be refused say so in their names.
fn is_refused(file: &Path) -> bool {
    stem(file).starts_with("reject-")
}
