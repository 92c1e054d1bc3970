//! The own dkron: it listens on all addresses, or on the pod's alone where the user said so.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::super::procedure::{DkronView, Member, Name, Outcome, Told};
use super::api;

/// Where the own dkron may listen.
#[derive(Debug)]
pub struct OwnDkron {
    addresses: Vec<SocketAddr>,
    /// Which of them answered last.
    last: AtomicUsize,
}

impl OwnDkron {
    /// A dkron whose HTTP API listens at `port`, here or at `pod_ip`.
    pub fn new(port: u16, pod_ip: Option<IpAddr>) -> Self {
        let hosts = [Some(IpAddr::from(Ipv4Addr::LOCALHOST)), pod_ip];
        let addresses = hosts.into_iter().flatten().map(|ip| SocketAddr::new(ip, port)).collect();
        Self { addresses, last: AtomicUsize::new(0) }
    }

    /// What it shows; `None` where it does not answer, or not as dkron does. `everybody` gets each member that its serf knows, more
    /// than once perhaps where it does not answer to the end.
    pub fn view(&self, within: Duration, everybody: &mut dyn FnMut(Member)) -> Option<DkronView> {
        let end = Instant::now() + within;
        let last = self.last.load(Ordering::Relaxed);
        let order = (last..self.addresses.len()).chain(0..last);
        for number in order {
            if let Told::Answer(view) = api::view(self.addresses[number], end, everybody) {
                self.last.store(number, Ordering::Relaxed);
                return Some(view);
            }
        }
        None
    }

    /// Number of executions that run on it; its node name is `node`.
    ///
    /// # Errors
    /// Why it could not be learned.
    pub fn busy(&self, node: &str, within: Duration) -> Outcome<usize> {
        words(api::busy(self.at(), node, Instant::now() + within))
    }

    /// Makes it leave the cluster. It runs on afterwards.
    ///
    /// # Errors
    /// Why it did not, as far as is known: it may leave all the same.
    pub fn leave(&self, within: Duration) -> Outcome<()> {
        words(api::leave(self.at(), Instant::now() + within))
    }

    /// Where it answered last.
    fn at(&self) -> SocketAddr {
        self.addresses[self.last.load(Ordering::Relaxed)]
    }
}

fn words<T>(outcome: io::Result<T>) -> Outcome<T> {
    outcome.map_err(|error| Name::from(error.to_string()))
}
