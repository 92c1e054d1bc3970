//! An authority and the leaves it signs: ECDSA P-256, explicit dates and usages, random serial numbers.
//!
//! Every date and usage is written out because the library's defaults reach from 1975 to 4096 and allow everything.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, SerialNumber,
};
use rustls::pki_types::{CertificateDer, ServerName};
use time::OffsetDateTime;

use super::provider;
use super::validity::{Validity, unix_seconds};

/// How far certificates reach back: further than two clocks are apart of which one is an hour ahead and one an hour behind.
pub const BACKDATE: Duration = Duration::from_secs(3 * 60 * 60);
/// Usual life of an authority.
pub const AUTHORITY_LIFE: Duration = Duration::from_secs(3_650 * DAY);
/// Usual life of a leaf.
pub const LEAF_LIFE: Duration = Duration::from_secs(7 * DAY);

const DAY: u64 = 24 * 60 * 60;
/// 126 random bits under a leading 01: positive, never zero, and within the 20 octets of RFC 5280, 4.1.2.2.
const SERIAL_LENGTH: usize = 16;

/// Why no certificate could be made.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// No host was given; clients look at nothing else.
    #[error("a server certificate needs at least one host name or address")]
    NoHost,
    /// Neither a DNS name nor an address.
    #[error("{0:?} is neither a DNS name nor an IP address")]
    NotAHost(String),
    /// The clock or the life reaches beyond what a certificate can say.
    #[error("the dates of the certificate cannot be expressed; is the clock right?")]
    Dates,
    /// The system gave no randomness.
    #[error("the system gave no random bytes")]
    Random,
    /// Making a key or a signature failed.
    #[error("failed to make a certificate: {0}")]
    Generate(rcgen::Error),
}

impl From<rcgen::Error> for IssueError {
    fn from(error: rcgen::Error) -> Self {
        Self::Generate(error)
    }
}

/// An authority: what signs leaves.
pub struct Authority {
    pub(super) issuer: Issuer<'static, KeyPair>,
    pub(super) certificate: CertificateDer<'static>,
    pub(super) pem: String,
    pub(super) validity: Validity,
}

/// A leaf that an [`Authority`] signed, as PEM.
pub struct Leaf {
    /// The certificate.
    pub certificate_pem: String,
    /// Its private key, PKCS #8.
    pub key_pem: String,
}

impl Authority {
    /// Makes a key and its self-signed certificate, valid from [`BACKDATE`] before `now` for `life` after it.
    ///
    /// # Errors
    /// [`IssueError`] without randomness or with a clock beyond what certificates can say.
    pub fn create(common_name: &str, now: SystemTime, life: Duration) -> Result<Self, IssueError> {
        let validity = life_from(now, life);
        let mut params = params(common_name, validity)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        let pem = certificate.pem();
        Ok(Self { issuer: Issuer::new(params, key), certificate: certificate.into(), pem, validity })
    }

    /// The certificate that clients are to trust: what `caBundle` holds.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The same, as it is compared.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Its private key, PKCS #8 as PEM: whoever has it can sign what the registration trusts.
    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// From when to when the authority holds.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Makes a key and a server certificate for `hosts` (DNS names or addresses), no longer valid than the authority.
    ///
    /// # Errors
    /// [`IssueError`] without hosts, with a host that is none, or without randomness.
    pub fn sign(&self, hosts: &[String], now: SystemTime, life: Duration) -> Result<Leaf, IssueError> {
        let mut validity = life_from(now, life);
        validity.not_after = validity.not_after.min(self.validity.not_after);
        let mut params = params("dkron-ha", validity)?;
        params.subject_alt_names = hosts.iter().map(|host| subject(host)).collect::<Result<_, _>>()?;
        if params.subject_alt_names.is_empty() {
            return Err(IssueError::NoHost);
        }
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Leaf { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() })
    }
}

fn life_from(now: SystemTime, life: Duration) -> Validity {
    let now = unix_seconds(now);
    Validity {
        not_before: now.saturating_sub_unsigned(BACKDATE.as_secs()),
        not_after: now.saturating_add_unsigned(life.as_secs()),
    }
}

/// What an authority and a leaf have in common.
fn params(common_name: &str, validity: Validity) -> Result<CertificateParams, IssueError> {
    let date = |second| OffsetDateTime::from_unix_timestamp(second).map_err(|_| IssueError::Dates);
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = date(validity.not_before)?;
    params.not_after = date(validity.not_after)?;
    params.serial_number = Some(serial()?);
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn serial() -> Result<SerialNumber, IssueError> {
    let mut bytes = [0; SERIAL_LENGTH];
    provider().secure_random.fill(&mut bytes).map_err(|_| IssueError::Random)?;
    bytes[0] = bytes[0] & 0x3f | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

fn subject(host: &str) -> Result<SanType, IssueError> {
    let refused = || IssueError::NotAHost(host.to_owned());
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(address));
    }
    // A wildcard is a name for certificates only, so its first label is taken off before the check.
    let plain = host.strip_prefix("*.").unwrap_or(host);
    match ServerName::try_from(plain) {
        Ok(ServerName::DnsName(_)) => Ok(SanType::DnsName(host.try_into().map_err(|_| refused())?)),
        _ => Err(refused()),
    }
}

