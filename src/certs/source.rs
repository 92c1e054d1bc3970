//! Where the present pair comes from, and when there is a new one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use super::files::{CertDir, Contents, FilesError};
use super::issue::{AUTHORITY_LIFE, Authority, IssueError, LEAF_LIFE};
use super::pair::{Pair, PairError};
use super::validity::Standing;

/// Where pairs come from.
pub struct Source(Kind);

enum Kind {
    Directory { dir: CertDir, served: Option<Contents>, complaint: Option<String> },
    Ephemeral { authority: Box<Authority>, hosts: Vec<String> },
    Kept(Arc<Pair>),
}

/// A pair to serve from now on.
#[derive(Debug)]
pub struct Change {
    /// The pair.
    pub pair: Arc<Pair>,
    /// Why clients may turn it away, where that can be known.
    pub doubt: Option<String>,
}

/// Why there is no new pair.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The directory gave none.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// None could be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// What was made does not hold together.
    #[error(transparent)]
    Pair(#[from] PairError),
    /// A new pair that does not hold now would take the place of one that does.
    #[error("the new certificate in {} {why}, and the present one is valid", path.display())]
    NotValidNow {
        /// The directory.
        path: PathBuf,
        /// `has expired` or `is not valid yet`.
        why: &'static str,
    },
}

impl Source {
    /// Reads pairs from a directory with `tls.crt` and `tls.key`.
    pub fn directory(path: impl Into<PathBuf>) -> Self {
        Self(Kind::Directory { dir: CertDir::new(path), served: None, complaint: None })
    }

    /// Makes an authority that lives as long as this value, and leaves for `hosts` when they are due.
    ///
    /// # Errors
    /// [`SourceError::Issue`] without randomness.
    pub fn ephemeral(hosts: Vec<String>, now: SystemTime) -> Result<Self, SourceError> {
        let authority = Box::new(Authority::create("dkron-ha ephemeral authority", now, AUTHORITY_LIFE)?);
        Ok(Self(Kind::Ephemeral { authority, hosts }))
    }

    /// Begins with `pair`; whoever keeps it puts the next ones into [`Served`](super::Served) by itself.
    pub fn kept(pair: Arc<Pair>) -> Self {
        Self(Kind::Kept(pair))
    }

    /// Certificate of the ephemeral authority, PEM: what clients have to trust.
    pub fn authority_pem(&self) -> Option<&str> {
        match &self.0 {
            Kind::Directory { .. } | Kind::Kept(_) => None,
            Kind::Ephemeral { authority, .. } => Some(authority.pem()),
        }
    }

    /// The first pair, valid or not: an expired certificate is shown by readiness, not by a program that does not start.
    ///
    /// # Errors
    /// [`SourceError`] where there is none.
    pub fn first(&mut self, now: SystemTime) -> Result<Change, SourceError> {
        match &mut self.0 {
            Kind::Directory { dir, served, .. } => {
                let contents = dir.read()?;
                let loaded = dir.load(&contents)?;
                *served = Some(contents);
                Ok(Change { pair: Arc::new(loaded.pair), doubt: loaded.doubt })
            }
            Kind::Ephemeral { authority, hosts } => {
                let leaf = authority.sign(hosts, now, LEAF_LIFE)?;
                Ok(Change { pair: Arc::new(Pair::try_from(&leaf)?), doubt: None })
            }
            Kind::Kept(pair) => Ok(Change { pair: Arc::clone(pair), doubt: None }),
        }
    }

    /// A pair that is to take the place of `present`, if there is one: files whose content changed, or an ephemeral
    /// leaf that is due.
    ///
    /// # Errors
    /// [`SourceError`] why a new pair was not taken; said once for each reason, not at every call.
    pub fn next(&mut self, present: &Pair, now: SystemTime) -> Result<Option<Change>, SourceError> {
        match &mut self.0 {
            Kind::Directory { dir, served, complaint } => {
                let outcome = changed(dir, served, present, now);
                let said = outcome.as_ref().err().map(ToString::to_string);
                let is_news = said != *complaint;
                *complaint = said;
                match outcome {
                    Err(_) if !is_news => Ok(None),
                    outcome => outcome,
                }
            }
            Kind::Ephemeral { .. } if present.validity().is_due_for_renewal(now) => self.first(now).map(Some),
            Kind::Ephemeral { .. } | Kind::Kept(_) => Ok(None),
        }
    }
}

