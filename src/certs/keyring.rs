//! What the Secret holds: the authority that signs, its successor while that is still to be trusted everywhere, and the certificates
//! of those before it.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;

use super::Bundle;
use super::issue::Authority;
use super::restore::{AuthorityError, Credential};

/// Certificate of the present authority, PEM.
pub const CERTIFICATE: &str = "ca.crt";
/// Its private key, PKCS #8, PEM.
pub const KEY: &str = "ca.key";
/// Certificate of its successor, PEM, if it has one: trusted already, and signs nothing yet.
pub const NEXT_CERTIFICATE: &str = "next.crt";
/// The successor's private key.
pub const NEXT_KEY: &str = "next.key";
/// Certificates of authorities before it, PEM, the latest first.
pub const PREVIOUS: &str = "previous.crt";

/// Authorities that are trusted beside the present one and its successor: the latest. A replica that does not see the Secret goes on
/// serving by one of them, so this is also how many new authorities there may be meanwhile without harm to it.
pub const MOST_PREVIOUS: usize = 8;

/// Data of a Secret. Keys that are not ours are left alone.
pub type Data = BTreeMap<String, Vec<u8>>;

/// The present authority, its successor and its predecessors.
#[derive(Clone, Debug)]
pub struct Keyring {
    authority: Arc<Authority>,
    next: Option<Arc<Authority>>,
    previous: Vec<CertificateDer<'static>>,
}

