//! How long something has been trusted already.

use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;

/// How long the live registration has to vouch for an authority before anything is served by it while another one is trusted too:
/// each API server learns of a registration at its own time.
pub const SETTLE: Duration = Duration::from_secs(30);

/// Since when an authority is trusted, without a break.
#[derive(Clone, Debug, Default)]
pub struct Settling(Option<(CertificateDer<'static>, Instant)>);

impl Settling {
    /// `authority` is trusted at `now`; whether it has been for [`SETTLE`]. Another authority begins anew.
    pub fn holds(&mut self, authority: &CertificateDer<'static>, now: Instant) -> bool {
        let known = self.0.take().filter(|(known, _)| known == authority);
        let (authority, since) = known.unwrap_or_else(|| (authority.clone(), now));
        self.0 = Some((authority, since));
        now.duration_since(since) >= SETTLE
    }

    /// It is not trusted.
    pub fn breaks(&mut self) {
        self.0 = None;
    }

    /// How long until it has settled.
    pub fn left(&self, now: Instant) -> Option<Duration> {
        let (_, since) = self.0.as_ref()?;
        Some(SETTLE.saturating_sub(now.duration_since(*since)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_unbroken_time_counts() {
        let (one, other) = (CertificateDer::from(vec![1]), CertificateDer::from(vec![2]));
        let begun = Instant::now();
        let at = |second| begun + Duration::from_secs(second);
        let mut settling = Settling::default();
        assert_eq!(settling.left(at(100)), None);
        assert!(!settling.holds(&one, at(100)) && !settling.holds(&one, at(129)) && settling.holds(&one, at(130)));
        assert!(!settling.holds(&other, at(131)), "another");
        assert_eq!(settling.left(at(141)), Some(Duration::from_secs(20)));
        settling.breaks();
        assert!(!settling.holds(&other, at(200)), "broken");
    }
}
