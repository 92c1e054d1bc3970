//! `install DEST`: this program copies itself into the volume that the dkron container sees. No shell, nothing but DEST is written.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The running program, also where its file was replaced or deleted meanwhile.
const OWN_PROGRAM: &str = "/proc/self/exe";

/// Any user may read and execute it, nobody may change it.
const PROGRAM_MODE: u32 = 0o555;

/// Of parent directories that had to be made.
const DIRECTORY_MODE: u32 = 0o755;

/// What failed, on which path.
#[derive(Debug)]
pub struct InstallError {
    what: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl fmt::Display for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {}: {}", self.what, self.path.display(), self.source)
    }
}

impl std::error::Error for InstallError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Turns an [`io::Error`] into one that names operation and path.
fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> InstallError {
    let path = path.to_owned();
    move |source| InstallError { what, path, source }
}

/// Copies the running program to the file `destination` with mode 0555.
///
/// Who opens `destination` at any moment finds the whole old file, the whole new one, or none. Missing parents are made.
///
/// # Errors
/// [`InstallError`]; `destination` is then what it was before, and no temporary file stays behind.
pub fn install(destination: &Path) -> Result<(), InstallError> {
    let name = destination
        .file_name()
        .ok_or_else(|| failed("install to", destination)(io::Error::other("the path names no file")))?;
    let parent = match destination.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    make_directories(parent)?;

    let mut temporary_name = OsString::from(".");
    temporary_name.push(name);
    // In containers always 1: what a killed attempt left behind is found again instead of piling up.
    temporary_name.push(format!(".{}.tmp", std::process::id()));
    let temporary = parent.join(temporary_name);

    let placed = write_copy(&temporary)
        .and_then(|()| fs::rename(&temporary, destination).map_err(failed("rename the copy to", destination)));
    if placed.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    placed.and_then(|()| sync_directory(parent))
}

fn write_copy(temporary: &Path) -> Result<(), InstallError> {
    match fs::remove_file(temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("remove", temporary)(error)),
        _ => {}
    }
    let own = Path::new(OWN_PROGRAM);
    let mut from = File::open(own).map_err(failed("open", own))?;
    // `create_new` never follows a link that somebody put there.
    let mut to = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(temporary)
        .map_err(failed("create", temporary))?;
    io::copy(&mut from, &mut to).map_err(failed("write", temporary))?;
    // The mode of `open` is cut by the umask; this one is not.
    to.set_permissions(Permissions::from_mode(PROGRAM_MODE)).map_err(failed("set the mode of", temporary))?;
    to.sync_all().map_err(failed("write to disk", temporary))
}

/// Makes `directory` and what is missing above it.
fn make_directories(directory: &Path) -> Result<(), InstallError> {
    if directory.is_dir() {
        return Ok(());
    }
    let above = directory.parent().filter(|above| !above.as_os_str().is_empty());
    if let Some(above) = above {
        make_directories(above)?;
    }
    match DirBuilder::new().mode(DIRECTORY_MODE).create(directory) {
        // Somebody else was faster, or a file is in the way: creating the copy tells.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        made => made.map_err(failed("create the directory", directory))?,
    }
    // Again because of the umask.
    fs::set_permissions(directory, Permissions::from_mode(DIRECTORY_MODE))
        .map_err(failed("set the mode of", directory))?;
    sync_directory(above.unwrap_or(Path::new(".")))
}

/// Makes a new name in `directory` outlive a crash of the node.
fn sync_directory(directory: &Path) -> Result<(), InstallError> {
    File::open(directory).and_then(|opened| opened.sync_all()).map_err(failed("write to disk", directory))
}
