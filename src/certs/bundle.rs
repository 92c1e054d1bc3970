//! Certificates that a client trusts: a `caBundle`, judged as the API server does.
//!
//! The API server (Go) is more lenient than a verifier that only knows good bundles, and stricter than one that never looks at
//! an authority's dates: it passes over what it cannot read, wants authorities that hold now, and takes a certificate that is in
//! the bundle itself for what it is.

use std::time::SystemTime;

use pem::{EncodeConfig, LineEnding, Pem};
use rustls::RootCertStore;
use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;

use super::restore::Credential;
use super::trust::{TrustError, judge};
use super::{Pair, Standing};

/// Certificates in an order, none twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bundle(Vec<CertificateDer<'static>>);

/// Why a client that trusts the bundle would turn a server away.
#[derive(Debug, thiserror::Error)]
pub enum Distrust {
    /// Nothing at all is trusted.
    #[error("it holds no certificate")]
    Empty,
    /// Nothing in it can vouch for anybody at the moment.
    #[error("none of its certificates is one of an authority that holds now")]
    NoAuthority,
    /// The certificate itself is trusted, and does not hold.
    #[error("the certificate does not hold now")]
    NotNow,
    /// What a client would say.
    #[error(transparent)]
    Refused(#[from] TrustError),
}

impl Bundle {
    /// Reads PEM text. What is no certificate is passed over.
    pub fn read(pem: &[u8]) -> Self {
        CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).collect()
    }

    /// As `caBundle` holds it: PEM, the same text each time for the same certificates.
    pub fn pem(&self) -> String {
        self.0.iter().map(text).collect()
    }

    /// The certificates.
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this one is among them.
    pub fn contains(&self, certificate: &CertificateDer<'_>) -> bool {
        self.0.iter().any(|one| one == certificate)
    }

    /// Judges what a client would do that trusts these, is shown `pair` and asked for `host` at `now`.
    ///
    /// # Errors
    /// [`Distrust`] with the reason why it would leave.
    pub fn vouch(&self, pair: &Pair, host: &str, now: SystemTime) -> Result<(), Distrust> {
        if self.0.is_empty() {
            return Err(Distrust::Empty);
        }
        if let Some(leaf) = pair.chain().first()
            && self.contains(leaf)
        {
            return itself(pair, leaf, host, now);
        }
        let mut roots = RootCertStore::empty();
        for certificate in &self.0 {
            let holds = |read: Credential| read.validity.at(now) == Standing::Valid;
            if Credential::read(certificate).is_ok_and(holds) {
                // What is no anchor to this library vouches for nobody; the rest may.
                _ = roots.add(certificate.clone());
            }
        }
        if roots.is_empty() {
            return Err(Distrust::NoAuthority);
        }
        Ok(judge(roots, pair, host, now)?)
    }
}

/// One certificate as PEM.
pub(super) fn text(certificate: &CertificateDer<'_>) -> String {
    let lines = EncodeConfig::new().set_line_ending(LineEnding::LF);
    pem::encode_config(&Pem::new("CERTIFICATE", certificate.to_vec()), lines)
}

/// Judges a certificate that is trusted by itself.
fn itself(pair: &Pair, leaf: &CertificateDer<'_>, host: &str, now: SystemTime) -> Result<(), Distrust> {
    if pair.validity().at(now) != Standing::Valid {
        return Err(Distrust::NotNow);
    }
    let name = ServerName::try_from(host).map_err(|_| TrustError::Name(host.to_owned()))?;
    let parsed = ParsedCertificate::try_from(leaf).map_err(TrustError::Refused)?;
    verify_server_name(&parsed, &name).map_err(|error| TrustError::Refused(error).into())
}

impl FromIterator<CertificateDer<'static>> for Bundle {
    fn from_iter<I: IntoIterator<Item = CertificateDer<'static>>>(certificates: I) -> Self {
        let mut bundle = Self::default();
        for certificate in certificates {
            if !bundle.contains(&certificate) {
                bundle.0.push(certificate);
            }
        }
        bundle
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

    use super::*;
    use crate::certs::Authority;
    use crate::certs::issue::LEAF_LIFE;

    const LIFE: Duration = Duration::from_secs(24 * 60 * 60);

    fn issued(now: SystemTime) -> (Authority, Pair) {
        let authority = Authority::create("an authority", now, LIFE).unwrap();
        let leaf = authority.sign(&["a.example".to_owned()], now, LEAF_LIFE).unwrap();
        (authority, Pair::try_from(&leaf).unwrap())
    }

    #[test]
    fn one_good_certificate_among_rubbish_is_enough() {
        let now = SystemTime::now();
        let (authority, pair) = issued(now);
        let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
        let bundle = Bundle::read(format!("# ours\n{garbage}{}", authority.pem()).as_bytes());
        bundle.vouch(&pair, "a.example", now).unwrap();
        assert!(bundle.vouch(&pair, "b.example", now).is_err());
        let only = Bundle::read(garbage.as_bytes());
        assert!(matches!(only.vouch(&pair, "a.example", now), Err(Distrust::NoAuthority)));
        assert!(matches!(Bundle::read(b"x").vouch(&pair, "a.example", now), Err(Distrust::Empty)));
    }

    #[test]
    fn an_authority_that_does_not_hold_vouches_for_nobody() {
        let now = SystemTime::now();
        let (authority, _) = issued(now - 2 * LIFE);
        // Signed later than its authority could have: what counts is the authority.
        let pair = Pair::try_from(&authority.sign(&["a.example".into()], now, LIFE).unwrap());
        let pair = pair.unwrap();
        let bundle = Bundle::read(authority.pem().as_bytes());
        assert!(matches!(bundle.vouch(&pair, "a.example", now), Err(Distrust::NoAuthority)));
        bundle.vouch(&pair, "a.example", now - 3 * LIFE / 2).unwrap_err();
        let (other, _) = issued(now);
        let both = Bundle::read(format!("{}{}", other.pem(), authority.pem()).as_bytes());
        assert!(both.vouch(&pair, "a.example", now).is_err());
    }

    #[test]
    fn a_certificate_in_the_bundle_itself_is_trusted_as_it_is() {
        for is_ca in [IsCa::Ca(BasicConstraints::Unconstrained), IsCa::ExplicitNoCa] {
            let mut params = CertificateParams::new(["a.example".to_owned()]).unwrap();
            params.is_ca = is_ca;
            let key = KeyPair::generate().unwrap();
            let pem = params.self_signed(&key).unwrap().pem();
            let pair = Pair::from_pem(pem.as_bytes(), key.serialize_pem().as_bytes()).unwrap();
            let bundle = Bundle::read(pem.as_bytes());
            bundle.vouch(&pair, "a.example", SystemTime::now()).unwrap();
            assert!(bundle.vouch(&pair, "b.example", SystemTime::now()).is_err());
            let never = SystemTime::UNIX_EPOCH;
            assert!(matches!(bundle.vouch(&pair, "a.example", never), Err(Distrust::NotNow)));
        }
    }

    #[test]
    fn text_and_certificates_are_the_same_both_ways() {
        let now = SystemTime::now();
        let (one, other) = (issued(now).0, issued(now).0);
        let text = format!("{}{}{}", one.pem(), other.pem(), one.pem());
        let bundle = Bundle::read(text.as_bytes());
        assert_eq!(bundle.certificates(), [one.certificate().clone(), other.certificate().clone()]);
        assert_eq!(Bundle::read(bundle.pem().as_bytes()), bundle);
        assert!(bundle.pem().starts_with("-----BEGIN CERTIFICATE-----\n") && bundle.pem().ends_with("-----\n"));
    }
}
