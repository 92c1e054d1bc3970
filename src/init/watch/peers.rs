//! Watches the peers: a thread for each, which looks, tells, and waits.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::super::clock;
use super::super::procedure::{Input, Name, PeerName};
use super::super::threads;
use super::Tell;
use super::look;
pub use super::look::Ports;
use super::pulse::Pulse;
use super::resolver::Resolver;

/// How long a look waits for the name server.
const NAMING: Duration = Duration::from_secs(1);

/// The same where Kubernetes gives the address: a silent name server must not hold up who is about to stop.
const NAMING_BESIDE: Duration = Duration::from_millis(100);

/// The watch over all peers; it ends when this is dropped.
pub struct Peers {
    ports: Ports,
    tell: Tell,
    pulse: Arc<Pulse>,
    watched: Vec<Arc<Watched>>,
}

/// One peer, as its thread knows it.
#[derive(Debug)]
struct Watched {
    name: PeerName,
    /// Address that Kubernetes gives.
    ip: Mutex<Option<IpAddr>>,
    /// The thread is to end.
    over: AtomicBool,
    /// It is looking.
    looks: AtomicBool,
}

impl Peers {
    /// A watch over nobody yet, with looks `pause` apart. `tell` hears of every look, by [`Input::Looked`].
    pub fn new(ports: Ports, pause: Duration, tell: Tell) -> Self {
        Self { ports, tell, pulse: Arc::new(Pulse::new(pause)), watched: Vec::new() }
    }

    /// Watches these peers from now on, each with its address where Kubernetes tells it. Whoever is new is looked at at once, whoever
    /// is missing is not told of any more.
    ///
    /// # Errors
    /// What the system says of threads; the peers that it concerns are not watched, until this is called again.
    pub fn watch(&mut self, peers: &[(PeerName, Option<IpAddr>)]) -> io::Result<()> {
        self.watched.retain(|watched| {
            let stays = peers.iter().any(|(name, _)| *name == watched.name);
            watched.over.store(!stays, Ordering::Relaxed);
            stays
        });
        for (name, ip) in peers {
            match self.watched.iter().find(|watched| watched.name == *name) {
                Some(watched) => *watched.ip.lock().unwrap_or_else(PoisonError::into_inner) = *ip,
                None => self.begin(name, *ip)?,
            }
        }
        Ok(())
    }

    /// From now on looks begin so far apart.
    pub fn pace(&self, pause: Duration) {
        self.pulse.set(pause);
    }

    /// All are looked at at once. Whoever is just being looked at, perhaps where it no longer is, which takes a second or two, is looked at
    /// once more beside that, with a new question to the name server.
    pub fn kick(&self) {
        // Moments are milliseconds, and only what was asked in a later one than that of the wish is an answer to it.
        thread::sleep(Duration::from_millis(1));
        self.pulse.kick();
        for watched in self.watched.iter().filter(|watched| watched.looks.load(Ordering::Relaxed)) {
            let (ports, tell, own) = (self.ports, Arc::clone(&self.tell), Arc::clone(watched));
            let look = move || {
                let looked = own.look(&mut Resolver::new(Name::clone(&own.name.host)), ports);
                // That no address was found in a hurry is no news beside a look that found one.
                if matches!(looked, Input::Looked { looks: Ok(_), .. }) && !own.over.load(Ordering::Relaxed) {
                    tell(looked);
                }
            };
            // Without a thread the next look has to do.
            drop(threads::begin("look", Box::new(look)));
        }
    }

    fn begin(&mut self, name: &PeerName, ip: Option<IpAddr>) -> io::Result<()> {
        let (over, looks) = (AtomicBool::new(false), AtomicBool::new(false));
        let watched = Arc::new(Watched { name: name.clone(), ip: Mutex::new(ip), over, looks });
        let (ports, pulse, tell, own) =
            (self.ports, Arc::clone(&self.pulse), Arc::clone(&self.tell), Arc::clone(&watched));
        threads::begin("peer", Box::new(move || own.watch(ports, &pulse, &tell)))?;
        self.watched.push(watched);
        Ok(())
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        for watched in &self.watched {
            watched.over.store(true, Ordering::Relaxed);
        }
        self.pulse.kick();
    }
}

impl Watched {
    fn watch(&self, ports: Ports, pulse: &Pulse, tell: &Tell) {
        let mut resolver = Resolver::new(Name::clone(&self.name.host));
        while !self.over.load(Ordering::Relaxed) {
            let (begun, seen) = (Instant::now(), pulse.kicks());
            self.looks.store(true, Ordering::Relaxed);
            let looked = self.look(&mut resolver, ports);
            self.looks.store(false, Ordering::Relaxed);
            if self.over.load(Ordering::Relaxed) {
                return;
            }
            tell(looked);
            pulse.wait(begun, seen);
        }
    }

    fn look(&self, resolver: &mut Resolver, ports: Ports) -> Input {
        let asked = clock::now().at;
        let kubernetes = *self.ip.lock().unwrap_or_else(PoisonError::into_inner);
        let named = resolver.addresses(if kubernetes.is_some() { NAMING_BESIDE } else { NAMING });
        let targets = look::targets(kubernetes, named.as_deref().unwrap_or_default());
        let looks = match named {
            Err(error) if targets.is_empty() => Err(error),
            Ok(_) if targets.is_empty() => Err("no address".into()),
            _ => Ok(look::at_all(&targets, ports)),
        };
        // Who has moved is not where the last answer leads to.
        if looks.as_deref().is_ok_and(|looks| !looks.iter().any(look::answered)) {
            resolver.forget();
        }
        Input::Looked { pod: Name::clone(&self.name.pod), asked, looks }
    }
}

#[cfg(test)]
mod tests;