fn changed(
    dir: &CertDir,
    served: &mut Option<Contents>,
    present: &Pair,
    now: SystemTime,
) -> Result<Option<Change>, SourceError> {
    let contents = dir.read()?;
    if served.as_ref() == Some(&contents) {
        return Ok(None);
    }
    let loaded = dir.load(&contents)?;
    if present.validity().at(now) == Standing::Valid {
        let why = match loaded.pair.validity().at(now) {
            Standing::Valid => None,
            Standing::Expired(_) => Some("has expired"),
            Standing::NotYet(_) => Some("is not valid yet"),
        };
        if let Some(why) = why {
            return Err(SourceError::NotValidNow { path: dir.path().to_owned(), why });
        }
    }
    *served = Some(contents);
    Ok(Some(Change { pair: Arc::new(loaded.pair), doubt: loaded.doubt }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certs::Leaf;
    use crate::certs::files::{CHAIN_FILE, KEY_FILE};
    use crate::certs::issue::BACKDATE;
    use std::fs;
    use std::path::Path;

    fn issue(host: &str, now: SystemTime) -> Leaf {
        let authority = Authority::create("an authority", now, AUTHORITY_LIFE).unwrap();
        authority.sign(&[host.to_owned()], now, LEAF_LIFE).unwrap()
    }

    fn fill(dir: &Path, leaf: &Leaf) {
        fs::write(dir.join(CHAIN_FILE), &leaf.certificate_pem).unwrap();
        fs::write(dir.join(KEY_FILE), &leaf.key_pem).unwrap();
    }

    #[test]
    fn a_directory_gives_a_pair_once_for_each_content() {
        let now = SystemTime::now();
        let dir = tempfile::tempdir().unwrap();
        fill(dir.path(), &issue("one.example", now));
        let mut source = Source::directory(dir.path());
        let first = source.first(now).unwrap().pair;
        assert!(source.next(&first, now).unwrap().is_none());
        fill(dir.path(), &issue("two.example", now));
        let second = source.next(&first, now).unwrap().unwrap().pair;
        assert_eq!(second.names(), ["two.example"]);
        assert!(source.next(&second, now).unwrap().is_none());
    }

    #[test]
    fn half_of_a_pair_is_refused_once_and_the_whole_is_taken() {
        let now = SystemTime::now();
        let dir = tempfile::tempdir().unwrap();
        fill(dir.path(), &issue("one.example", now));
        let mut source = Source::directory(dir.path());
        let first = source.first(now).unwrap().pair;
        let second = issue("two.example", now);
        fs::write(dir.path().join(CHAIN_FILE), &second.certificate_pem).unwrap();
        let error = source.next(&first, now).unwrap_err();
        assert!(error.to_string().contains("does not belong"), "{error}");
        assert!(source.next(&first, now).unwrap().is_none(), "said once");
        fs::write(dir.path().join(KEY_FILE), &second.key_pem).unwrap();
        assert_eq!(source.next(&first, now).unwrap().unwrap().pair.names(), ["two.example"]);
    }

    #[test]
    fn a_valid_certificate_does_not_give_way_to_one_that_is_not() {
        let now = SystemTime::now();
        let dir = tempfile::tempdir().unwrap();
        fill(dir.path(), &issue("one.example", now));
        let mut source = Source::directory(dir.path());
        let first = source.first(now).unwrap().pair;
        let later = now + 2 * BACKDATE;
        fill(dir.path(), &issue("two.example", later));
        assert!(source.next(&first, now).unwrap_err().to_string().contains("not valid yet"));
        assert!(source.next(&first, now).unwrap().is_none());
        assert_eq!(source.next(&first, later).unwrap().unwrap().pair.names(), ["two.example"], "taken in its time");
    }

    #[test]
    fn a_directory_that_starts_expired_is_served_and_mended_by_anything_new() {
        let now = SystemTime::now();
        let dir = tempfile::tempdir().unwrap();
        fill(dir.path(), &issue("one.example", now - 3 * LEAF_LIFE));
        let mut source = Source::directory(dir.path());
        let first = source.first(now).unwrap().pair;
        assert!(matches!(first.validity().at(now), Standing::Expired(_)));
        fill(dir.path(), &issue("two.example", now - 2 * LEAF_LIFE));
        assert!(source.next(&first, now).unwrap().is_some());
    }

    #[test]
    fn an_ephemeral_leaf_is_renewed_by_the_same_authority_at_two_thirds() {
        let now = SystemTime::now();
        let mut source = Source::ephemeral(vec!["one.example".into()], now).unwrap();
        let bundle = source.authority_pem().unwrap().to_owned();
        let first = source.first(now).unwrap().pair;
        assert!(source.next(&first, now + LEAF_LIFE / 2).unwrap().is_none());
        let due = now + LEAF_LIFE / 3 * 2;
        let second = source.next(&first, due).unwrap().unwrap().pair;
        assert_ne!(first.chain(), second.chain());
        crate::certs::trust::verify(&second, bundle.as_bytes(), "one.example", due + LEAF_LIFE / 2).unwrap();
    }
}
