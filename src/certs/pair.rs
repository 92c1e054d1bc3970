//! A certificate chain and its key, checked: what the server presents.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::validity::Validity;
use super::{Leaf, provider};

/// Why a chain and a key cannot be served. Each message says what to do about it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PairError {
    /// The chain is no PEM text.
    #[error("the certificate is not readable as PEM: {0}")]
    ChainPem(String),
    /// The chain holds no certificate.
    #[error("there is no CERTIFICATE block; put the server's certificate first and intermediate ones after it")]
    NoCertificate,
    /// One certificate of the chain does not parse; counted from 1.
    #[error("certificate {0} of the chain does not parse: {1}")]
    Certificate(usize, String),
    /// Clients would not take the leaf for a server.
    #[error(
        "the extended key usage of the certificate leaves out server authentication; issue it with usage \"server auth\""
    )]
    NotForServers,
    /// Clients look for the host among the alternative names only.
    #[error("the certificate has no DNS name or address among its subject alternative names; issue it with dnsNames")]
    NoNames,
    /// The key is no PEM text.
    #[error("the key is not readable as PEM: {0}")]
    KeyPem(String),
    /// No key that is not encrypted.
    #[error("there is no unencrypted PRIVATE KEY, EC PRIVATE KEY or RSA PRIVATE KEY block")]
    NoKey,
    /// A key that cannot be used.
    #[error("the private key cannot be used: {0}")]
    Key(String),
    /// Key and leaf belong to different issues.
    #[error(
        "the private key does not belong to the first certificate; both must come from one issue, the server's own certificate first"
    )]
    Mismatch,
}

impl PairError {
    /// Whether the fault lies in the key alone.
    pub fn is_about_the_key(&self) -> bool {
        matches!(self, Self::KeyPem(_) | Self::NoKey | Self::Key(_))
    }
}

/// A chain and its key that belong together.
#[derive(Debug)]
pub struct Pair {
    certified: Arc<CertifiedKey>,
    validity: Validity,
    names: Vec<String>,
}

impl Pair {
    /// Reads a chain (leaf first) and a key, both PEM, and checks that a client could accept them: every certificate
    /// parses, the leaf is for servers and names a host, the key is the leaf's. Dates are not judged here.
    ///
    /// # Errors
    /// [`PairError`] with the first thing that is wrong.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, PairError> {
        let chain = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| PairError::ChainPem(error.to_string()))?;
        let Some(leaf) = chain.first() else { return Err(PairError::NoCertificate) };
        let (validity, names) = read_leaf(leaf)?;
        for (index, certificate) in chain.iter().enumerate().skip(1) {
            parse(index + 1, certificate)?;
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            rustls::pki_types::pem::Error::NoItemsFound => PairError::NoKey,
            error => PairError::KeyPem(error.to_string()),
        })?;
        let key = provider().key_provider.load_private_key(key).map_err(|error| PairError::Key(error.to_string()))?;
        let certified = CertifiedKey::new(chain, key);
        certified.keys_match().map_err(|_| PairError::Mismatch)?;
        Ok(Self { certified: Arc::new(certified), validity, names })
    }

    /// What the TLS server presents.
    pub fn certified(&self) -> &Arc<CertifiedKey> {
        &self.certified
    }

    /// The chain, leaf first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.certified.cert
    }

    /// From when to when the leaf holds.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// DNS names and addresses of the leaf, in its order.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

impl TryFrom<&Leaf> for Pair {
    type Error = PairError;

    fn try_from(leaf: &Leaf) -> Result<Self, PairError> {
        Self::from_pem(leaf.certificate_pem.as_bytes(), leaf.key_pem.as_bytes())
    }
}

fn parse<'a>(number: usize, der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, PairError> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) => Err(PairError::Certificate(number, "there is more after its end".into())),
        Err(error) => Err(PairError::Certificate(number, error.to_string())),
    }
}

fn read_leaf(der: &CertificateDer<'_>) -> Result<(Validity, Vec<String>), PairError> {
    let leaf = parse(1, der)?;
    let unreadable = |error: x509_parser::error::X509Error| PairError::Certificate(1, error.to_string());
    // No such extension means any use (RFC 5280, 4.2.1.12).
    if let Some(usage) = leaf.extended_key_usage().map_err(unreadable)?
        && !usage.value.server_auth
        && !usage.value.any
    {
        return Err(PairError::NotForServers);
    }
    let names: Vec<String> = leaf
        .subject_alternative_name()
        .map_err(unreadable)?
        .map(|extension| extension.value.general_names.iter().filter_map(host).collect())
        .unwrap_or_default();
    if names.is_empty() {
        return Err(PairError::NoNames);
    }
    let validity = Validity {
        not_before: leaf.validity().not_before.timestamp(),
        not_after: leaf.validity().not_after.timestamp(),
    };
    Ok((validity, names))
}

