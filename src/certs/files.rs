//! `--cert-dir`: the files of a `kubernetes.io/tls` Secret, as cert-manager or a person makes one.
//!
//! A mounted Secret changes by an exchange of one symbolic link, which file notifications on the files do not report;
//! so the content is read again and compared.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::pair::{Pair, PairError};
use super::trust;

/// Chain of the server, its own certificate first.
pub const CHAIN_FILE: &str = "tls.crt";
/// Private key of the first certificate.
pub const KEY_FILE: &str = "tls.key";
/// Certificate of the authority; optional, and only compared.
pub const AUTHORITY_FILE: &str = "ca.crt";

/// No Secret is larger (a limit of Kubernetes), so nothing larger is meant.
const LARGEST: u64 = 1024 * 1024;
/// How often files that keep changing while they are read are read again.
const ATTEMPTS: usize = 4;

/// Why a directory gives no pair.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A file could not be read.
    #[error("cannot read {}: {error}; {}", path.display(), hint(error))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A file is larger than any Secret.
    #[error("{} is larger than 1 MiB; it should hold PEM text only", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The files changed each time they were read.
    #[error("the files in {} keep changing while they are read; replace them at one stroke, as a mounted Secret does", path.display())]
    Unsettled {
        /// The directory.
        path: PathBuf,
    },
    /// The files make no pair.
    #[error("{}: {error}", path.display())]
    Pair {
        /// The file at fault.
        path: PathBuf,
        /// What is wrong with it.
        error: PairError,
    },
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => {
            "the directory must hold tls.crt and tls.key, as a Secret of type kubernetes.io/tls does"
        }
        io::ErrorKind::PermissionDenied => "the user that dkron-ha runs as must be able to read it",
        _ => "check the volume",
    }
}

/// A directory with certificate files.
#[derive(Clone, Debug)]
pub struct CertDir {
    path: PathBuf,
}

/// What the files held at one moment; equal when nothing changed.
#[derive(Clone, PartialEq, Eq)]
pub struct Contents {
    chain: Vec<u8>,
    key: Vec<u8>,
    authority: Option<Vec<u8>>,
}

/// A pair from files.
#[derive(Debug)]
pub struct Loaded {
    /// The pair.
    pub pair: Pair,
    /// Why clients that were given `ca.crt` may turn it away.
    pub doubt: Option<String>,
}

impl CertDir {
    /// Names the directory; nothing is read yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads all files as of one moment: until two readings in a row agree.
    ///
    /// # Errors
    /// [`FilesError`] where a file is missing, unreadable, too large, or keeps changing.
    pub fn read(&self) -> Result<Contents, FilesError> {
        let mut before = self.read_once()?;
        for _ in 1..ATTEMPTS {
            let now = self.read_once()?;
            if now == before {
                return Ok(now);
            }
            before = now;
        }
        Err(FilesError::Unsettled { path: self.path.clone() })
    }

    /// Makes a pair of what was read.
    ///
    /// # Errors
    /// [`FilesError::Pair`] with the file at fault.
    pub fn load(&self, contents: &Contents) -> Result<Loaded, FilesError> {
        let pair = Pair::from_pem(&contents.chain, &contents.key).map_err(|error| {
            let file = if error.is_about_the_key() { KEY_FILE } else { CHAIN_FILE };
            FilesError::Pair { path: self.path.join(file), error }
        })?;
        let doubt = contents.authority.as_deref().and_then(|authority| trust::doubt(&pair, authority)).map(|doubt| {
            format!(
                "{}: {doubt}; clients that were given this file will refuse us",
                self.path.join(AUTHORITY_FILE).display()
            )
        });
        Ok(Loaded { pair, doubt })
    }

    fn read_once(&self) -> Result<Contents, FilesError> {
        let authority = match self.read_file(AUTHORITY_FILE) {
            Ok(bytes) => Some(bytes).filter(|bytes| !bytes.trim_ascii().is_empty()),
            Err(FilesError::Unreadable { error, .. }) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(Contents { chain: self.read_file(CHAIN_FILE)?, key: self.read_file(KEY_FILE)?, authority })
    }

    fn read_file(&self, name: &str) -> Result<Vec<u8>, FilesError> {
        let path = self.path.join(name);
        let mut bytes = Vec::new();
        match File::open(&path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)) {
            Ok(length) if length as u64 > LARGEST => Err(FilesError::TooLarge { path }),
            Ok(_) => Ok(bytes),
            Err(error) => Err(FilesError::Unreadable { path, error }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::SystemTime;

    use super::*;
    use crate::certs::issue::{AUTHORITY_LIFE, LEAF_LIFE};
    use crate::certs::{Authority, Leaf};

    fn issue() -> (Authority, Leaf) {
        let now = SystemTime::now();
        let authority = Authority::create("an authority", now, AUTHORITY_LIFE).unwrap();
        let leaf = authority.sign(&["a.example".to_owned()], now, LEAF_LIFE).unwrap();
        (authority, leaf)
    }

    fn filled(leaf: &Leaf) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(CHAIN_FILE), &leaf.certificate_pem).unwrap();
        fs::write(dir.path().join(KEY_FILE), &leaf.key_pem).unwrap();
        dir
    }

    fn load(dir: &tempfile::TempDir) -> Result<Loaded, FilesError> {
        let dir = CertDir::new(dir.path());
        dir.load(&dir.read()?)
    }

    #[test]
    fn a_directory_needs_two_files_and_says_so() {
        let (_, leaf) = issue();
        let dir = filled(&leaf);
        assert_eq!(load(&dir).unwrap().pair.names(), ["a.example"]);
        fs::remove_file(dir.path().join(KEY_FILE)).unwrap();
        let error = load(&dir).unwrap_err().to_string();
        assert!(error.contains("tls.key") && error.contains("kubernetes.io/tls"), "{error}");
    }

    #[test]
    fn errors_name_the_file_at_fault() {
        let (_, leaf) = issue();
        let dir = filled(&leaf);
        fs::write(dir.path().join(KEY_FILE), "no key").unwrap();
        let error = load(&dir).unwrap_err().to_string();
        assert!(error.contains("tls.key: there is no unencrypted"), "{error}");
        fs::write(dir.path().join(CHAIN_FILE), "no chain").unwrap();
        let error = load(&dir).unwrap_err().to_string();
        assert!(error.contains("tls.crt: there is no CERTIFICATE"), "{error}");
        fs::write(dir.path().join(CHAIN_FILE), vec![b'x'; 2 * 1024 * 1024]).unwrap();
        assert!(matches!(load(&dir), Err(FilesError::TooLarge { .. })));
    }

    #[test]
    fn an_authority_that_does_not_fit_is_doubted_and_served_all_the_same() {
        let (authority, leaf) = issue();
        let dir = filled(&leaf);
        let file = dir.path().join(AUTHORITY_FILE);
        fs::write(&file, authority.pem()).unwrap();
        assert_eq!(load(&dir).unwrap().doubt, None);
        // cert-manager writes an empty file where the issuer has no authority to show.
        fs::write(&file, "\n").unwrap();
        assert_eq!(load(&dir).unwrap().doubt, None);
        fs::write(&file, issue().0.pem()).unwrap();
        let doubt = load(&dir).unwrap().doubt.unwrap();
        assert!(doubt.contains("ca.crt"), "{doubt}");
    }

    #[test]
    fn equal_contents_are_equal_whatever_the_files_are() {
        let (_, leaf) = issue();
        let (one, other) = (filled(&leaf), filled(&leaf));
        assert!(CertDir::new(one.path()).read().unwrap() == CertDir::new(other.path()).read().unwrap());
    }
}
