//! Certificates for a person's own machine: an authority and one leaf in a directory. The authority's key is thrown
//! away, so nobody can sign anything else with it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Validity;
use super::files::{AUTHORITY_FILE, CHAIN_FILE, KEY_FILE};
use super::issue::{Authority, IssueError};

/// Hosts of a certificate for which none was named.
pub const HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// How long the files hold: long enough for a piece of work, too short to be mistaken for production.
pub const LIFE: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Why the files were not written.
#[derive(Debug, thiserror::Error)]
pub enum DevelopmentError {
    /// No certificate could be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// A file or the directory could not be written.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

/// What was written.
#[derive(Debug)]
pub struct Written {
    /// Certificate of the authority: what clients have to trust.
    pub authority: PathBuf,
    /// Certificate of the server.
    pub chain: PathBuf,
    /// Private key of the server, mode 0600.
    pub key: PathBuf,
    /// From when to when they hold.
    pub validity: Validity,
}

/// Writes `ca.crt`, `tls.crt` and `tls.key` for `hosts` ([`HOSTS`] if empty) into `dir`, which is made if missing.
/// Earlier files of these names are replaced.
///
/// # Errors
/// [`DevelopmentError`] with the host or the file at fault.
pub fn write(dir: &Path, hosts: &[String], now: SystemTime) -> Result<Written, DevelopmentError> {
    let usual = HOSTS.map(str::to_owned);
    let hosts = if hosts.is_empty() { &usual } else { hosts };
    let authority = Authority::create("dkron-ha development authority", now, LIFE)?;
    let leaf = authority.sign(hosts, now, LIFE)?;

    fs::create_dir_all(dir).map_err(|error| DevelopmentError::Write { path: dir.to_owned(), error })?;
    Ok(Written {
        authority: put(dir, AUTHORITY_FILE, authority.pem(), 0o644)?,
        chain: put(dir, CHAIN_FILE, &leaf.certificate_pem, 0o644)?,
        key: put(dir, KEY_FILE, &leaf.key_pem, 0o600)?,
        validity: authority.validity(),
    })
}

/// Writes beside the file and moves it into place, so that a server that reads the directory never sees half a file,
/// and an earlier file's mode does not matter.
fn put(dir: &Path, name: &str, content: &str, mode: u32) -> Result<PathBuf, DevelopmentError> {
    let path = dir.join(name);
    let beside = dir.join(format!(".{name}.{}", std::process::id()));
    let write = || -> io::Result<()> {
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file: File = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
        file.write_all(content.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &path)
    };
    match write() {
        Ok(()) => Ok(path),
        Err(error) => Err(DevelopmentError::Write { path, error }),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::certs::{CertDir, trust};

    #[test]
    fn the_written_files_are_a_cert_dir_that_its_authority_vouches_for() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("made/here");
        let now = SystemTime::now();
        let written = write(&dir, &["web.example".into(), "192.0.2.7".into()], now).unwrap();
        let files = CertDir::new(&dir);
        let loaded = files.load(&files.read().unwrap()).unwrap();
        assert_eq!(loaded.doubt, None);
        assert_eq!(loaded.pair.names(), ["web.example", "192.0.2.7"]);
        let bundle = fs::read(&written.authority).unwrap();
        trust::verify(&loaded.pair, &bundle, "192.0.2.7", now + LIFE / 2).unwrap();
        assert_eq!(fs::metadata(&written.key).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn writing_again_replaces_all_three_and_leaves_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let key = write(dir.path(), &[], now).unwrap().key;
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        let before = fs::read(&key).unwrap();
        write(dir.path(), &[], now).unwrap();
        assert_ne!(fs::read(&key).unwrap(), before);
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        let mut names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, [AUTHORITY_FILE, CHAIN_FILE, KEY_FILE]);
    }

    #[test]
    fn no_file_holds_the_key_of_the_authority() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &[], SystemTime::now()).unwrap();
        for file in [AUTHORITY_FILE, CHAIN_FILE] {
            assert!(!fs::read_to_string(dir.path().join(file)).unwrap().contains("PRIVATE KEY"), "{file}");
        }
        let key = fs::read_to_string(dir.path().join(KEY_FILE)).unwrap();
        assert_eq!(key.matches("BEGIN PRIVATE KEY").count(), 1);
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let error = write(&file.join("below"), &[], SystemTime::now()).unwrap_err().to_string();
        assert!(error.contains("below"), "{error}");
    }
}