fn host(name: &GeneralName<'_>) -> Option<String> {
    match *name {
        GeneralName::DNSName(name) => Some(name.to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
        _ => None,
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(four.into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair};

    use super::*;
    use crate::certs::Authority;

    fn leaf(authority: &Authority) -> Leaf {
        let hosts = ["a.example".to_owned(), "10.0.0.1".to_owned(), "::1".to_owned()];
        authority.sign(&hosts, SystemTime::now(), Duration::from_secs(3_600)).unwrap()
    }

    fn authority() -> Authority {
        Authority::create("an authority", SystemTime::now(), Duration::from_secs(3_600)).unwrap()
    }

    fn refusal(chain: &str, key: &str) -> PairError {
        Pair::from_pem(chain.as_bytes(), key.as_bytes()).unwrap_err()
    }

    fn self_made(change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
        let mut params = CertificateParams::new(["a.example".to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    #[test]
    fn a_leaf_with_or_without_its_authority_behind_it_is_a_pair() {
        let authority = authority();
        let leaf = leaf(&authority);
        let alone = Pair::try_from(&leaf).unwrap();
        assert_eq!(alone.names(), ["a.example", "10.0.0.1", "::1"]);
        let chain = format!("{}{}", leaf.certificate_pem, authority.pem());
        assert_eq!(Pair::from_pem(chain.as_bytes(), leaf.key_pem.as_bytes()).unwrap().chain().len(), 2);
    }

    #[test]
    fn a_key_of_another_issue_is_refused() {
        let authority = authority();
        let (one, other) = (leaf(&authority), leaf(&authority));
        assert_eq!(refusal(&one.certificate_pem, &other.key_pem), PairError::Mismatch);
        let wrong_order = format!("{}{}", authority.pem(), one.certificate_pem);
        assert_eq!(refusal(&wrong_order, &one.key_pem), PairError::NoNames, "an authority names no host");
    }

    #[test]
    fn files_without_their_content_are_told_apart() {
        let leaf = leaf(&authority());
        assert_eq!(refusal("", &leaf.key_pem), PairError::NoCertificate);
        assert_eq!(refusal(&leaf.key_pem, &leaf.certificate_pem), PairError::NoCertificate);
        assert_eq!(refusal(&leaf.certificate_pem, ""), PairError::NoKey);
        let encrypted = leaf.key_pem.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        assert_eq!(refusal(&leaf.certificate_pem, &encrypted), PairError::NoKey);
        let half = &leaf.certificate_pem[..leaf.certificate_pem.len() / 2];
        assert!(matches!(refusal(half, &leaf.key_pem), PairError::ChainPem(_)));
        let half = &leaf.key_pem[..leaf.key_pem.len() / 2];
        let error = refusal(&leaf.certificate_pem, half);
        assert!(matches!(error, PairError::KeyPem(_)) && error.is_about_the_key(), "{error}");
    }

    #[test]
    fn garbage_in_a_block_names_the_certificate() {
        let leaf = leaf(&authority());
        let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(refusal(garbage, &leaf.key_pem), PairError::Certificate(1, _)));
        let chain = format!("{}{garbage}", leaf.certificate_pem);
        assert!(matches!(refusal(&chain, &leaf.key_pem), PairError::Certificate(2, _)));
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert!(matches!(refusal(&leaf.certificate_pem, key), PairError::Key(_)));
    }

    #[test]
    fn a_leaf_that_no_client_takes_for_a_server_is_refused() {
        let (chain, key) = self_made(|p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
        assert_eq!(refusal(&chain, &key), PairError::NotForServers);
        let (chain, key) = self_made(|p| p.subject_alt_names.clear());
        assert_eq!(refusal(&chain, &key), PairError::NoNames);
        let (chain, key) = self_made(|_| ());
        assert!(Pair::from_pem(chain.as_bytes(), key.as_bytes()).is_ok(), "no extended key usage allows any use");
    }
}
