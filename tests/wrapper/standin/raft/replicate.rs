//! The leader's side of the log: one thread for each follower, with a connection of its own.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use super::journal::Server;
use super::message::{Append, Appended};
use super::{Generation, Raft};
use crate::standin::rpc::{self, Request};
use crate::standin::wire;

/// Raft's network timeout: so long may a dial into the void take.
pub const NETWORK: Duration = Duration::from_secs(30);

const HEARTBEAT: Duration = Duration::from_millis(100);

/// The longest pause after failures.
const PAUSE: Duration = Duration::from_millis(500);

/// The threads that feed followers: by the follower and the term the number of the one that does.
pub type Feeds = BTreeMap<(String, u64), u64>;

/// Numbers of threads.
static FEEDS: AtomicU64 = AtomicU64::new(0);

/// What a follower is told next.
struct Next {
    server: Server,
    message: Append,
    /// It is the last that the follower is told.
    removed: bool,
}

impl Raft {
    /// Starts a thread for every follower that has none in this term.
    pub(super) fn replicate(self: &Arc<Self>) {
        let core = self.core();
        let term = core.journal.term;
        if !core.leads_in(term) {
            return;
        }
        let servers = core.servers();
        drop(core);
        let mut feeds = self.feeds();
        // Who was removed and is added again gets another thread: the old one may be caught in a dial.
        feeds.retain(|(id, _), _| servers.iter().any(|server| server.id == *id));
        for server in servers.into_iter().filter(|server| server.id != self.own.id) {
            if let Entry::Vacant(free) = feeds.entry((server.id.clone(), term)) {
                let feed = *free.insert(FEEDS.fetch_add(1, Ordering::Relaxed));
                let raft = Arc::clone(self);
                thread::spawn(move || {
                    raft.feed(&server.id, term, feed);
                    raft.feeds().retain(|_, other| *other != feed);
                });
            }
        }
    }

    fn feeds(&self) -> MutexGuard<'_, Feeds> {
        self.replicating.lock().expect("nobody panics with this lock")
    }

    /// No other thread has taken over since.
    fn is_current(&self, peer: &str, term: u64, feed: u64) -> bool {
        self.feeds().get(&(peer.to_owned(), term)) == Some(&feed)
    }

    /// Keeps `peer` up to date until this node does not lead any more, or `peer` is no server any more: then it is told
    /// so, once.
    fn feed(&self, peer: &str, term: u64, feed: u64) {
        let (mut stream, mut failures, mut known) = (None, 0, None);
        while let Some(Next { server, message, removed }) = self.next_message(peer, term, known.as_ref()) {
            if !removed && !self.is_current(peer, term, feed) {
                return;
            }
            if let Ok(answer) = self.exchange(&mut stream, &server, &message) {
                failures = 0;
                let mut core = self.core();
                let before = core.commit();
                core.on_appended(peer, &message, &answer, Instant::now());
                let moved = core.commit() != before || !core.leads_in(term);
                drop(core);
                if moved {
                    self.changed.notify_all();
                }
            } else {
                stream = None;
                failures += 1;
                thread::sleep(PAUSE.min(Duration::from_millis(10 << failures.min(8))));
            }
            if removed {
                return;
            }
            known = Some(server);
        }
    }

    /// Waits for something to say, a heartbeat at the latest. `None` ends the thread.
    fn next_message(&self, peer: &str, term: u64, known: Option<&Server>) -> Option<Next> {
        let until = Instant::now() + HEARTBEAT;
        let mut core = self.core();
        let told = core.commit();
        loop {
            if !core.leads_in(term) {
                return None;
            }
            let server = core.servers().into_iter().find(|server| server.id == *peer);
            let (removed, now) = (server.is_none(), Instant::now());
            let due = known.is_none() || removed || core.commit() != told || now >= until;
            if due || core.has_news_for(peer) {
                let message = core.message_for(peer, self.told_address());
                return server.or_else(|| known.cloned()).map(|server| Next { server, message, removed });
            }
            core = self.wait(core, until - now);
        }
    }

    /// The address that followers are told: version 4 says what serf knows of itself, version 3 what it listens on.
    fn told_address(&self) -> String {
        match self.generation {
            Generation::Three => self.own.address.clone(),
            Generation::Four => self.address_of(&self.own),
        }
    }

    fn exchange(&self, stream: &mut Option<TcpStream>, server: &Server, message: &Append) -> std::io::Result<Appended> {
        if stream.is_none() {
            let connection = wire::dial(&self.address_of(server), NETWORK)?;
            connection.set_read_timeout(Some(NETWORK))?;
            *stream = Some(connection);
        }
        let connection = stream.as_mut().ok_or(std::io::ErrorKind::NotConnected)?;
        rpc::exchange(connection, &Request::Append(message.clone()))
    }
}