/// Without the key.
impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("validity", &self.validity).finish_non_exhaustive()
    }
}

/// Without the key.
impl fmt::Debug for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaf").field("certificate_pem", &self.certificate_pem).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use rustls::pki_types::pem::PemObject;
    use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate};

    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(NOW)
    }

    fn der(pem: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
    }

    fn hosts(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn a_leaf_says_what_it_is_for_and_for_how_long() {
        let authority = Authority::create("an authority", now(), AUTHORITY_LIFE).unwrap();
        let leaf = authority.sign(&hosts(&["a.b.svc", "127.0.0.1", "::1"]), now(), LEAF_LIFE).unwrap();
        let leaf_der = der(&leaf.certificate_pem);
        let authority_der = der(authority.pem());
        let (_, leaf) = X509Certificate::from_der(&leaf_der).unwrap();
        let (_, ca) = X509Certificate::from_der(&authority_der).unwrap();

        let now = i64::try_from(NOW).unwrap();
        assert_eq!(leaf.validity().not_before.timestamp(), now - 3 * 3_600);
        assert_eq!(leaf.validity().not_after.timestamp(), now + 7 * 86_400);
        assert_eq!(ca.validity().not_after.timestamp(), now + 3_650 * 86_400);

        assert!(!leaf.is_ca() && ca.is_ca());
        assert!(leaf.key_usage().unwrap().unwrap().value.digital_signature());
        let usage = leaf.extended_key_usage().unwrap().unwrap().value;
        assert!(usage.server_auth && !usage.client_auth && !usage.any);
        assert_eq!(ca.basic_constraints().unwrap().unwrap().value.path_len_constraint, Some(0));

        let names = &leaf.subject_alternative_name().unwrap().unwrap().value.general_names;
        assert!(matches!(names[0], GeneralName::DNSName("a.b.svc")));
        assert!(matches!(names[1], GeneralName::IPAddress([127, 0, 0, 1])));
        assert!(matches!(names[2], GeneralName::IPAddress(bytes) if bytes.len() == 16));
        let points_to_issuer = |e: &x509_parser::prelude::X509Extension| matches!(e.parsed_extension(), ParsedExtension::AuthorityKeyIdentifier(a) if a.key_identifier.is_some());
        assert!(leaf.extensions().iter().any(points_to_issuer));
    }

    #[test]
    fn serial_numbers_are_long_positive_and_never_the_same() {
        let authority = Authority::create("an authority", now(), AUTHORITY_LIFE).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..20 {
            let leaf = authority.sign(&hosts(&["a"]), now(), LEAF_LIFE).unwrap();
            let leaf = der(&leaf.certificate_pem);
            let (_, leaf) = X509Certificate::from_der(&leaf).unwrap();
            assert_eq!(leaf.raw_serial().len(), SERIAL_LENGTH);
            assert_eq!(leaf.raw_serial()[0] & 0xc0, 0x40);
            assert!(seen.insert(leaf.raw_serial().to_vec()));
        }
    }

    #[test]
    fn a_leaf_does_not_outlive_its_authority() {
        let authority = Authority::create("an authority", now(), Duration::from_secs(3_600)).unwrap();
        let leaf = authority.sign(&hosts(&["a"]), now(), LEAF_LIFE).unwrap();
        let leaf = der(&leaf.certificate_pem);
        let (_, leaf) = X509Certificate::from_der(&leaf).unwrap();
        assert_eq!(leaf.validity().not_after.timestamp(), authority.validity().not_after);
    }

    #[test]
    fn what_is_no_host_is_refused_by_name() {
        let authority = Authority::create("an authority", now(), AUTHORITY_LIFE).unwrap();
        for bad in ["", "with space", "http://a.b", "-", "a..b", "ü.example"] {
            let error = authority.sign(&hosts(&["good.example", bad]), now(), LEAF_LIFE).unwrap_err();
            assert!(matches!(&error, IssueError::NotAHost(host) if host == bad), "{bad:?}: {error}");
        }
        assert!(matches!(authority.sign(&[], now(), LEAF_LIFE), Err(IssueError::NoHost)));
        assert!(authority.sign(&hosts(&["*.example.org"]), now(), LEAF_LIFE).is_ok());
    }

    #[test]
    fn keys_stay_out_of_debug_output() {
        let authority = Authority::create("an authority", now(), AUTHORITY_LIFE).unwrap();
        let leaf = authority.sign(&hosts(&["a"]), now(), LEAF_LIFE).unwrap();
        assert!(leaf.key_pem.contains("PRIVATE KEY"));
        assert!(!format!("{leaf:?}{authority:?}").contains("PRIVATE KEY"));
    }
}
