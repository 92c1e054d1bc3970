//! Watches the peers before dkron runs: one thread each, since a name server that does not answer blocks its asker.

use std::io;
use std::net::ToSocketAddrs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::decide::{Peer, Sight};
use super::leader;

/// Pause between two rounds.
const PAUSE: Duration = Duration::from_secs(1);

/// How long one address may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The name resolvers of the C libraries keep their answers on the stack.
const STACK_BYTES: usize = 256 * 1024;

/// A running watch; it ends when this is dropped.
#[derive(Debug)]
pub struct Lookout {
    over: Arc<AtomicBool>,
}

impl Lookout {
    /// Watches all `peers` but the own pod, whose dkron answers at `port`. `tell` hears of each round: number of the peer, and what was seen.
    ///
    /// # Errors
    /// What the system says of threads.
    pub fn start(peers: &[Peer], port: u16, tell: impl Fn(usize, Sight) + Clone + Send + 'static) -> io::Result<Self> {
        let over = Arc::new(AtomicBool::new(false));
        let lookout = Self { over: Arc::clone(&over) };
        for (number, peer) in peers.iter().enumerate().filter(|(_, peer)| !peer.own) {
            let (name, over, tell) = (peer.name.clone(), Arc::clone(&over), tell.clone());
            let thread = thread::Builder::new().name(format!("peer-{number}")).stack_size(STACK_BYTES);
            thread.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    tell(number, look(&name, port));
                    thread::sleep(PAUSE);
                }
            })?;
        }
        Ok(lookout)
    }
}

impl Drop for Lookout {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// One look at one peer, at each of its addresses.
fn look(name: &str, port: u16) -> Sight {
    let addresses = match (name, port).to_socket_addrs() {
        Ok(addresses) => addresses,
        Err(error) => return Sight::Unresolved(error.to_string()),
    };
    let mut sight = Sight::Unresolved("no address".into());
    for address in addresses {
        sight = match leader::ask(address, PATIENCE) {
            Ok(Ok(leader)) => return Sight::Knows(leader),
            Ok(Err(none)) => Sight::Leaderless(none),
            Err(error) => Sight::Silent(format!("{address}: {error}")),
        };
    }
    sight
}
