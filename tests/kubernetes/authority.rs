//! Certificates of one run: a certificate authority in memory, and what it signs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

/// Signs whatever the run needs; its key is never written down.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its private key, both PEM.
pub struct Pair {
    pub certificate: String,
    pub key: String,
}

/// Where the two halves of a [`Pair`] lie.
pub struct PairFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    pub fn new(name: &str) -> Result<Self> {
        let mut params = lasting_a_day(name, &[])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        Ok(Self { issuer })
    }

    /// The authority's own certificate, PEM: a `caBundle`, a `--client-ca-file`.
    pub fn certificate(&self) -> String {
        self.issuer.pem()
    }

    /// For a server that is reached under these DNS names and IP addresses.
    pub fn server(&self, name: &str, reached_as: &[&str]) -> Result<Pair> {
        self.sign(lasting_a_day(name, reached_as)?, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// For a client that Kubernetes knows as this user of these groups.
    pub fn client(&self, user: &str, groups: &[&str]) -> Result<Pair> {
        let mut params = lasting_a_day(user, &[])?;
        for &group in groups {
            params.distinguished_name.push(DnType::OrganizationName, group);
        }
        self.sign(params, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn sign(&self, mut params: CertificateParams, purpose: ExtendedKeyUsagePurpose) -> Result<Pair> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![purpose];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

impl Pair {
    /// Writes `<stem>.crt` and `<stem>.key`.
    pub fn write(&self, directory: &Path, stem: &str) -> Result<PairFiles> {
        let files = PairFiles {
            certificate: directory.join(format!("{stem}.crt")),
            key: directory.join(format!("{stem}.key")),
        };
        fs::write(&files.certificate, &self.certificate)
            .and_then(|()| fs::write(&files.key, &self.key))
            .with_context(|| format!("writing the certificate {stem}"))?;
        Ok(files)
    }
}

fn lasting_a_day(name: &str, reached_as: &[&str]) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(reached_as.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    params.distinguished_name.push(DnType::CommonName, name);
    let now = OffsetDateTime::now_utc();
    params.not_before = now - Duration::minutes(10);
    params.not_after = now + Duration::days(1);
    Ok(params)
}
