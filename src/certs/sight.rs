//! The live registration as it was last seen, and whether it lets the API server trust a certificate.

use std::collections::BTreeSet;
use std::time::SystemTime;

use rustls::pki_types::ServerName;

use super::bundle::{Bundle, Distrust};
use super::{Pair, service_names};

/// What was last seen of the registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// It has not been read yet; why.
    Unread(String),
    /// There is none.
    Absent,
    /// This one.
    Seen(Live),
}

/// A registration that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// Its `resourceVersion`: changes with it.
    pub version: String,
    /// Its webhooks.
    pub entries: Vec<Entry>,
}

/// One webhook of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Host that the API server wants to see proven: `<service>.<namespace>.svc`, or the host of a URL.
    pub host: String,
    /// `caBundle`: PEM, if all is well.
    pub bundle: Vec<u8>,
}

/// Why the API server would not trust the certificate.
#[derive(Debug, thiserror::Error)]
pub enum Untrusted {
    /// Nobody knows.
    #[error("the registration has not been read yet: {0}")]
    Unread(String),
    /// Nobody asks.
    #[error("there is no registration")]
    Absent,
    /// Nobody asks.
    #[error("the registration has no webhooks")]
    NoEntries,
    /// One asks, and would turn away.
    #[error("the caBundle of {entry} does not vouch for the certificate as {host}: {why}")]
    Entry {
        /// Name of the webhook.
        entry: String,
        /// Host that was asked for.
        host: String,
        /// What is wrong.
        why: Distrust,
    },
}

impl Sight {
    /// The registration, if there is one.
    pub fn live(&self) -> Option<&Live> {
        match self {
            Self::Seen(live) => Some(live),
            Self::Unread(_) | Self::Absent => None,
        }
    }

    /// Whether the API server would trust `pair` at `now`, whichever webhook it calls.
    ///
    /// # Errors
    /// [`Untrusted`] with the first reason why not.
    pub fn vouch(&self, pair: &Pair, now: SystemTime) -> Result<(), Untrusted> {
        match self {
            Self::Unread(why) => Err(Untrusted::Unread(why.clone())),
            Self::Absent => Err(Untrusted::Absent),
            Self::Seen(live) => live.vouch(pair, now),
        }
    }
}

impl Live {
    /// The same for a registration that is there.
    ///
    /// # Errors
    /// [`Untrusted`] with the first webhook that would not trust it.
    pub fn vouch(&self, pair: &Pair, now: SystemTime) -> Result<(), Untrusted> {
        // All of them have the same bundle and host, as a rule: judged once.
        let mut judged = BTreeSet::new();
        for Entry { name, host, bundle } in &self.entries {
            if judged.insert((host, bundle)) {
                let verdict = Bundle::read(bundle).vouch(pair, host, now);
                verdict.map_err(|why| Untrusted::Entry { entry: name.clone(), host: host.clone(), why })?;
            }
        }
        if judged.is_empty() { Err(Untrusted::NoEntries) } else { Ok(()) }
    }

    /// Whether every webhook has exactly this bundle.
    pub fn carries(&self, bundle: &str) -> bool {
        self.entries.iter().all(|entry| entry.bundle == bundle.as_bytes())
    }
}

/// Names that a certificate has to hold: those of the Service, and hosts that the registration asks for beside.
pub fn hosts(service: &str, namespace: &str, sight: &Sight) -> Vec<String> {
    let mut hosts = service_names(service, namespace);
    for entry in sight.live().map(|live| live.entries.as_slice()).unwrap_or_default() {
        // What is no host can be proven by no certificate.
        if ServerName::try_from(entry.host.as_str()).is_ok() && !hosts.contains(&entry.host) {
            hosts.push(entry.host.clone());
        }
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certs::Authority;
    use crate::certs::issue::{AUTHORITY_LIFE, LEAF_LIFE};

    fn entry(name: &str, host: &str, bundle: &str) -> Entry {
        Entry { name: name.into(), host: host.into(), bundle: bundle.into() }
    }

    fn live(entries: Vec<Entry>) -> Live {
        Live { version: "1".into(), entries }
    }

    #[test]
    fn each_webhook_has_to_trust() {
        let now = SystemTime::now();
        let authority = Authority::create("an authority", now, AUTHORITY_LIFE).unwrap();
        let pair =
            Pair::try_from(&authority.sign(&["s.n.svc".into(), "127.0.0.1".into()], now, LEAF_LIFE).unwrap()).unwrap();
        let good = entry("a", "s.n.svc", authority.pem());
        live(vec![good.clone(), entry("b", "127.0.0.1", authority.pem())]).vouch(&pair, now).unwrap();
        let faults = [
            (
                vec![good.clone(), entry("b", "s.n.svc", "")],
                "the caBundle of b does not vouch for the certificate as s.n.svc: it holds no certificate",
            ),
            (
                vec![good, entry("b", "192.0.2.1", authority.pem())],
                "the caBundle of b does not vouch for the certificate as 192.0.2.1",
            ),
            (vec![], "the registration has no webhooks"),
        ];
        for (entries, expected) in faults {
            let said = Sight::Seen(live(entries)).vouch(&pair, now).unwrap_err().to_string();
            assert!(said.starts_with(expected), "{said}");
        }
        assert_eq!(Sight::Absent.vouch(&pair, now).unwrap_err().to_string(), "there is no registration");
        let said = Sight::Unread("refused".into()).vouch(&pair, now).unwrap_err().to_string();
        assert_eq!(said, "the registration has not been read yet: refused");
    }

    #[test]
    fn hosts_of_the_registration_come_behind_the_names_of_the_service() {
        let sight = Sight::Seen(live(vec![entry("a", "s.n.svc", ""), entry("b", "127.0.0.1", ""), entry("c", "", "")]));
        assert_eq!(hosts("s", "n", &sight), ["s.n.svc", "s.n.svc.cluster.local", "s.n", "s", "127.0.0.1"]);
    }
}
