//! Names to addresses. A name server that is silent holds its asker up for many seconds, so a short-lived thread asks.

use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::procedure::{Name, Outcome};
use super::super::threads;
use super::slot::Slot;

/// What the name server says.
type Addresses = Outcome<Vec<IpAddr>>;

/// An answer serves so long: fast looks need not ask as often, and name servers keep theirs for longer.
const FRESH: Duration = Duration::from_secs(1);

/// Addresses of one name.
#[derive(Debug)]
pub struct Resolver {
    host: Name,
    /// The answer to a question that was asked and is not answered yet.
    pending: Option<Arc<Slot<Addresses>>>,
    /// When the last answer came, and what it was.
    last: Option<(Instant, Addresses)>,
}

impl Resolver {
    /// For a DNS name, or an address.
    pub fn new(host: Name) -> Self {
        Self { host, pending: None, last: None }
    }

    /// The present addresses. One question is under way at a time; an answer that came too late for one call is the next call's.
    ///
    /// # Errors
    /// What the resolver says; that it does not answer `within` that time.
    pub fn addresses(&mut self, within: Duration) -> Addresses {
        if let Ok(address) = self.host.parse() {
            return Ok(vec![address]);
        }
        if let Some((_, last)) = self.last.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return last.clone();
        }
        let answer = match self.pending.take() {
            Some(pending) => pending,
            None => ask(Name::clone(&self.host))?,
        };
        let Some(outcome) = answer.take(within) else {
            self.pending = Some(answer);
            return Err("the name server is silent".into());
        };
        self.last = Some((Instant::now(), outcome.clone()));
        outcome
    }

    /// The last answer leads nowhere: the next call asks anew.
    pub fn forget(&mut self) {
        self.last = None;
    }
}

fn ask(host: Name) -> Outcome<Arc<Slot<Addresses>>> {
    let slot = Arc::new(Slot::new());
    let brings = Arc::clone(&slot);
    let resolve = move || {
        let found = (&*host, 0).to_socket_addrs().map(|found| found.map(|address| address.ip()).collect());
        brings.put(found.map_err(|error| Name::from(error.to_string())));
    };
    threads::begin("resolver", Box::new(resolve)).map_err(|error| Name::from(error.to_string()))?;
    Ok(slot)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One label is longer than DNS allows, so that no resolver asks anybody.
    const UNRESOLVABLE: &str =
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.svc.cluster.local.";

    #[test]
    fn names_and_addresses_are_resolved() {
        let soon = Duration::from_secs(20);
        let local = Resolver::new("localhost".into()).addresses(soon).expect("addresses");
        assert!(local.iter().all(IpAddr::is_loopback) && !local.is_empty(), "{local:?}");
        let address = "fd00::1".parse().expect("an address");
        assert_eq!(Resolver::new("fd00::1".into()).addresses(Duration::ZERO), Ok(vec![address]));
        assert!(Resolver::new(UNRESOLVABLE.into()).addresses(soon).is_err());
    }

    #[test]
    fn an_answer_serves_for_a_moment_unless_it_leads_nowhere() {
        let mut resolver = Resolver::new("localhost".into());
        let stale: Vec<IpAddr> = vec!["10.0.0.1".parse().expect("an address")];
        resolver.last = Some((Instant::now(), Ok(stale.clone())));
        assert_eq!(resolver.addresses(Duration::ZERO), Ok(stale.clone()));
        resolver.forget();
        assert_ne!(resolver.addresses(Duration::from_secs(20)), Ok(stale));
    }

    #[test]
    fn an_answer_that_comes_late_is_the_next_calls() {
        let slot = Arc::new(Slot::new());
        let mut resolver = Resolver::new("a-0.example.".into());
        resolver.pending = Some(Arc::clone(&slot));
        assert_eq!(resolver.addresses(Duration::from_millis(10)), Err("the name server is silent".into()));
        let late = vec!["10.0.0.1".parse().expect("an address")];
        slot.put(Ok(late.clone()));
        assert_eq!(resolver.addresses(Duration::ZERO), Ok(late.clone()));
        let begun = Instant::now();
        assert_eq!(resolver.addresses(Duration::ZERO), Ok(late));
        assert!(resolver.pending.is_none() || begun.elapsed() > FRESH / 2, "asked again at once");
    }
}
