//! Whether a client that knows only an authority would accept a chain for a host.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, RootCertStore};

use super::{Pair, provider};

/// Why a client would turn the chain away.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The bundle is no PEM text, or none of its certificates can be an authority.
    #[error("the authority's certificate cannot be used: {0}")]
    Bundle(String),
    /// Not a name that a certificate could be for.
    #[error("{0:?} is neither a DNS name nor an IP address")]
    Name(String),
    /// The client would break off.
    #[error("the authority does not vouch for the certificate: {0}")]
    Refused(rustls::Error),
}

/// Judges `pair` as a client would that trusts `bundle` (PEM) and asked for `name` at `now`.
///
/// # Errors
/// [`TrustError`] with what the client would say.
pub fn verify(pair: &Pair, bundle: &[u8], name: &str, now: SystemTime) -> Result<(), TrustError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bundle) {
        let certificate = certificate.map_err(|error| TrustError::Bundle(error.to_string()))?;
        roots.add(certificate).map_err(|error| TrustError::Bundle(error.to_string()))?;
    }
    judge(roots, pair, name, now)
}

/// The same with the trusted certificates taken apart already.
pub(super) fn judge(roots: RootCertStore, pair: &Pair, name: &str, now: SystemTime) -> Result<(), TrustError> {
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|error| TrustError::Bundle(error.to_string()))?;
    let host = ServerName::try_from(name).map_err(|_| TrustError::Name(name.to_owned()))?;
    let now = UnixTime::since_unix_epoch(now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO));
    let (leaf, intermediates) = pair.chain().split_first().ok_or_else(|| TrustError::Bundle("empty chain".into()))?;
    verifier.verify_server_cert(leaf, intermediates, &host, &[], now).map(|_| ()).map_err(TrustError::Refused)
}

/// What is doubtful about serving `pair` to clients that were given `bundle`, where that can be known: dates are judged
/// elsewhere, and the API server (Go) accepts a self-signed certificate that is its own authority while this verifier
/// does not.
pub fn doubt(pair: &Pair, bundle: &[u8]) -> Option<TrustError> {
    let middle = i64::midpoint(pair.validity().not_before, pair.validity().not_after);
    let then = UNIX_EPOCH + Duration::from_secs(u64::try_from(middle).unwrap_or(0));
    // A wildcard cannot be asked for; any host under it can.
    let name = pair.names().first()?.replacen('*', "host", 1);
    verify(pair, bundle, &name, then).err().filter(|error| !is_own_authority(error) && !is_about_dates(error))
}

fn is_own_authority(error: &TrustError) -> bool {
    let TrustError::Refused(rustls::Error::InvalidCertificate(CertificateError::Other(inner))) = error else {
        return false;
    };
    inner.to_string().contains("CaUsedAsEndEntity")
}

fn is_about_dates(error: &TrustError) -> bool {
    matches!(
        error,
        TrustError::Refused(rustls::Error::InvalidCertificate(
            CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. }
        ))
    )
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

    use super::*;
    use crate::certs::Authority;
    use crate::certs::issue::{AUTHORITY_LIFE, LEAF_LIFE};

    fn issued(now: SystemTime) -> (Authority, Pair) {
        let authority = Authority::create("an authority", now, AUTHORITY_LIFE).unwrap();
        let leaf = authority.sign(&["a.example".to_owned()], now, LEAF_LIFE).unwrap();
        let pair = Pair::try_from(&leaf).unwrap();
        (authority, pair)
    }

    #[test]
    fn an_issued_leaf_is_accepted_for_its_name_in_its_time_by_its_authority() {
        let now = SystemTime::now();
        let (authority, pair) = issued(now);
        let bundle = authority.pem().as_bytes();
        verify(&pair, bundle, "a.example", now).unwrap();
        assert!(verify(&pair, bundle, "b.example", now).is_err());
        assert!(verify(&pair, bundle, "a.example", now + 2 * LEAF_LIFE).is_err());
        let (other, _) = issued(now);
        assert!(verify(&pair, other.pem().as_bytes(), "a.example", now).is_err());
        let both = format!("{}{}", other.pem(), authority.pem());
        verify(&pair, both.as_bytes(), "a.example", now).unwrap();
    }

    #[test]
    fn a_wrong_authority_is_doubtful_and_an_expired_leaf_is_not() {
        let long_ago = SystemTime::now() - 10 * LEAF_LIFE;
        let (authority, pair) = issued(long_ago);
        assert!(doubt(&pair, authority.pem().as_bytes()).is_none());
        let (other, _) = issued(long_ago);
        assert!(doubt(&pair, other.pem().as_bytes()).is_some());
        assert!(matches!(doubt(&pair, b"nothing"), Some(TrustError::Bundle(_))));
    }

    #[test]
    fn a_self_signed_certificate_that_is_its_own_authority_is_not_doubtful() {
        let mut params = CertificateParams::new(["a.example".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let pair = Pair::from_pem(pem.as_bytes(), key.serialize_pem().as_bytes()).unwrap();
        assert!(doubt(&pair, pem.as_bytes()).is_none(), "{:?}", doubt(&pair, pem.as_bytes()));
    }
}