/// Why a Secret cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// Half of it is missing.
    #[error("there is no {0}")]
    Missing(&'static str),
    /// It makes no authority.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

impl Keyring {
    /// An authority and as many of those that came before it as are kept.
    pub fn new(authority: Arc<Authority>, previous: impl IntoIterator<Item = CertificateDer<'static>>) -> Self {
        let previous: Bundle = previous.into_iter().filter(|one| one != authority.certificate()).collect();
        let previous = previous.certificates().iter().take(MOST_PREVIOUS).cloned().collect();
        Self { authority, next: None, previous }
    }

    /// The same with this successor, or without one.
    #[must_use]
    pub fn with_next(self, next: Option<Arc<Authority>>) -> Self {
        Self { next, ..self }
    }

    /// The successor in its place, if there is one: what comes after this.
    pub fn promoted(&self) -> Option<Self> {
        let before = [self.authority.certificate()].into_iter().chain(&self.previous).cloned();
        self.next.clone().map(|next| Self::new(next, before))
    }

    /// Reads the data of a Secret. A successor that cannot be read is none, and of the predecessors only what is an authority's
    /// certificate is taken: neither can break anything.
    ///
    /// # Errors
    /// [`KeyringError`] where there is no authority to sign with.
    pub fn read(data: &Data) -> Result<Self, KeyringError> {
        let part = |name| data.get(name).filter(|text| !text.is_empty()).ok_or(KeyringError::Missing(name));
        let authority = Authority::read(part(CERTIFICATE)?, part(KEY)?)?;
        let previous = Bundle::read(data.get(PREVIOUS).map_or(&[], Vec::as_slice));
        let authorities = previous.certificates().iter().filter(|one| Credential::read(one).is_ok());
        let keyring = Self::new(Arc::new(authority), authorities.cloned());
        let next = (data.get(NEXT_CERTIFICATE), data.get(NEXT_KEY));
        let next =
            if let (Some(certificate), Some(key)) = next { Authority::read(certificate, key).ok() } else { None };
        Ok(keyring.with_next(next.map(Arc::new)))
    }

    /// Writes it over what was in the Secret.
    pub fn write(&self, data: &mut Data) {
        data.insert(CERTIFICATE.into(), self.authority.pem().into());
        data.insert(KEY.into(), self.authority.key_pem().into());
        data.insert(PREVIOUS.into(), self.previous.iter().cloned().collect::<Bundle>().pem().into());
        for key in [NEXT_CERTIFICATE, NEXT_KEY] {
            data.remove(key);
        }
        if let Some(next) = &self.next {
            data.insert(NEXT_CERTIFICATE.into(), next.pem().into());
            data.insert(NEXT_KEY.into(), next.key_pem().into());
        }
    }

    /// The authority that signs.
    pub fn authority(&self) -> &Arc<Authority> {
        &self.authority
    }

    /// The one that will sign after it.
    pub fn next(&self) -> Option<&Arc<Authority>> {
        self.next.as_ref()
    }

    /// Whether the authority is its own successor: it signs already, for want of another one, and is still to be trusted everywhere.
    pub fn is_new(&self) -> bool {
        self.next.as_ref().is_some_and(|next| next.certificate() == self.authority.certificate())
    }

    /// The predecessors, the latest first.
    pub fn previous(&self) -> &[CertificateDer<'static>] {
        &self.previous
    }

    /// Who is to be trusted: all of them, in an order that stays when the successor takes its place. It follows from the Secret alone,
    /// so that two replicas which have read the same one never disagree about it.
    pub fn bundle(&self) -> Bundle {
        let next = self.next.as_ref().map(|next| next.certificate());
        let mut all: Vec<_> =
            [self.authority.certificate()].into_iter().chain(next).chain(&self.previous).cloned().collect();
        all.sort_by(|one, other| one.as_ref().cmp(other.as_ref()));
        all.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::certs::issue::{AUTHORITY_LIFE, LEAF_LIFE};

    fn authority() -> Arc<Authority> {
        Arc::new(Authority::create("an authority", SystemTime::now(), AUTHORITY_LIFE).unwrap())
    }

    fn written(keyring: &Keyring) -> Data {
        let mut data = Data::new();
        keyring.write(&mut data);
        data
    }

    #[test]
    fn what_was_written_is_read() {
        let all: Vec<_> = (0..3).map(|_| authority()).collect();
        let previous = all[1..].iter().map(|one| one.certificate().clone());
        let keyring = Keyring::new(Arc::clone(&all[0]), previous);
        let read = Keyring::read(&written(&keyring)).unwrap();
        assert_eq!(read.bundle(), keyring.bundle());
        assert_eq!(read.authority().key_pem(), all[0].key_pem());
        assert_eq!(read.bundle().certificates().len(), 3);
    }

    #[test]
    fn a_successor_is_trusted_at_once_and_nothing_changes_for_clients_when_it_signs() {
        let [present, next, before] = [(); 3].map(|()| authority());
        let keyring =
            Keyring::new(Arc::clone(&present), [before.certificate().clone()]).with_next(Some(Arc::clone(&next)));
        let read = Keyring::read(&written(&keyring)).unwrap();
        assert_eq!(read.authority().certificate(), present.certificate());
        assert_eq!(read.next().unwrap().key_pem(), next.key_pem());
        let promoted = read.promoted().unwrap();
        assert_eq!(promoted.bundle().pem(), read.bundle().pem());
        assert_eq!(promoted.authority().certificate(), next.certificate());
        assert_eq!(promoted.previous(), [present.certificate().clone(), before.certificate().clone()]);
        let mut data = written(&keyring);
        promoted.write(&mut data);
        assert!(!data.contains_key(NEXT_CERTIFICATE) && !data.contains_key(NEXT_KEY));
        assert!(Keyring::read(&data).unwrap().promoted().is_none());
        let alone = Keyring::new(Arc::clone(&present), []).with_next(Some(present));
        assert!(alone.is_new() && !keyring.is_new());
        assert_eq!(alone.bundle().certificates().len(), 1);
        assert!(!alone.promoted().unwrap().is_new());
    }

    #[test]
    fn predecessors_are_few_and_never_the_present_one() {
        let all: Vec<_> = (0..MOST_PREVIOUS + 3).map(|_| authority()).collect();
        let certificates = || all.iter().map(|one| one.certificate().clone());
        let keyring = Keyring::new(Arc::clone(&all[0]), certificates().chain(certificates()));
        assert_eq!(keyring.previous(), certificates().skip(1).take(MOST_PREVIOUS).collect::<Vec<_>>());
        assert_eq!(keyring.bundle().certificates().len(), 1 + MOST_PREVIOUS);
    }

    #[test]
    fn rubbish_among_the_predecessors_is_passed_over() {
        let (present, before) = (authority(), authority());
        let leaf = before.sign(&["a.example".into()], SystemTime::now(), LEAF_LIFE).unwrap();
        let mut data = written(&Keyring::new(present, []));
        data.insert(PREVIOUS.into(), format!("rubbish\n{}{}", leaf.certificate_pem, before.pem()).into());
        data.insert(NEXT_CERTIFICATE.into(), before.pem().into());
        data.insert(NEXT_KEY.into(), b"rubbish".to_vec());
        let read = Keyring::read(&data).unwrap();
        assert_eq!(read.previous(), [before.certificate().clone()]);
        assert!(read.next().is_none());
    }

    #[test]
    fn what_is_missing_is_named_and_what_is_not_ours_stays() {
        let mut data = Data::from([("note".to_owned(), b"x".to_vec())]);
        assert_eq!(Keyring::read(&data).unwrap_err(), KeyringError::Missing(CERTIFICATE));
        Keyring::new(authority(), []).write(&mut data);
        assert_eq!(data["note"], b"x");
        data.insert(KEY.into(), Vec::new());
        assert_eq!(Keyring::read(&data).unwrap_err(), KeyringError::Missing(KEY));
    }
}
