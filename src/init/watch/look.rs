//! One look at a peer: at each address, who answers? The wrapper first; dkron only where no wrapper told of itself in a language that is
//! understood.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::dkron::{api, http};
use super::super::procedure::{Look, PROTOCOL, State, Told};
use super::super::threads;
use super::slot::Slot;
use super::state;
use crate::contract::path;

/// How long one address may take. Where nobody is, two connections that do not come about take a second together.
const PATIENCE: Duration = Duration::from_secs(2);

/// The same for an address beside one where a wrapper has told who it is.
const BESIDE: Duration = Duration::from_millis(100);

/// More addresses of one peer are not looked at. Two families, an old and a new address.
const MOST_ADDRESSES: usize = 6;

/// Ports on the peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Of the wrapper.
    pub wrapper: u16,
    /// Of dkron's HTTP API.
    pub dkron: u16,
}

/// The distinct addresses of a peer, and whether DNS gave them; that from Kubernetes first.
pub fn targets(kubernetes: Option<IpAddr>, by_name: &[IpAddr]) -> Vec<(IpAddr, bool)> {
    let mut targets: Vec<(IpAddr, bool)> = Vec::new();
    let named = by_name.iter().map(|ip| (ip.to_canonical(), true));
    for (ip, named) in kubernetes.map(|ip| (ip.to_canonical(), false)).into_iter().chain(named) {
        match targets.iter().position(|(known, _)| *known == ip) {
            Some(known) => targets[known].1 |= named,
            None if targets.len() < MOST_ADDRESSES => targets.push((ip, named)),
            None => {}
        }
    }
    targets
}

/// Looks at all of them at the same time: an old address where nobody is must not hold up the others, nor the whole look where another
/// one has told who it is.
pub fn at_all(targets: &[(IpAddr, bool)], ports: Ports) -> Vec<Look> {
    // That is the newest, where DNS gave one.
    let Some((last, others)) = targets.split_last() else { return Vec::new() };
    let others: Vec<_> = others.iter().map(|target| (*target, begin(*target, ports))).collect();
    let mut looks = vec![at(*last, ports)];
    for (target, slot) in others {
        let told = looks.iter().any(|look| matches!(look.wrapper, Told::Answer(_)));
        let look = slot.and_then(|slot| slot.take(if told { BESIDE } else { PATIENCE }));
        looks.push(match look {
            Some(look) => look,
            None if told => Look { ip: target.0, by_name: target.1, wrapper: Told::Silence, dkron: Told::Silence },
            // Without threads one after another.
            None => at(target, ports),
        });
    }
    looks
}

/// Somebody answered there, whoever it was.
pub fn answered(look: &Look) -> bool {
    !matches!((&look.wrapper, &look.dkron), (Told::Nobody | Told::Silence, Told::Nobody | Told::Silence))
}

fn begin(target: (IpAddr, bool), ports: Ports) -> Option<Arc<Slot<Look>>> {
    let slot = Arc::new(Slot::new());
    let brings = Arc::clone(&slot);
    threads::begin("look", Box::new(move || brings.put(at(target, ports)))).ok()?;
    Some(slot)
}

fn at((ip, by_name): (IpAddr, bool), ports: Ports) -> Look {
    let end = Instant::now() + PATIENCE;
    let wrapper = http::told(ask(SocketAddr::new(ip, ports.wrapper), end));
    let dkron = match wrapper {
        Told::Answer(ref state) if state.protocol == PROTOCOL => Told::Silence,
        _ => api::view(SocketAddr::new(ip, ports.dkron), end, &mut drop),
    };
    Look { ip, by_name, wrapper, dkron }
}

/// What a wrapper tells of itself. What it means, and whether its language is ours, is not judged here.
fn ask(wrapper: SocketAddr, end: Instant) -> io::Result<State> {
    let response = http::ask(wrapper, http::Method::Get, path::STATE, end)?;
    let told = (response.status == 200).then(|| state::read(&response.body)).flatten();
    told.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "no state"))
}

#[cfg(test)]
pub mod tests;
