//! Whether the API server should send requests here.

use std::time::{Duration, SystemTime};

use super::phase::Phase;
use crate::certs::sight::Untrusted;
use crate::certs::{Pair, Sight, Standing};

/// Why not.
#[derive(Debug, thiserror::Error)]
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
    /// The API server would refuse the certificate.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
}

/// Every [`NotReady::reason`].
pub const REASONS: [&str; 7] = [
    "shutting_down",
    "certificate_expired",
    "certificate_not_yet_valid",
    "registration_unread",
    "registration_absent",
    "registration_empty",
    "untrusted",
];

impl NotReady {
    /// One word of [`REASONS`], for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::ShuttingDown => REASONS[0],
            Self::Expired(_) => REASONS[1],
            Self::NotYetValid(_) => REASONS[2],
            Self::Untrusted(Untrusted::Unread(_)) => REASONS[3],
            Self::Untrusted(Untrusted::Absent) => REASONS[4],
            Self::Untrusted(Untrusted::NoEntries) => REASONS[5],
            Self::Untrusted(Untrusted::Entry { .. }) => REASONS[6],
        }
    }
}

/// Ready while everything is served under a certificate that holds now, and that the live registration lets the API server trust.
/// Without a cluster there is no registration to ask.
///
/// # Errors
/// [`NotReady`] with the reason.
pub fn readiness(phase: Phase, served: &Pair, registration: Option<&Sight>, now: SystemTime) -> Result<(), NotReady> {
    if phase > Phase::Serving {
        return Err(NotReady::ShuttingDown);
    }
    match served.validity().at(now) {
        Standing::Valid => {}
        Standing::Expired(ago) => return Err(NotReady::Expired(ago)),
        Standing::NotYet(until) => return Err(NotReady::NotYetValid(until)),
    }
    registration.map_or(Ok(()), |sight| Ok(sight.vouch(served, now)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certs::issue::BACKDATE;
    use crate::certs::sight::{Entry, Live};
    use crate::certs::{Authority, Jitter, Keeper};

    const LIFE: Duration = Duration::from_secs(100);

    fn served(now: SystemTime) -> (Authority, Pair) {
        let authority = Authority::create("an authority", now, LIFE).unwrap();
        let leaf = authority.sign(&["s.n.svc".into()], now, LIFE).unwrap();
        let pair = Pair::try_from(&leaf).unwrap();
        (authority, pair)
    }

    fn reason(phase: Phase, pair: &Pair, sight: Option<&Sight>, now: SystemTime) -> Result<(), &'static str> {
        readiness(phase, pair, sight, now).map_err(|why| why.reason())
    }

    #[test]
    fn without_a_cluster_ready_means_serving_under_a_valid_certificate() {
        let now = SystemTime::now();
        let (_, pair) = served(now);
        assert_eq!(reason(Phase::Serving, &pair, None, now), Ok(()));
        assert_eq!(reason(Phase::Draining, &pair, None, now), Err("shutting_down"));
        assert_eq!(reason(Phase::Serving, &pair, None, now + 2 * LIFE), Err("certificate_expired"));
        assert_eq!(reason(Phase::Serving, &pair, None, now - 2 * BACKDATE), Err("certificate_not_yet_valid"));
    }

    #[test]
    fn in_a_cluster_the_live_registration_has_to_trust_it_too() {
        let now = SystemTime::now();
        let (authority, pair) = served(now);
        let seen = |bundle: &str| {
            let entry = Entry { name: "a".into(), host: "s.n.svc".into(), bundle: bundle.into() };
            Sight::Seen(Live { version: "1".into(), entries: vec![entry] })
        };
        let stranger = Keeper::new("s", "n", now, Jitter::NONE).unwrap();
        let cases = [
            (seen(authority.pem()), Ok(())),
            (seen(""), Err("untrusted")),
            (Sight::Seen(Live::default()), Err("registration_empty")),
            (Sight::Absent, Err("registration_absent")),
            (Sight::Unread("refused".into()), Err("registration_unread")),
        ];
        for (sight, expected) in cases {
            assert_eq!(reason(Phase::Serving, &pair, Some(&sight), now), expected);
            assert_eq!(reason(Phase::Draining, &pair, Some(&sight), now), Err("shutting_down"));
        }
        let trusting = seen(authority.pem());
        assert_eq!(reason(Phase::Serving, stranger.served(), Some(&trusting), now), Err("untrusted"));
    }
}
