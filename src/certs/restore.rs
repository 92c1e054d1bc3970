//! An authority read back from where it was kept: checked before anything is signed with it.

use rcgen::{Issuer, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::bundle::text;
use super::issue::Authority;
use super::validity::Validity;

/// Why a certificate and a key make no authority.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// No certificate that parses.
    #[error("the certificate cannot be read: {0}")]
    Certificate(String),
    /// A certificate that signs nothing which anybody accepts.
    #[error("the certificate is not one of an authority")]
    NotAnAuthority,
    /// No key that can be used.
    #[error("the key cannot be read: {0}")]
    Key(String),
    /// The halves come from different issues.
    #[error("the key does not belong to the certificate")]
    Mismatch,
}

/// What is to be known of an authority's certificate without its key.
pub struct Credential {
    /// From when to when it holds.
    pub validity: Validity,
    /// Common name, empty if it has none.
    pub name: String,
}

impl Credential {
    /// Looks into `certificate`.
    ///
    /// # Errors
    /// [`AuthorityError`] where it is none of an authority.
    pub fn read(certificate: &CertificateDer<'_>) -> Result<Self, AuthorityError> {
        let certificate = parse(certificate)?;
        let constraints = certificate.basic_constraints().map_err(unreadable)?;
        let usage = certificate.key_usage().map_err(unreadable)?;
        let may_sign = usage.is_none_or(|usage| usage.value.key_cert_sign());
        if !constraints.is_some_and(|constraints| constraints.value.ca) || !may_sign {
            return Err(AuthorityError::NotAnAuthority);
        }
        let dates = certificate.validity();
        let name = certificate.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
        Ok(Self {
            validity: Validity { not_before: dates.not_before.timestamp(), not_after: dates.not_after.timestamp() },
            name: name.unwrap_or_default().to_owned(),
        })
    }
}

impl Authority {
    /// Reads the first certificate of `certificate` and the key (PKCS #8), both PEM. Dates are not judged here.
    ///
    /// # Errors
    /// [`AuthorityError`] with the first thing that is wrong.
    pub fn read(certificate: &[u8], key: &[u8]) -> Result<Self, AuthorityError> {
        let der = CertificateDer::from_pem_slice(certificate).map_err(unreadable)?;
        let validity = Credential::read(&der)?.validity;
        let key = std::str::from_utf8(key).map_err(|error| AuthorityError::Key(error.to_string()))?;
        let key = KeyPair::from_pem(key).map_err(|error| AuthorityError::Key(error.to_string()))?;
        if key.public_key_raw() != parse(&der)?.public_key().subject_public_key.data.as_ref() {
            return Err(AuthorityError::Mismatch);
        }
        let issuer = Issuer::from_ca_cert_der(&der, key).map_err(unreadable)?;
        let pem = text(&der);
        Ok(Self { issuer, certificate: der, pem, validity })
    }
}

fn parse<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, AuthorityError> {
    X509Certificate::from_der(der).map(|(_, certificate)| certificate).map_err(unreadable)
}

fn unreadable(error: impl std::fmt::Display) -> AuthorityError {
    AuthorityError::Certificate(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use rcgen::{BasicConstraints, CertificateParams, IsCa};

    use super::*;
    use crate::certs::issue::{AUTHORITY_LIFE, LEAF_LIFE};
    use crate::certs::{Pair, trust};

    fn authority() -> Authority {
        Authority::create("an authority", SystemTime::now(), AUTHORITY_LIFE).unwrap()
    }

    fn refusal(certificate: &str, key: &str) -> AuthorityError {
        Authority::read(certificate.as_bytes(), key.as_bytes()).unwrap_err()
    }

    #[test]
    fn what_was_written_signs_again_and_is_trusted() {
        let made = authority();
        let read = Authority::read(made.pem().as_bytes(), made.key_pem().as_bytes()).unwrap();
        assert_eq!((read.pem(), read.validity()), (made.pem(), made.validity()));
        let now = SystemTime::now();
        let pair = Pair::try_from(&read.sign(&["a.example".into()], now, LEAF_LIFE).unwrap()).unwrap();
        trust::verify(&pair, made.pem().as_bytes(), "a.example", now).unwrap();
    }

    #[test]
    fn a_name_of_many_parts_survives() {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::OrganizationName, "Beispiel GmbH & Söhne");
        params.distinguished_name.push(rcgen::DnType::CommonName, "root");
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let read = Authority::read(pem.as_bytes(), key.serialize_pem().as_bytes()).unwrap();
        let now = SystemTime::now();
        let pair = Pair::try_from(&read.sign(&["a.example".into()], now, LEAF_LIFE).unwrap()).unwrap();
        trust::verify(&pair, pem.as_bytes(), "a.example", now).unwrap();
        assert_eq!(Credential::read(read.certificate()).unwrap().name, "root");
    }

    #[test]
    fn each_fault_has_its_name() {
        let (one, other) = (authority(), authority());
        assert_eq!(refusal(one.pem(), &other.key_pem()), AuthorityError::Mismatch);
        assert!(matches!(refusal("", &one.key_pem()), AuthorityError::Certificate(_)));
        assert!(matches!(refusal(one.pem(), ""), AuthorityError::Key(_)));
        let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(refusal(garbage, &one.key_pem()), AuthorityError::Certificate(_)));
        let leaf = one.sign(&["a.example".into()], SystemTime::now(), LEAF_LIFE).unwrap();
        assert_eq!(refusal(&leaf.certificate_pem, &leaf.key_pem), AuthorityError::NotAnAuthority);
    }
}
