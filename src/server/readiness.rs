//! Whether the API server should send requests here.

use std::time::{Duration, SystemTime};

use super::phase::Phase;
use crate::certs::{Standing, Validity};

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// The end has begun.
    #[error("shutting down")]
    ShuttingDown,
    /// Clients would refuse the certificate.
    #[error("the certificate expired {} s ago", .0.as_secs())]
    Expired(Duration),
    /// Clients would refuse the certificate.
    #[error("the certificate is valid in {} s only; is the clock right?", .0.as_secs())]
    NotYetValid(Duration),
}

/// Ready while everything is served under a certificate that holds now.
///
/// # Errors
/// [`NotReady`] with the reason.
pub fn readiness(phase: Phase, certificate: Validity, now: SystemTime) -> Result<(), NotReady> {
    if phase > Phase::Serving {
        return Err(NotReady::ShuttingDown);
    }
    match certificate.at(now) {
        Standing::Valid => Ok(()),
        Standing::Expired(ago) => Err(NotReady::Expired(ago)),
        Standing::NotYet(until) => Err(NotReady::NotYetValid(until)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn ready_means_serving_under_a_valid_certificate() {
        let certificate = Validity { not_before: 100, not_after: 200 };
        let at = |second| UNIX_EPOCH + Duration::from_secs(second);
        assert_eq!(readiness(Phase::Serving, certificate, at(150)), Ok(()));
        assert_eq!(readiness(Phase::Draining, certificate, at(150)), Err(NotReady::ShuttingDown));
        assert_eq!(readiness(Phase::Serving, certificate, at(203)), Err(NotReady::Expired(Duration::from_secs(3))));
        assert_eq!(readiness(Phase::Serving, certificate, at(99)), Err(NotReady::NotYetValid(Duration::from_secs(1))));
    }
}
