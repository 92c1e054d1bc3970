//! A file that is there whole or not at all; where it is state, also after the machine has crashed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// State: on the disk before anything is built on it, and nothing secret in it.
    State,
    /// Made anew at each start, and for the owner's eyes only: it may hold keys.
    Secret,
    /// Written again every few seconds, for others to read: nothing is lost with it.
    News,
}

/// Writes `content` to a file beside `path`, and puts it in its place.
///
/// # Errors
/// What the system says; the old file is left as it was.
pub fn write(path: &Path, content: &[u8], kind: Kind) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = Path::new(&beside);
    let mode = match kind {
        Kind::State | Kind::News => 0o644,
        Kind::Secret => 0o600,
    };
    // What a crash left behind may have another mode.
    match fs::remove_file(beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(beside)?;
    file.write_all(content)?;
    if kind == Kind::State {
        file.sync_all()?;
    }
    fs::rename(beside, path)?;
    match path.parent() {
        Some(directory) if kind == Kind::State => File::open(directory)?.sync_all(),
        _ => Ok(()),
    }
}
